//! When work that nobody waits for may compute: a pure judgement of what the user allows and how
//! the machine is.
//!
//! What cannot be measured on a system holds nothing up. Where several things do, the one that
//! lasts is told first.
use jiff::Zoned;
use jiff::civil::Time;
use sera_git::Settings;
use std::fmt;
use std::time::Duration;

/// What the user allows; `sera.schedule.*` of the user's own config.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    /// Whether the daemon computes by itself at all.
    pub(crate) auto: bool,
    /// On battery power, too.
    pub(crate) battery: bool,
    /// How long nobody may have typed at a terminal.
    pub(crate) idle: Duration,
    /// Only from one time of the day to another, which may lie after midnight.
    pub(crate) hours: Option<(Time, Time)>,
    /// Most that others may use of all processors, 0 to 1.
    pub(crate) load: f64,
    /// Hottest that a sensor may be, °C.
    pub(crate) temperature: f64,
    /// Bytes of memory that must be available.
    pub(crate) memory: u64,
    /// Bytes of disk that must be free where the repository lies.
    pub(crate) disk: u64,
    /// How long may be computed a day.
    pub(crate) day: Duration,
    /// New functions and commits after which an adapter is trained; a share of all without it.
    pub(crate) seeds: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            auto: true,
            battery: false,
            idle: Duration::ZERO,
            hours: None,
            load: 0.25,
            temperature: 90.0,
            memory: 2 << 30,
            disk: 2 << 30,
            day: Duration::from_secs(2 * 3600),
            seeds: None,
        }
    }
}

/// A setting that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{key} is {value:?}, {wanted}")]
pub(crate) struct BadSetting {
    key: &'static str,
    value: String,
    wanted: &'static str,
}

impl Policy {
    /// Reads the user's.
    pub(crate) fn of(settings: &Settings) -> Result<Self, BadSetting> {
        Self::read(&|key| settings.value(key))
    }

    fn read(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        let usual = Self::default();
        let number =
            |key, usual| parsed(value, key, "which is no number", |text| text.parse().ok(), usual);
        let word =
            |key, usual| parsed(value, key, "which is neither true nor false", boolean, usual);
        let gib = |key, usual: u64| -> Result<u64, BadSetting> {
            Ok((number(key, usual as f64 / f64::from(1 << 30))? * f64::from(1 << 30)) as u64)
        };
        let minutes = |key, usual: Duration| -> Result<Duration, BadSetting> {
            Ok(Duration::from_secs_f64(
                (number(key, usual.as_secs_f64() / 60.0)? * 60.0).clamp(0.0, 1e9),
            ))
        };
        let some = |text: &str| hours(text).map(Some);
        Ok(Self {
            auto: word("sera.schedule.auto", usual.auto)?,
            battery: word("sera.schedule.battery", usual.battery)?,
            idle: minutes("sera.schedule.idle", usual.idle)?,
            hours: parsed(value, "sera.schedule.hours", "which is not as 22:00-07:00", some, None)?,
            load: number("sera.schedule.load", usual.load)?,
            temperature: number("sera.schedule.temperature", usual.temperature)?,
            memory: gib("sera.schedule.memory", usual.memory)?,
            disk: gib("sera.schedule.disk", usual.disk)?,
            day: minutes("sera.schedule.minutesPerDay", usual.day)?,
            seeds: parsed(
                value,
                "sera.schedule.seeds",
                "which is no number",
                |text| Some(text.parse().ok()),
                None,
            )?,
        })
    }
}

fn parsed<T>(
    value: &dyn Fn(&str) -> Option<String>,
    key: &'static str,
    wanted: &'static str,
    parse: impl Fn(&str) -> Option<T>,
    usual: T,
) -> Result<T, BadSetting> {
    match value(key) {
        None => Ok(usual),
        Some(text) => parse(text.trim()).ok_or(BadSetting { key, value: text, wanted }),
    }
}

/// As git reads them.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" | "" => Some(false),
        _ => None,
    }
}

fn hours(text: &str) -> Option<(Time, Time)> {
    let (from, to) = text.split_once('-')?;
    let time = |text: &str| text.trim().parse().ok();
    Some((time(from)?, time(to)?))
}

/// How the machine is; none where a system does not tell.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Now, where the user is.
    pub(crate) now: Zoned,
    /// Whether it runs on battery.
    pub(crate) battery: Option<bool>,
    /// Since when nobody typed at a terminal.
    pub(crate) idle: Option<Duration>,
    /// What others use of all processors, 0 to 1: all that is not of low priority, as ours is.
    pub(crate) load: Option<f64>,
    /// The hottest sensor, °C.
    pub(crate) temperature: Option<f64>,
    /// Bytes of memory available.
    pub(crate) memory: Option<u64>,
    /// Bytes of disk free.
    pub(crate) disk: Option<u64>,
    /// How long was computed today.
    pub(crate) today: Duration,
    /// It is computing: what it needs is taken already, and a sensor may be as hot as allowed.
    pub(crate) computing: bool,
}

/// Why nothing is computed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Why {
    /// The user does not want it.
    Never,
    /// Not at this time of the day.
    Hours,
    /// As much as the day allows was computed.
    Spent,
    /// There is too little disk; how much is free, bytes.
    Disk(u64),
    /// It runs on battery.
    Battery,
    /// Somebody typed a moment ago.
    InUse,
    /// Others compute; what they use of all processors.
    Busy(f64),
    /// It is hot, °C.
    Hot(f64),
    /// There is too little memory; how much is available, bytes.
    Memory(u64),
}

/// Why, and until when where that is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waits {
    /// Why.
    pub(crate) why: Why,
    /// Unix milliseconds.
    pub(crate) until_ms: Option<u64>,
}

/// A sensor that was too hot must cool by so much, °C.
const COOLED: f64 = 10.0;

/// Whether it may compute; none that it may.
pub(crate) fn judge(policy: &Policy, now: &Surroundings) -> Option<Waits> {
    let waits = |why, until_ms| Some(Waits { why, until_ms });
    if !policy.auto {
        return waits(Why::Never, None);
    }
    if let Some((from, to)) = policy.hours.filter(|hours| !within(*hours, now.now.time())) {
        debug_assert!(from != to, "all day is within");
        return waits(Why::Hours, next(&now.now, from));
    }
    if now.today >= policy.day {
        return waits(Why::Spent, next(&now.now, Time::midnight()));
    }
    if let Some(free) = now.disk.filter(|free| *free < policy.disk) {
        return waits(Why::Disk(free), None);
    }
    if now.battery == Some(true) && !policy.battery {
        return waits(Why::Battery, None);
    }
    if let Some(idle) = now.idle.filter(|idle| *idle < policy.idle) {
        return waits(Why::InUse, after(&now.now, policy.idle - idle));
    }
    if let Some(load) = now.load.filter(|load| *load > policy.load) {
        return waits(Why::Busy(load), None);
    }
    let hottest = if now.computing { policy.temperature } else { policy.temperature - COOLED };
    if let Some(hot) = now.temperature.filter(|hot| *hot > hottest) {
        return waits(Why::Hot(hot), None);
    }
    match now.memory.filter(|free| *free < policy.memory && !now.computing) {
        Some(free) => waits(Why::Memory(free), None),
        None => None,
    }
}

/// The same time is all day.
fn within((from, to): (Time, Time), now: Time) -> bool {
    if from < to { from <= now && now < to } else { from <= now || now < to || from == to }
}

/// When it is that time next.
fn next(now: &Zoned, time: Time) -> Option<u64> {
    let today = now.with().time(time).build().ok()?;
    let next =
        if today > *now { today } else { now.tomorrow().ok()?.with().time(time).build().ok()? };
    u64::try_from(next.timestamp().as_millisecond()).ok()
}

fn after(now: &Zoned, wait: Duration) -> Option<u64> {
    let now = u64::try_from(now.timestamp().as_millisecond()).ok()?;
    Some(now + u64::try_from(wait.as_millis()).ok()?)
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        match self {
            Self::Never => f.write_str("sera.schedule.auto is false"),
            Self::Hours => f.write_str("not at this time of the day"),
            Self::Spent => f.write_str("today's time is spent"),
            Self::Disk(free) => write!(f, "only {:.1} GiB of disk are free", gib(*free)),
            Self::Battery => f.write_str("on battery power"),
            Self::InUse => f.write_str("somebody is typing"),
            Self::Busy(load) => {
                write!(f, "others use {:.0} % of the processors", load * 100.0)
            }
            Self::Hot(hot) => write!(f, "a sensor is at {hot:.0} °C"),
            Self::Memory(free) => write!(f, "only {:.1} GiB of memory are available", gib(*free)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Surroundings {
        Surroundings {
            now: "2026-03-01T12:00[UTC]".parse().expect("a moment"),
            battery: Some(false),
            idle: Some(Duration::from_secs(60)),
            load: Some(0.05),
            temperature: Some(55.0),
            memory: Some(8 << 30),
            disk: Some(80 << 30),
            today: Duration::from_secs(600),
            computing: false,
        }
    }

    fn policy(text: &str) -> Policy {
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(" = "));
            lines
                .find(|(name, _)| format!("sera.schedule.{}", name.trim()) == key)
                .map(|(_, value)| value.to_owned())
        };
        Policy::read(&value).expect("the settings make sense")
    }

    #[test]
    fn what_holds_it_up_is_said() {
        let check = |settings: &str, change: fn(&mut Surroundings), expect: &str| {
            let mut now = noon();
            change(&mut now);
            let waits = judge(&policy(settings), &now);
            let said = waits.map_or("goes".to_owned(), |waits| {
                let until = waits.until_ms.map(|ms| {
                    jiff::Timestamp::from_millisecond(ms.try_into().expect("a moment"))
                        .expect("one")
                        .strftime(" until %F %H:%M")
                        .to_string()
                });
                waits.why.to_string() + &until.unwrap_or_default()
            });
            assert_eq!(said, expect, "{settings}");
        };
        check("", |_| (), "goes");
        check("auto = false", |_| (), "sera.schedule.auto is false");
        check("", |now| now.battery = Some(true), "on battery power");
        check("battery = true", |now| now.battery = Some(true), "goes");
        check("idle = 5", |_| (), "somebody is typing until 2026-03-01 12:04");
        check("idle = 1", |_| (), "goes");
        check("hours = 22:00-07:00", |_| (), "not at this time of the day until 2026-03-01 22:00");
        check("hours = 09:00-11:30", |_| (), "not at this time of the day until 2026-03-02 09:00");
        check("hours = 09:00-12:30", |_| (), "goes");
        check("hours = 12:00-12:00", |_| (), "goes");
        check("", |now| now.load = Some(0.5), "others use 50 % of the processors");
        check("load = 0.6", |now| now.load = Some(0.5), "goes");
        check("", |now| now.temperature = Some(85.0), "a sensor is at 85 °C");
        check("", |now| (now.temperature, now.computing) = (Some(85.0), true), "goes");
        check(
            "",
            |now| (now.temperature, now.computing) = (Some(91.0), true),
            "a sensor is at 91 °C",
        );
        check("", |now| now.memory = Some(1 << 30), "only 1.0 GiB of memory are available");
        check("", |now| (now.memory, now.computing) = (Some(1 << 30), true), "goes");
        check("disk = 100", |_| (), "only 80.0 GiB of disk are free");
        check("minutesPerDay = 10", |_| (), "today's time is spent until 2026-03-02 00:00");
        check("minutesPerDay = 10.5", |_| (), "goes");
        let unknown = |now: &mut Surroundings| {
            (now.battery, now.idle, now.load) = (None, None, None);
            (now.temperature, now.memory, now.disk) = (None, None, None);
        };
        check("idle = 5", unknown, "goes");
    }

    #[test]
    fn settings_that_make_no_sense_are_told() {
        let check = |key: &'static str, value: &str, expect: &str| {
            let read = Policy::read(&|asked| (asked == key).then(|| value.to_owned()));
            assert_eq!(read.expect_err("it makes none").to_string(), expect);
        };
        check("sera.schedule.load", "much", r#"sera.schedule.load is "much", which is no number"#);
        check(
            "sera.schedule.hours",
            "at night",
            r#"sera.schedule.hours is "at night", which is not as 22:00-07:00"#,
        );
        check(
            "sera.schedule.auto",
            "maybe",
            r#"sera.schedule.auto is "maybe", which is neither true nor false"#,
        );
    }
}
