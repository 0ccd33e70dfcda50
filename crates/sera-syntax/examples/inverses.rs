//! Prints how often the repair of a random fault is among the enumerated edits, over the files
//! given as arguments, else over the tests' corpus: `cargo run --release -p sera-syntax --example inverses -- 500 a.py b.rs`.
#[path = "../tests/it/inverses.rs"]
mod inverses;

use sera_core::{Language, TreePath};
use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials = arguments.next().ok_or("how many trials?")?.parse()?;
    let mut files = Vec::new();
    for path in arguments {
        let name = TreePath::new(path.trim_start_matches('/'))?;
        if let (Some(language), Ok(text)) = (Language::of(&name), std::fs::read_to_string(&path)) {
            files.push((language, text));
        }
    }
    let started = Instant::now();
    if files.is_empty() {
        files = inverses::corpus();
    }
    let report = inverses::measure(&files, trials, 7);
    if std::env::var_os("MISSES").is_some() {
        for (operator, removed, inserted) in &report.misses {
            writeln!(std::io::stdout(), "{operator}: {removed:?} -> {inserted:?}")?;
        }
    }
    writeln!(std::io::stdout(), "{report}{:?}", started.elapsed())?;
    Ok(())
}
