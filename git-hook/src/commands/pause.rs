//! `git sera pause`.
use super::Context;
use crate::command_error::{CommandError, Kind};
use clap::Args;
use jiff::SignedDuration;
use sera_protocol::method::PauseParams;

/// Hold still all that takes minutes, training in the middle of it included
///
/// Nothing is lost: it goes on where it was, by itself once the time is over or at `git sera
/// resume`. Commits are mined and fixes are made meanwhile. Survives the daemon.
#[derive(Debug, Args)]
pub struct Pause {
    /// For so long, such as 30m, 2h or "1h 30m"; until `git sera resume` without it
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    seconds: Option<u64>,
}

impl Pause {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let paused = context.ask(PauseParams { seconds: self.seconds })?;
        if context.ui.wants_json() {
            context.ui.json(&paused)?;
        } else {
            let until = paused.until_ms.map_or("`git sera resume`".to_owned(), super::moment);
            context.ui.status(&format!("paused until {until}"));
        }
        Ok(Kind::Success)
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    let parsed: SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let seconds = u64::try_from(parsed.as_secs()).ok().filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| "it is at least a second".to_owned())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_read() {
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(seconds(text).ok(), expect, "{text}");
        };
        check("30m", Some(1800));
        check("2h", Some(7200));
        check("1h 30m", Some(5400));
        check("90 seconds", Some(90));
        check("0s", None);
        check("-1h", None);
        check("soon", None);
        check("5", None);
    }
}
