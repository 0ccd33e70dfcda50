//! What the machine enforces, and the images that commands run in.
use crate::order::{BuiltImage, Diagnosed};
use sera_protocol::report::{DoctorReport, EnvironmentReport, ImageReport};
use sera_sandbox::EffectiveProtection;
use std::time::Duration;

/// Of `doctor`.
pub(crate) fn doctor(found: Diagnosed, demanded: bool, took: Duration) -> DoctorReport {
    let environment = |protection: EffectiveProtection| EnvironmentReport {
        kind: protection.kind,
        usable: true,
        processes: protection.processes,
        files: protection.files,
        network: protection.network,
        redacted: protection.redacted,
        layers: protection.layers,
        ..EnvironmentReport::default()
    };
    let container = match found.protection {
        Some(protection) => environment(protection),
        None => EnvironmentReport { kind: "container".to_owned(), ..EnvironmentReport::default() },
    };
    let container = EnvironmentReport {
        demanded,
        lacking: found.lacking,
        why_not: found.why_not,
        root_equivalent: found.engine.is_some().then_some(!found.rootless),
        engine: found.engine,
        version: found.version,
        ..container
    };
    let environments = vec![environment(sera_sandbox::effective()), container];
    DoctorReport { environments, seconds: took.as_secs_f64() }
}

/// Of `build-image`.
pub(crate) fn image(done: BuiltImage) -> ImageReport {
    let recipe = done.recipe.to_string();
    ImageReport { text: done.text, recipe, id: done.id, seconds: done.seconds }
}
