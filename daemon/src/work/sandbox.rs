//! The worker's side of containers: a pool for those who run commands, an image built, and what a
//! doctor sees.
use super::synthesize::overlay;
use super::{Desk, script};
use crate::order::{BuildImage, BuiltImage, Diagnose, Diagnosed};
use crate::sandbox::{Sandbox, refused};
use anyhow::{Context as _, Result};
use sera_core::Digest;
use sera_core::audit::Audit;
use sera_protocol::job::ImageSource;
use sera_sandbox::container::recipe::Recipe;
use sera_sandbox::container::{Engine, EngineError, Lease, Order, Owner, Pool, image};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// What builds the default image's root file system, and of which packages.
const BUILD: &str = include_str!("../../../packaging/sandbox/build");
const PACKAGES: &str = include_str!("../../../packaging/sandbox/packages");
/// The default image's name on the engine.
const DEFAULT: &str = "sera-sandbox:default";

/// Containers of this process. All of them are gone when this is dropped.
pub(super) struct Containers {
    pub(super) pool: Arc<Pool>,
    instance: String,
    lease: Option<Lease>,
}

impl Containers {
    /// Containers as the settings want them, so many of them warm. None where there can be none
    /// and none were demanded; whoever waits is told why.
    pub(super) fn open(
        sandbox: Option<&Sandbox>,
        warm: usize,
        desk: &Desk,
    ) -> Result<Option<Self>> {
        let Some(sandbox) = sandbox else { return Ok(None) };
        if sandbox.image.is_none() && !sandbox.demanded {
            return Ok(None);
        }
        match Self::start(sandbox, &desk.audit).and_then(|made| made.pool.warm(warm).map(|()| made))
        {
            Ok(made) => Ok(Some(made)),
            Err(error) if sandbox.demanded => Err(refused(&told(error))),
            Err(error) => {
                desk.step(format!("no commands can be run: {}", told(error)));
                Ok(None)
            }
        }
    }

    fn start(sandbox: &Sandbox, audit: &Audit) -> Result<Self, EngineError> {
        let Some((name, pinned)) = &sandbox.image else {
            let reason = "none was built and none is set".to_owned();
            return Err(EngineError::Image { image: "for containers".to_owned(), reason });
        };
        let engine = Engine::connect(&sandbox.addresses)?;
        let image = image::find(&engine, name, pinned.as_deref())?;
        let run = format!("{}-{:x}", std::process::id(), rand::random::<u64>());
        let lease = Lease::take(&sandbox.leases, &run, engine.address())?;
        let owner = Owner { instance: sandbox.instance.clone(), run };
        let require = sandbox.require.clone();
        let audit = audit.clone();
        let order = Order { image, limits: sandbox.limits, owner, audit, require };
        let pool = Arc::new(Pool::open(engine, order, now)?);
        Ok(Self { pool, instance: sandbox.instance.clone(), lease: Some(lease) })
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        self.pool.close();
        // What cannot be removed now, the daemon finds by the lease that stays.
        if let Some(lease) = self.lease.take() {
            drop(lease.end(&self.instance, now()));
        }
    }
}

fn now() -> u64 {
    crate::cycle::now_ms() / 1000
}

/// An error and its causes, as one line.
fn told(error: EngineError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

/// Looks at what is enforced here.
pub(super) fn diagnose(order: &Diagnose, desk: &Desk) -> Diagnosed {
    let Some(sandbox) = &order.sandbox else {
        return Diagnosed {
            why_not: Some("sera.sandbox.kind is overlay".to_owned()),
            ..Diagnosed::default()
        };
    };
    let mut found = Diagnosed::default();
    match Engine::connect(&sandbox.addresses) {
        Ok(engine) => {
            found.engine = Some(engine.address().to_owned());
            match engine.facts() {
                Ok(facts) => {
                    found.version = Some(facts.version);
                    found.rootless = facts.rootless;
                    found.lacking = facts.lacking;
                }
                Err(error) => found.why_not = Some(told(error)),
            }
        }
        Err(error) => found.why_not = Some(told(error)),
    }
    if found.why_not.is_none() {
        match Containers::start(sandbox, &desk.audit) {
            Ok(made) => found.protection = Some(made.pool.protection().clone()),
            Err(error) => found.why_not = Some(told(error)),
        }
    }
    found
}

/// Builds an image, or says only what it would be built from.
pub(super) fn build(order: &BuildImage, desk: &Desk) -> Result<BuiltImage> {
    let started = Instant::now();
    let mut lines = 0;
    let mut say = |line: &str| {
        lines += 1;
        desk.progress("image", lines, None, "lines", line.to_owned());
    };
    let tree = match order.from {
        ImageSource::Default => None,
        ImageSource::Repository => Some(overlay(&order.source, &order.commit)?),
    };
    let own =
        tree.as_ref().map(|tree| Recipe::of(tree).map(|recipe| (recipe, tree))).transpose()?;
    let text = match &own {
        None => format!("{BUILD}\n# packages: {}\n", PACKAGES.trim().replace('\n', " ")),
        Some((recipe, _)) => recipe.to_string(),
    };
    let recipe = own.as_ref().map_or_else(|| Digest::of(text.as_bytes()), |(own, _)| own.digest());
    if order.agreed.as_ref() != Some(&recipe) {
        return Ok(BuiltImage { text, recipe, id: None, seconds: 0.0 });
    }
    let engine = Engine::connect(&order.addresses)?;
    let id = match &own {
        None => default(&engine, desk, &mut say)?,
        Some((recipe, tree)) => {
            let names = (order.name.as_str(), order.instance.as_str());
            image::build(&engine, (recipe, tree), names, desk.gate.as_cancel(), &mut say)?
        }
    };
    Ok(BuiltImage { text, recipe, id: Some(id), seconds: started.elapsed().as_secs_f64() })
}

/// Makes the default image of Debian's packages; no registry of images is asked.
fn default(engine: &Engine, desk: &Desk, say: &mut dyn FnMut(&str)) -> Result<String> {
    let folder = desk.folder.join("image");
    std::fs::create_dir_all(&folder).context("failed to make a folder")?;
    std::fs::write(folder.join("build"), BUILD).context("failed to write the recipe")?;
    std::fs::write(folder.join("packages"), PACKAGES).context("failed to write the recipe")?;
    let archive = folder.join("root.tar");
    let mut steps = Command::new("sh");
    steps.arg(folder.join("build")).arg(&archive).env("TMPDIR", &folder);
    let ended = script::follow(steps, desk.gate.as_cancel(), say)?;
    desk.gate.as_cancel().check()?;
    anyhow::ensure!(
        ended.success(),
        "the image could not be built; it needs debootstrap as root, or mmdebstrap \
         (`apt install mmdebstrap`): the daemon's log has what they said"
    );
    Ok(image::import(engine, &archive, DEFAULT)?)
}
