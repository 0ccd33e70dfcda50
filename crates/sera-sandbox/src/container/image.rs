//! What containers are made of: looked up, never fetched.
use super::engine::{CALL, Engine, EngineError};
use bollard::models::ImageConfig;
use std::path::Path;

/// An image as it is on the engine now.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its id, `sha256:…`: containers are made of this and not of a name, which may move.
    pub id: String,
    pub(super) config: ImageConfig,
}

/// Looks an image up and checks that containers can be made of it.
///
/// # Errors
/// Where it is not there, is not the one with the id `pinned`, or would give its containers a
/// writable place of its own.
pub fn find(engine: &Engine, name: &str, pinned: Option<&str>) -> Result<Image, EngineError> {
    let refused =
        |reason: &str| EngineError::Image { image: name.to_owned(), reason: reason.to_owned() };
    let inspected = engine.docker.inspect_image(name);
    let found = engine.call("look an image up", CALL, inspected).map_err(|error| {
        if error.is_absent() { refused("the engine does not have it") } else { error }
    })?;
    let id = found.id.ok_or_else(|| refused("it has no id"))?;
    let id = if id.starts_with("sha256:") { id } else { format!("sha256:{id}") };
    if pinned.is_some_and(|pinned| pinned != id) {
        return Err(refused("it is another one than was agreed to; build it again"));
    }
    let config = found.config.unwrap_or_default();
    // Each would be a writable folder beside the read-only root.
    if config.volumes.iter().flatten().next().is_some() {
        return Err(refused("it declares volumes"));
    }
    if found.os.is_some_and(|os| os != "linux") {
        return Err(refused("it is not for Linux"));
    }
    Ok(Image { id, config })
}

/// Makes an image of a root file system's archive, and returns its id.
pub fn import(engine: &Engine, archive: &Path, name: &str) -> Result<String, EngineError> {
    use bollard::query_parameters::CreateImageOptionsBuilder;
    use futures_util::StreamExt as _;
    let read = |source| EngineError::Io { call: "read the root file system", source };
    let bytes = std::fs::read(archive).map_err(read)?;
    let (repo, tag) = name.split_once(':').unwrap_or((name, "latest"));
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(repo).tag(tag).build();
    let made = engine.wait(async {
        let mut said =
            engine.docker.create_image(Some(options), Some(bollard::body_full(bytes.into())), None);
        while let Some(line) = said.next().await {
            line?;
        }
        Ok(())
    });
    made.map_err(|error| EngineError::call("import an image", error))?;
    Ok(find(engine, name, None)?.id)
}
