//! The one door to the user. Standard output is data and nothing else; everything said *about*
//! the data goes to standard error and obeys `--quiet`. Legible without colour.
use crate::command_error::{CommandError, Kind};
use crate::commands::{Global, When};
use crate::visible::{escaped, visible};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};

/// Colours by what they mean.
pub mod style {
    use super::{AnsiColor, Style};

    /// Something is wrong.
    pub const ERROR: Style = AnsiColor::Red.on_default().bold();
    /// Advice.
    pub const HINT: Style = AnsiColor::Cyan.on_default();
    /// Something is better or added.
    pub const GOOD: Style = AnsiColor::Green.on_default();
    /// Something is worse or removed.
    pub const BAD: Style = AnsiColor::Red.on_default();
    /// A place in a diff.
    pub const PLACE: Style = AnsiColor::Cyan.on_default();
    /// What stands above other things.
    pub const HEADING: Style = Style::new().bold();
    /// What matters less.
    pub const FAINT: Style = Style::new().dimmed();
}

/// `text` in `style`; the streams take the codes out where colour is not wanted.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// What is shown where.
#[derive(Debug)]
pub struct Ui {
    quiet: bool,
    json: bool,
    bars: bool,
}

impl Ui {
    /// As the command line asks.
    pub fn new(global: &Global) -> Self {
        match global.color {
            When::Auto => {}
            When::Always => anstream::ColorChoice::Always.write_global(),
            When::Never => anstream::ColorChoice::Never.write_global(),
        }
        let bars = !global.quiet && io::stderr().is_terminal();
        Self { quiet: global.quiet, json: global.json, bars }
    }

    /// Whether the result is wanted as JSON.
    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether progress bars are drawn; else a line per stage is said.
    pub fn draws_bars(&self) -> bool {
        self.bars
    }

    /// Data, as it is.
    pub fn data(&self, text: &str) -> Result<(), CommandError> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Data as one line of JSON.
    pub fn json(&self, value: &impl Serialize) -> Result<(), CommandError> {
        let line = serde_json::to_string(value)
            .map_err(|error| CommandError::of(Kind::Internal, &error))?;
        self.data(&format!("{}\n", escaped(&line)))
    }

    /// What is going on.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// What could be done next.
    pub fn hint(&self, text: &str) {
        self.status(&format!("{} {text}", paint(style::HINT, "hint:")));
    }

    /// Why there is no result; said even under `--quiet`.
    pub fn error(&self, error: &CommandError) {
        if error.kind == Kind::Success {
            return;
        }
        let mut lines = error.error.iter();
        if let Some(first) = lines.next() {
            self.say(&format!("{} {}", paint(style::ERROR, "error:"), visible(first)));
        }
        for cause in lines {
            self.say(&format!("  caused by: {}", visible(cause)));
        }
        for hint in &error.hints {
            self.say(&format!("{} {}", paint(style::HINT, "hint:"), visible(hint)));
        }
    }

    /// Asks whether what `error` speaks of shall be done; no where nobody can be asked.
    pub fn agrees(&self, error: &CommandError) -> Result<bool, CommandError> {
        let person = io::stdin().is_terminal() && io::stderr().is_terminal();
        if self.quiet || self.json || !person {
            return Ok(false);
        }
        self.say(&visible(&error.error.join(": ")));
        let mut err = anstream::stderr().lock();
        write!(err, "Agree, once for this repository? [y/N] ")?;
        err.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    fn say(&self, text: &str) {
        // Standard error may be closed; there is no other place to say so.
        drop(writeln!(anstream::stderr(), "{text}"));
    }
}
