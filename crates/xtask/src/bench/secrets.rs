//! `bench secrets`: how fast a folder's files are searched for secrets, and what is found in them.
//!
//! With `--show yes` every find is printed with its line: on a repository that holds no secrets
//! they are the false ones, to be counted by reading them.
use super::Options;
use anyhow::{Context as _, Result};
use sera_core::TreePath;
use sera_core::redact::{Find, denied, secrets};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// The whole folder is searched so often; the fastest counts.
const ROUNDS: usize = 5;
/// Larger files are no source.
const MOST: u64 = 1 << 20;

/// One thread, the texts in memory.
#[expect(clippy::print_stdout, reason = "figures to be pasted")]
pub(super) fn bench(options: &Options) -> Result<ExitCode> {
    let folder = PathBuf::from(options.need("repo")?);
    let mut files = Vec::new();
    read(&folder, &folder, &mut files)?;
    files.sort();
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let mut seconds = f64::INFINITY;
    let mut found: Vec<Vec<Find>> = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        found = files.iter().map(|(_, text)| secrets(text)).collect();
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
    for ((path, text), finds) in files.iter().zip(&found) {
        for find in finds {
            *by_rule.entry(find.rule).or_default() += 1;
            if options.get("show").is_some() {
                println!("{}", shown(path, text, find));
            }
        }
    }
    let mb = bytes as f64 / 1e6;
    let holding = found.iter().filter(|finds| !finds.is_empty()).count();
    println!("{} files, {mb:.1} MB: {:.0} MB/s, one thread", files.len(), mb / seconds);
    println!("{} finds in {holding} files: {by_rule:?}", found.iter().flatten().count());
    Ok(ExitCode::SUCCESS)
}

/// The texts that an environment would show. Links are not followed.
fn read(top: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> Result<()> {
    for entry in std::fs::read_dir(folder).context("failed to list a folder")? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() && entry.file_name() != ".git" {
            read(top, &path, files)?;
        }
        if !kind.is_file() || entry.metadata()?.len() > MOST {
            continue;
        }
        let name = path.strip_prefix(top)?.to_string_lossy().into_owned();
        let open = TreePath::new(name.clone()).is_ok_and(|path| !denied(&path));
        let text = std::fs::read_to_string(&path).ok().filter(|text| !text.contains('\0'));
        files.extend(text.filter(|_| open).map(|text| (name, text)));
    }
    Ok(())
}

fn shown(path: &str, text: &str, find: &Find) -> String {
    let start = text[..find.span.start].rfind('\n').map_or(0, |at| at + 1);
    let number = text[..start].matches('\n').count() + 1;
    let line: String = text[start..].lines().next().unwrap_or_default().chars().take(200).collect();
    format!("{path}:{number}: {}: {line}", find.rule)
}
