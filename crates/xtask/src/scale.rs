//! `cargo xtask bench scale FOLDER [--rounds N] [--each N] [--window N]`: what a big repository costs.
//!
//! A clone of `FOLDER` is mined for the first time, beside `git log -p` and universal-ctags on the
//! same clone, in turns. Then commits of more and more files are made, and waited for until the
//! daemon that watches has mined them; `docs/scale.svg` shows what each cost.
use crate::cargo;
use crate::developer::{Developer, Mined};
use crate::plot::{Series, plot};
use crate::processes::{self, Taken};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Files of the commits.
const SIZES: [usize; 6] = [1, 3, 10, 30, 100, 300];

/// How long something that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(1800);

/// MB that are wanted at most, of the daemon and its workers together.
const WANTED: f64 = 500.0;

/// What is measured how often, and with which `sera.mine.commits`.
struct Wish {
    folder: PathBuf,
    /// Of the first mining.
    rounds: usize,
    /// Of commits of one size.
    each: usize,
    window: String,
}

/// A first mining, or what is beside it.
struct First {
    name: String,
    seconds: f64,
    taken: Taken,
    mined: Option<Mined>,
}

/// A commit that was made and mined.
struct Increment {
    files: usize,
    /// From the commit until it is mined, the watching included.
    seconds: f64,
    /// Of the daemon and its worker, on a processor.
    cpu: f64,
    mined: Mined,
}

pub(crate) fn bench(args: &[String]) -> Result<ExitCode> {
    let wish = read(args)?;
    let developer = Developer::new("scale", "release", Vec::new())?;
    let clone = developer.folder.join("clone");
    let source = wish.folder.canonicalize()?.display().to_string();
    developer.git(&developer.folder, &["clone", "-q", &source, "clone"])?;
    developer.git(&clone, &["config", "sera.mine.commits", &wish.window])?;
    let files = developer.git(&clone, &["ls-files"])?.lines().count();
    let commits = developer.git(&clone, &["rev-list", "--count", "HEAD"])?;
    let load = processes::load();
    say(&format!("{commits} commits, {files} files; window {}; load {load}", wish.window));
    let mut firsts = Vec::new();
    for round in 0..wish.rounds {
        firsts.extend(first(&developer, &clone, round)?);
    }
    let light = show_firsts(&firsts);
    let increments = increments(&developer, &clone, wish.each)?;
    show_increments(&increments);
    say(&format!("load {}", processes::load()));
    draw(&increments)?;
    Ok(if light { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(args: &[String]) -> Result<Wish> {
    let usage = "cargo xtask bench scale FOLDER [--rounds N] [--each N] [--window N]";
    let (folder, options) = args.split_first().context(usage)?;
    let (folder, window) = (PathBuf::from(folder), "2000".to_owned());
    let mut wish = Wish { folder, rounds: 3, each: 5, window };
    for option in options.chunks(2) {
        match option {
            [name, value] if name == "--rounds" => wish.rounds = value.parse()?,
            [name, value] if name == "--each" => wish.each = value.parse()?,
            [name, value] if name == "--window" => wish.window.clone_from(value),
            _ => bail!(usage),
        }
    }
    Ok(wish)
}

/// A first mining and what is beside it, in an order that changes with the round.
fn first(developer: &Developer, clone: &Path, round: usize) -> Result<Vec<First>> {
    let mut measures: [&dyn Fn() -> Result<First>; 3] = [
        &|| first_mining(developer, clone),
        &|| beside(developer, clone, "git", &["log", "-p"]),
        &|| beside(developer, clone, "ctags", &["-R", "-f", "../tags", "."]),
    ];
    measures.rotate_left(round % 3);
    measures.iter().map(|measure| measure()).collect()
}

fn first_mining(developer: &Developer, clone: &Path) -> Result<First> {
    developer.begin_anew()?;
    drop(fs::remove_dir_all(clone.join(".git/sera")));
    let tip = developer.git(clone, &["rev-parse", "HEAD"])?;
    let program = developer.built("sera-daemon");
    let started = Instant::now();
    let work = || {
        developer.sera(clone, &["register", "--hooks=none"])?;
        developer.mined(&tip, PATIENCE)
    };
    let (mined, taken) = processes::watching(&program, work);
    let (seconds, mined) = (started.elapsed().as_secs_f64(), Some(mined?));
    Ok(First { name: "sera".to_owned(), seconds, taken, mined })
}

fn beside(developer: &Developer, clone: &Path, program: &str, args: &[&str]) -> Result<First> {
    let path = developer.run("sh", clone, &["-c", &format!("command -v {program}")])?;
    let mut command = developer.command(program, clone);
    command.args(args).stdout(Stdio::null());
    let started = Instant::now();
    let path = Path::new(&path).canonicalize()?;
    let (status, taken) = processes::watching(&path, || command.status());
    ensure!(status?.success(), "{program} failed");
    let name = format!("{program} {}", args[..1].join(" "));
    Ok(First { name, seconds: started.elapsed().as_secs_f64(), taken, mined: None })
}

/// Prints the table; whether it took no more memory than is wanted.
fn show_firsts(firsts: &[First]) -> bool {
    say(
        "| first mining | seconds, each round | CPU, s, each round | MB together, at most | MB of one process |",
    );
    say("|---|---|---|---|---|");
    let mut names: Vec<&str> = firsts.iter().map(|first| first.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut light = true;
    for name in names {
        let own: Vec<&First> = firsts.iter().filter(|first| first.name == name).collect();
        let most = |of: fn(&First) -> u64| mb(own.iter().map(|first| of(first)).max().unwrap_or(0));
        let (together, alone) =
            (most(|first| first.taken.together), most(|first| first.taken.alone));
        let (seconds, cpu) =
            (rounds(&own, |first| first.seconds), rounds(&own, |first| first.taken.cpu));
        say(&format!("| {name} | {seconds} | {cpu} | {together:.0} | {alone:.0} |"));
        light &= own.iter().all(|first| first.mined.is_none()) || together <= WANTED;
    }
    if let Some(mined) = firsts.iter().filter_map(|first| first.mined.as_ref()).next_back() {
        say(&format!(
            "{} seeds, {} blobs read; worker {:.1} s, storing {:.1} s",
            mined.seeds, mined.blobs, mined.worker, mined.stored
        ));
    }
    light
}

fn rounds(own: &[&First], of: fn(&First) -> f64) -> String {
    own.iter().map(|first| format!("{:.1}", of(first))).collect::<Vec<_>>().join(", ")
}

/// Commits of each size in turns. What is held out are the newest ones, so that the tree at the cut
/// sees a commit only when others have come after it: these follow, one file each.
fn increments(developer: &Developer, clone: &Path, each: usize) -> Result<Vec<Increment>> {
    let files = editable(developer, clone)?;
    ensure!(files.len() >= SIZES[SIZES.len() - 1], "only {} files can be edited", files.len());
    cargo::say(&format!("{} files can be edited", files.len()));
    let mut done = Vec::new();
    let mut next = files.iter().cycle();
    let sizes = (0..each).flat_map(|_| SIZES);
    let passing = std::iter::repeat_n(1, 30 * each);
    for size in sizes.chain(passing) {
        let changed: Vec<&PathBuf> = next.by_ref().take(size).collect();
        done.push(increment(developer, clone, &changed, done.len())?);
    }
    Ok(done)
}

fn increment(
    developer: &Developer,
    clone: &Path,
    files: &[&PathBuf],
    number: usize,
) -> Result<Increment> {
    for file in files {
        let path = clone.join(file);
        let text = edited(&fs::read_to_string(&path)?).context("it was editable")?;
        fs::write(path, text)?;
    }
    let message = format!("Assign twice in {} files, {number}", files.len());
    developer.git(clone, &["commit", "-q", "-a", "-m", &message])?;
    let started = Instant::now();
    let tip = developer.git(clone, &["rev-parse", "HEAD"])?;
    let program = developer.built("sera-daemon");
    let (mined, taken) = processes::watching(&program, || developer.mined(&tip, PATIENCE));
    let (seconds, mined) = (started.elapsed().as_secs_f64(), mined?);
    Ok(Increment { files: files.len(), seconds, cpu: taken.cpu, mined })
}

/// Source files, no tests, that [`edited`] can edit.
fn editable(developer: &Developer, clone: &Path) -> Result<Vec<PathBuf>> {
    let listed = developer.git(clone, &["ls-files"])?;
    let plain = |path: &&str| {
        let endings = [".php", ".js", ".ts", ".java", ".c", ".cs", ".rs"];
        endings.iter().any(|ending| path.ends_with(ending)) && !path.to_lowercase().contains("test")
    };
    let can = |path: &PathBuf| {
        fs::read_to_string(clone.join(path)).is_ok_and(|text| edited(&text).is_some())
    };
    Ok(listed.lines().filter(plain).map(PathBuf::from).filter(can).collect())
}

/// The first assignment inside of a function, by its depth, is there twice afterwards.
fn edited(text: &str) -> Option<String> {
    let assigns = |line: &&str| {
        let balanced = line.matches('(').count() == line.matches(')').count();
        line.starts_with("        $") && line.contains(" = ") && line.ends_with(";") && balanced
            || line.starts_with("        ") && line.contains(" = ") && line.ends_with("();")
    };
    let line = text.lines().find(assigns)?;
    let edited = text.replacen(&format!("{line}\n"), &format!("{line}\n{line}\n"), 1);
    (edited != text).then_some(edited)
}

fn show_increments(increments: &[Increment]) {
    say(
        "| files of the commit | commits | until mined, s | CPU, s | storing, s | blobs read | seeds stored |",
    );
    say("|---|---|---|---|---|---|---|");
    let (asked, passing) = increments.split_at(increments.len().min(asked(increments)));
    for size in SIZES {
        let own: Vec<&Increment> = asked.iter().filter(|one| one.files == size).collect();
        row(&size.to_string(), &own);
    }
    let bounds = [0, 2, 10, 30, 100, 300, usize::MAX];
    for (from, until) in bounds.iter().zip(&bounds[1..]) {
        let reads = |one: &&Increment| (*from..*until).contains(&one.mined.blobs);
        let own: Vec<&Increment> = passing.iter().filter(reads).collect();
        row(&format!("1, and {from} or more blobs read"), &own);
    }
}

/// How many of them are of the sizes that were asked for; what follows is of one file each.
fn asked(increments: &[Increment]) -> usize {
    increments.iter().rposition(|one| one.files > 1).map_or(0, |last| last + 1)
}

fn row(name: &str, own: &[&Increment]) {
    if own.is_empty() {
        return;
    }
    let middle = |of: fn(&Increment) -> f64| median(own.iter().map(|one| of(one)));
    say(&format!(
        "| {name} | {} | {:.2} | {:.2} | {:.3} | {:.0} | {:.0} |",
        own.len(),
        middle(|one| one.seconds),
        middle(|one| one.cpu),
        middle(|one| one.mined.stored),
        middle(|one| one.mined.blobs as f64),
        middle(|one| one.mined.seeds as f64),
    ));
}

/// `docs/scale.svg`.
fn draw(increments: &[Increment]) -> Result<()> {
    let (asked, passing) = increments.split_at(asked(increments));
    let of_commits = asked.iter().map(|one| (one.files as f64, one.cpu)).collect();
    let at_the_cut = passing.iter().filter(|one| one.mined.blobs > 0);
    let at_the_cut = at_the_cut.map(|one| (one.mined.blobs as f64, one.cpu)).collect();
    let series = [
        Series { name: "files of the commit at the tip".to_owned(), points: of_commits },
        Series { name: "files read as the cut moves on".to_owned(), points: at_the_cut },
    ];
    let path = cargo::root().join("docs/scale.svg");
    fs::write(&path, plot(("files", "seconds on a processor until mined"), &series))
        .with_context(|| format!("failed to write {}", path.display()))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

#[expect(clippy::print_stdout, reason = "the tables are what was asked for")]
fn say(line: &str) {
    println!("{line}");
}
