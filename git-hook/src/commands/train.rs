//! `git sera train`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{line, lines, training};
use clap::Args;
use sera_protocol::Job;

/// Train an adapter on the selected attempts
#[derive(Debug, Args)]
pub struct Train {
    /// Train for about this many seconds
    #[arg(long, value_name = "N", conflicts_with = "tokens")]
    seconds: Option<u64>,
    /// Train on about this many tokens
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// Seed of initial weights and order
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl Train {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let job = Job::Train { seconds: self.seconds, tokens: self.tokens, seed: self.seed };
        let report = report!(context, job => Train);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(Kind::Success);
        }
        let mut text = lines(report.notes.as_deref());
        line(&mut text, format_args!("trained on {}", training(&report)));
        if let Some(adapter) = report.adapter {
            line(&mut text, format_args!("adapter {adapter}"));
        }
        context.ui.data(&text)?;
        context.ui.hint("compare it with the base: git sera evaluate");
        Ok(Kind::Success)
    }
}
