//! git-sera.
fn main() {}
