//! The password that git itself has for an address: from whatever helper the user configured, which
//! on most systems is the keyring.
use crate::command::program;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a helper may take, and how often it is looked at.
const DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// What `git credential fill` says for `url`, asking nobody; `None` where there is nothing.
///
/// It runs outside of any repository, so that no repository's config chooses the helper.
pub fn credential(url: &str) -> Option<String> {
    let mut command = Command::new(program());
    command.args(["credential", "fill"]).current_dir(outside());
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"] {
        command.env_remove(name);
    }
    command
        .env("GCM_INTERACTIVE", "never")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS", "");
    command.env("GIT_CEILING_DIRECTORIES", outside());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let asked = write!(child.stdin.take()?, "url={url}\n\n");
    // A helper that opens a window nobody sees would be waited for without end.
    let started = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if started.elapsed() > DEADLINE {
            drop(child.kill());
        }
        std::thread::sleep(POLL);
    }
    let said = child.wait_with_output().ok()?;
    asked.ok().filter(|()| said.status.success())?;
    password(&String::from_utf8(said.stdout).ok()?)
}

fn password(said: &str) -> Option<String> {
    let password = said.lines().find_map(|line| line.strip_prefix("password="));
    password.filter(|password| !password.is_empty()).map(str::to_owned)
}

fn outside() -> &'static Path {
    Path::new(if cfg!(windows) { "C:\\" } else { "/" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_read() {
        let said = "protocol=https\nhost=example.com\nusername=x\npassword=sk-1=2\n";
        assert_eq!(password(said).as_deref(), Some("sk-1=2"));
        assert_eq!(password("protocol=https\npassword=\n"), None);
        assert_eq!(password(""), None);
    }
}
