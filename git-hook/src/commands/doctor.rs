//! `git sera doctor`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::line;
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::{DoctorReport, EnvironmentReport};

/// Show what is enforced on this machine
///
/// Environments are where models act on a copy of the repository's files. In an overlay nothing
/// can be run. A container is looked at from inside: the layers listed are those found in force.
/// Exits with 1 if a container is demanded (sera.sandbox.kind) and there can be none.
#[derive(Debug, Args)]
pub struct Doctor {}

impl Doctor {
    #[expect(clippy::unused_self, reason = "commands are run alike")]
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Doctor {} => Doctor);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&text(&report))?;
        }
        let unmet = |environment: &EnvironmentReport| environment.demanded && !environment.usable;
        let unmet = report.environments.iter().any(unmet);
        Ok(if unmet { Kind::NoResult } else { Kind::Success })
    }
}

fn text(report: &DoctorReport) -> String {
    let mut text = String::new();
    for environment in &report.environments {
        describe(environment, &mut text);
    }
    text
}

fn describe(environment: &EnvironmentReport, text: &mut String) {
    let can = |can: bool| if can { "yes" } else { "no" };
    let mut tell = |name: &str, value: &str| line(text, format_args!("  {name:<16}{value}"));
    let head = if environment.usable { "can be used" } else { "cannot be used" };
    tell(&environment.kind, head);
    if let Some(why) = &environment.why_not {
        tell("  because", why);
    }
    if let Some(engine) = &environment.engine {
        let version = environment.version.as_deref().unwrap_or("?");
        tell("  engine", &format!("{engine}, version {version}"));
    }
    if environment.root_equivalent == Some(true) {
        tell("  mind", "who may use the engine's socket is root on this machine");
    }
    if environment.usable {
        tell("  runs commands", can(environment.processes));
        tell("  sees files", can(environment.files));
        tell("  has a network", can(environment.network));
        tell("  hides secrets", can(environment.redacted));
    }
    if !environment.layers.is_empty() {
        tell("  in force", &environment.layers.join(", "));
    }
    if !environment.lacking.is_empty() {
        tell("  not enforced", &environment.lacking.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_environments_are_told() {
        let overlay = EnvironmentReport {
            kind: "overlay".to_owned(),
            usable: true,
            redacted: true,
            ..EnvironmentReport::default()
        };
        let container = EnvironmentReport {
            kind: "container".to_owned(),
            usable: true,
            processes: true,
            redacted: true,
            layers: vec!["no-network".to_owned(), "seccomp".to_owned()],
            lacking: vec!["swap".to_owned()],
            engine: Some("unix:///var/run/docker.sock".to_owned()),
            version: Some("20.10.24".to_owned()),
            root_equivalent: Some(true),
            ..EnvironmentReport::default()
        };
        let none = EnvironmentReport {
            kind: "container".to_owned(),
            why_not: Some("no container engine answers".to_owned()),
            ..EnvironmentReport::default()
        };
        let report = DoctorReport { environments: vec![overlay, container, none], seconds: 0.1 };
        insta::assert_snapshot!(text(&report));
    }
}
