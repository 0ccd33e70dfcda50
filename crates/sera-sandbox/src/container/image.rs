//! What containers are made of: looked up, never fetched.
use super::archive;
use super::engine::{CALL, Engine, EngineError};
use super::recipe::Recipe;
use super::spec::INSTANCE;
use crate::Overlay;
use bollard::models::ImageConfig;
use bollard::query_parameters::BuildImageOptions;
use futures_util::StreamExt as _;
use sera_core::Cancel;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

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
    let read = |source| EngineError::Io { call: "read the root file system", source };
    let bytes = std::fs::read(archive).map_err(read)?;
    let (repo, tag) = name.split_once(':').unwrap_or((name, "latest"));
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(repo).tag(tag).build();
    let work = async {
        let mut said =
            engine.docker.create_image(Some(options), Some(bollard::body_full(bytes.into())), None);
        while let Some(line) = said.next().await {
            line?;
        }
        Ok(())
    };
    engine.call("import an image", 600, work)?;
    Ok(find(engine, name, None)?.id)
}

/// The name of the file that says how to build, beside a tree's own files.
const RECIPE: &str = "Dockerfile.of-sera";

/// Builds an image by a repository's own recipe, and returns its id. Its steps have the network and
/// can read the tree, redacted; `say` is told each line.
///
/// # Errors
/// Where the engine or a step fails, or `cancel` was called.
pub fn build(
    engine: &Engine,
    (recipe, tree): (&Recipe, &Overlay),
    (name, instance): (&str, &str),
    cancel: &Cancel,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<String, EngineError> {
    let failed = |reason: String| EngineError::Image { image: name.to_owned(), reason };
    let context = archive::context(tree, recipe.folder.as_ref(), (RECIPE, &recipe.text));
    let context = context.map_err(|error| failed(error.to_string()))?;
    let options = BuildImageOptions {
        dockerfile: RECIPE.to_owned(),
        t: Some(name.to_owned()),
        rm: true,
        forcerm: true,
        buildargs: Some(recipe.arguments.clone().into_iter().collect()),
        target: recipe.target.clone().unwrap_or_default(),
        // Not the label of containers: who starts one of this image keeps it.
        labels: Some(HashMap::from([(format!("{INSTANCE}.image"), instance.to_owned())])),
        ..BuildImageOptions::default()
    };
    let mut lines = Box::pin(engine.docker.build_image(
        options,
        None,
        Some(bollard::body_full(context.into())),
    ));
    let mut id = None;
    let built = engine.wait(async {
        loop {
            match tokio::time::timeout(Duration::from_millis(200), lines.next()).await {
                Err(_) if cancel.is_cancelled() => return Err(failed("cancelled".to_owned())),
                Err(_) => {}
                Ok(None) => return Ok(()),
                Ok(Some(Err(error))) => return Err(EngineError::call("build an image", error)),
                Ok(Some(Ok(line))) => {
                    if let Some(why) = line.error_detail.and_then(|detail| detail.message) {
                        return Err(failed(why));
                    }
                    id = line.aux.and_then(|aux| aux.id).or(id.take());
                    line.stream.iter().flat_map(|text| text.lines()).for_each(&mut *say);
                }
            }
        }
    });
    built?;
    // By what was built, and not by a name that another one may have.
    let id = id.ok_or_else(|| failed("the engine does not say what it built".to_owned()))?;
    Ok(find(engine, &id, None)?.id)
}
