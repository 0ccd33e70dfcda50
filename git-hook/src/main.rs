//! `git sera`: the command that talks to the daemon.
use std::process::ExitCode;

fn main() -> ExitCode {
    git_sera::main()
}
