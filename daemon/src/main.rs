//! `sera-daemon`: one sentence; the library says the rest.
use clap::Parser as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sera_daemon::run(sera_daemon::Args::parse())
}
