//! Help and mistakes on the command line.
use crate::bench::Bench;
use insta::assert_snapshot;

#[test]
fn short_help_is_usage_and_exits_129_like_gits() {
    assert_snapshot!(Bench::new().run(&["-h"]));
}

#[test]
fn long_help_lists_the_exit_codes() {
    assert_snapshot!(Bench::new().run(&["--help"]));
}

#[test]
fn help_of_one_command() {
    let bench = Bench::new();
    assert_snapshot!("help_fix", bench.run(&["fix", "--help"]));
    assert_snapshot!("help_quickstart", bench.run(&["quickstart", "-h"]));
}

#[test]
fn mistakes_exit_129() {
    let bench = Bench::new();
    assert_snapshot!("mistake_command", bench.run(&["fxi"]));
    assert_snapshot!("mistake_option", bench.run(&["train", "--seconds", "9", "--tokens", "9"]));
}
