//! sera-daemon.
fn main() {}
