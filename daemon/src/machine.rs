//! How the machine is, as far as the system tells: Linux by its files, others not yet.
use crate::schedule::Surroundings;
use jiff::Zoned;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What was measured before: what processors did is told only since the start.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    ticks: Option<Ticks>,
}

/// Ticks of all processors since the system started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    /// Of everybody but who yields to all others, as our workers do.
    others: u64,
    all: u64,
}

impl Machine {
    /// Looks. What others use is what they used since the last look; none at the first.
    pub(crate) fn look(&mut self, disk: &Path, today: Duration, computing: bool) -> Surroundings {
        let ticks = text("/proc/stat").as_deref().and_then(ticks);
        let before = std::mem::replace(&mut self.ticks, ticks);
        Surroundings {
            now: Zoned::now(),
            battery: battery(Path::new("/sys/class/power_supply")),
            idle: untouched(Path::new("/dev/pts"), SystemTime::now()),
            load: before.zip(ticks).and_then(|(before, now)| load(before, now)),
            temperature: temperature(Path::new("/sys/class/thermal")),
            memory: sera_train::proc_bytes("/proc/meminfo", "MemAvailable"),
            disk: free(disk),
            today,
            computing,
        }
    }
}

fn text(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn entries(folder: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// The first line of `/proc/stat` (`proc(5)`): user, nice, system, idle, iowait, irq, softirq,
/// steal. What another machine on the same host takes (steal) is nobody's here.
fn ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let numbers: Vec<u64> = line.split_whitespace().map_while(|n| n.parse().ok()).collect();
    let [user, nice, system, idle, wait, irq, soft, ..] = numbers[..] else { return None };
    let others = user + system + irq + soft;
    Some(Ticks { others, all: others + nice + idle + wait })
}

fn load(before: Ticks, now: Ticks) -> Option<f64> {
    let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
    Some(now.others.saturating_sub(before.others) as f64 / all as f64)
}

/// Whether a battery is what feeds it; none where there is none and nothing else is told of.
fn battery(supplies: &Path) -> Option<bool> {
    let is =
        |supply: &Path, name: &str, value: &str| text(supply.join(name)).as_deref() == Some(value);
    let all: Vec<_> = entries(supplies).collect();
    if all.iter().any(|one| is(one, "type", "Mains") && is(one, "online", "1")) {
        return Some(false);
    }
    // A mouse's battery is of scope `Device`.
    let own = |one: &&std::path::PathBuf| is(one, "type", "Battery") && !is(one, "scope", "Device");
    let mut batteries = all.iter().filter(own).peekable();
    batteries.peek()?;
    Some(batteries.any(|one| is(one, "status", "Discharging")))
}

/// Since when nobody typed at a terminal: a terminal is accessed as somebody does.
fn untouched(terminals: &Path, now: SystemTime) -> Option<Duration> {
    let accessed = |path: std::path::PathBuf| path.metadata().ok()?.accessed().ok();
    let last =
        entries(terminals).filter(|path| !path.ends_with("ptmx")).filter_map(accessed).max()?;
    Some(now.duration_since(last).unwrap_or_default())
}

/// The hottest of all zones; they tell thousandths of a degree.
fn temperature(zones: &Path) -> Option<f64> {
    let of = |zone: std::path::PathBuf| text(zone.join("temp"))?.parse::<f64>().ok();
    entries(zones).filter_map(of).map(|thousandths| thousandths / 1e3).max_by(f64::total_cmp)
}

#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail * stat.f_frsize)
}

#[cfg(not(unix))]
fn free(_path: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_use_is_what_they_used_since() {
        let at = |line: &str| ticks(line).expect("a line of the kernel's");
        let check = |before: &str, now: &str, expect: Option<f64>| {
            assert_eq!(load(at(before), at(now)), expect, "{before} then {now}");
        };
        let before = "cpu  100 50 100 1000 0 0 0 7 0 0\ncpu0 1 1 1";
        check(before, "cpu  100 50 100 1100 0 0 0 7 0 0", Some(0.0));
        check(before, "cpu  150 50 125 1025 0 0 0 9 0 0", Some(0.75));
        check(before, "cpu  100 150 100 1000 0 0 0 9 0 0", Some(0.0));
        check(before, before, None);
        assert_eq!(ticks("intr 1 2 3"), None);
    }

    fn files(all: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in all {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("made");
            std::fs::write(path, format!("{text}\n")).expect("written");
        }
        folder
    }

    #[test]
    fn a_battery_feeds_it_where_nothing_else_does() {
        let check = |all: &[(&str, &str)], expect: Option<bool>| {
            assert_eq!(battery(files(all).path()), expect, "{all:?}");
        };
        check(&[], None);
        let mains = |online| [("AC/type", "Mains"), ("AC/online", online)];
        check(&mains("1"), Some(false));
        check(&mains("0"), None);
        let full = [("BAT0/type", "Battery"), ("BAT0/status", "Full")];
        let empties = [("BAT0/type", "Battery"), ("BAT0/status", "Discharging")];
        check(&full, Some(false));
        check(&empties, Some(true));
        check(&[mains("0"), empties].concat(), Some(true));
        check(&[mains("1"), empties].concat(), Some(false));
        let mouse = ("BAT0/scope", "Device");
        check(&[&empties[..], &[mouse]].concat(), None);
    }

    #[test]
    fn the_hottest_zone_counts() {
        let check = |all: &[(&str, &str)], expect: Option<f64>| {
            assert_eq!(temperature(files(all).path()), expect);
        };
        check(&[], None);
        check(&[("zone0/temp", "41000"), ("zone1/temp", "63500"), ("zone2/temp", "?")], Some(63.5));
    }

    #[test]
    fn the_last_terminal_that_was_touched_counts() {
        let folder = files(&[("0", ""), ("1", ""), ("ptmx", "")]);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (name, seconds) in [("0", 100), ("1", 160), ("ptmx", 190)] {
            let file = std::fs::File::options().write(true).open(folder.path().join(name));
            let times = std::fs::FileTimes::new().set_accessed(at(seconds));
            file.expect("it is there").set_times(times).expect("it is ours");
        }
        assert_eq!(untouched(folder.path(), at(200)), Some(Duration::from_secs(40)));
        assert_eq!(untouched(files(&[]).path(), at(200)), None);
    }
}
