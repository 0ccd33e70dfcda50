//! A script of ours with all that it starts: heard line by line, and ended as a whole.
use anyhow::{Context as _, Result};
use sera_core::Cancel;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often is looked whether the script shall end.
const LOOK: Duration = Duration::from_millis(100);

/// How long a script may take to put away what it made, once it is asked to end.
const GRACE: Duration = Duration::from_secs(10);

/// Runs `script` and tells what it prints. When cancelled, all of its processes are asked to end,
/// and killed where they do not: a shell alone would wait for what it runs.
pub(super) fn follow(
    mut script: Command,
    cancel: &Cancel,
    say: &mut dyn FnMut(&str),
) -> Result<ExitStatus> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut script, 0);
    let script = script.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = script.spawn().context("failed to run a script")?;
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let (send, lines) = channel();
    // Ends with the last process that holds the pipe.
    std::thread::spawn(move || {
        output.lines().map_while(Result::ok).all(|line| send.send(line).is_ok());
    });
    let mut asked: Option<Instant> = None;
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => say(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if cancel.is_cancelled() {
            let force = asked.is_some_and(|asked| asked.elapsed() > GRACE);
            if asked.is_none() || force {
                end(&mut child, force);
            }
            asked.get_or_insert_with(Instant::now);
        }
    }
    child.wait().context("failed to wait for a script")
}

#[cfg(unix)]
fn end(child: &mut Child, force: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if force { Signal::KILL } else { Signal::TERM };
    // Its group is its own as long as it is not waited for. Where it has ended there is nothing to
    // end.
    let _gone = kill_process_group(Pid::from_child(child), signal);
}

#[cfg(not(unix))]
fn end(child: &mut Child, _force: bool) {
    drop(child.kill());
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(text: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", text]);
        shell
    }

    #[test]
    fn a_script_is_heard_to_its_end() {
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        let ended = follow(shell("echo one; echo two; exit 3"), &Cancel::default(), &mut say);
        assert_eq!(ended.unwrap().code(), Some(3));
        assert_eq!(said, ["one", "two"]);
    }

    #[test]
    fn a_cancelled_script_ends_with_all_that_it_runs() {
        let cancel = Cancel::default();
        let mut say = |_: &str| cancel.cancel();
        // The shell waits for another process when it is asked to end, and this waits for all that
        // hold its output: as long as one of them lives, there is no end of it.
        let ended = follow(shell("echo begun; sleep 6000 & sleep 6000"), &cancel, &mut say);
        assert!(!ended.unwrap().success());
    }
}
