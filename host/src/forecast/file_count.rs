//! Counts the files of the log in an hour.
//!
//! Simulates a day: each file begins with its first row, and ends by age or size.

use std::time::Duration;

use crate::num::{as_f64, ratio};
use mockfleet_config::Log;

/// An hour in microseconds.
const HOUR: u64 = 3_600_000_000;

/// Simulated time: long enough for intervals that do not divide an hour.
const DAY: u64 = 24 * HOUR;

/// Maximum of simulated generations.
const MAX_GENERATIONS: u64 = 100_000;

/// Time from reaching the age to the end of a file. Workers hand rows over every 200 ms, and
/// the encoder checks every 100 ms.
const ROLL_DELAY_US: u64 = 250_000;

/// The due times of a group: each device once in an interval.
pub(crate) struct TickPhases<'a> {
    every: u64,
    /// Phases in order, all below `every`.
    phases: &'a [u64],
}

impl<'a> TickPhases<'a> {
    pub(crate) fn new(every: Duration, phases: &'a [u64]) -> Self {
        Self {
            every: u64::try_from(every.as_micros()).unwrap_or(u64::MAX).max(1),
            phases,
        }
    }

    /// Returns the first time from `at` on at which a device is due.
    fn next(&self, at: u64) -> Option<u64> {
        let (turn, within) = (at - at % self.every, at % self.every);
        let place = self.phases.partition_point(|phase| *phase < within);
        match self.phases.get(place) {
            Some(phase) => Some(turn + phase),
            None => Some(turn.saturating_add(self.every) + self.phases.first()?),
        }
    }

    /// Returns the last time before `at` at which a device is due.
    fn last(&self, at: u64) -> Option<u64> {
        let (turn, within) = (at - at % self.every, at % self.every);
        let place = self.phases.partition_point(|phase| *phase < within);
        match place.checked_sub(1).and_then(|n| self.phases.get(n)) {
            Some(phase) => Some(turn + phase),
            None => Some(turn.checked_sub(self.every)? + self.phases.last()?),
        }
    }
}

/// Files and generations of a log in an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RollPolicy {
    /// Files of `sends` in an hour.
    pub(crate) files: f64,
    /// Ended generations in an hour, of both tables together.
    generations: f64,
}

/// Returns the time in microseconds for which a file is open at a rate of bytes a second.
fn length(log: &Log, second: f64) -> u64 {
    let micros = |length: Duration| u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
    let filled = Duration::try_from_secs_f64(ratio(as_f64(log.roll_size.bytes()), second))
        .ok()
        .map(micros)
        .filter(|length| *length > 0);
    let aged = micros(log.roll_every).saturating_add(ROLL_DELAY_US);
    filled.unwrap_or(u64::MAX).min(aged)
}

/// Returns the number of hours from `first` to `last` in which a device is due.
fn hours(groups: &[TickPhases<'_>], first: u64, last: u64) -> u64 {
    let (mut hours, mut at) = (0, first);
    while at <= last {
        hours += 1;
        let following = (at / HOUR + 1) * HOUR;
        let next = groups.iter().filter_map(|group| group.next(following));
        match next.min() {
            Some(next) => at = next,
            None => break,
        }
    }
    hours
}

/// Returns files and generations up to `end`, and the time up to which they were counted.
fn simulate(groups: &[TickPhases<'_>], length: u64, end: u64) -> (u64, u64, u64) {
    let (mut files, mut generations, mut at) = (0_u64, 0_u64, 0_u64);
    while let Some(first) = groups.iter().filter_map(|group| group.next(at)).min() {
        if first >= end {
            break;
        }
        if generations >= MAX_GENERATIONS {
            return (files, generations, at);
        }
        at = first.saturating_add(length);
        let last = groups
            .iter()
            .filter_map(|group| group.last(at.min(end)))
            .max();
        // Rows of two hours are written to one file for each hour.
        generations += 1;
        files += hours(groups, first, last.unwrap_or(first).max(first));
    }
    (files, generations, end)
}

/// Returns the files of `sends` of a run that begins at a full hour.
pub(crate) fn files_within(
    log: &Log,
    second: f64,
    groups: &[TickPhases<'_>],
    duration: Duration,
) -> f64 {
    let end = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (files, _, until) = simulate(groups, length(log, second), end);
    as_f64(files) * ratio(as_f64(end), as_f64(until))
}

impl RollPolicy {
    /// Simulates a log that receives `second` bytes a second from devices with these phases.
    pub(crate) fn simulate(log: &Log, second: f64, groups: &[TickPhases<'_>]) -> Self {
        // Groups with an interval above a day are simulated for two intervals.
        let slowest = groups.iter().map(|group| group.every).max().unwrap_or(0);
        let end = DAY.max(slowest.saturating_mul(2));
        let (files, generations, until) = simulate(groups, length(log, second), end);
        let an_hour = |n: u64| ratio(as_f64(n), as_f64(until) / as_f64(HOUR));
        Self {
            files: an_hour(files),
            generations: an_hour(generations),
        }
    }

    /// Returns the generations of an hour that have at least one of `rows` random rows (Poisson).
    pub(crate) fn with(&self, rows: f64) -> f64 {
        let mean = ratio(rows, self.generations);
        self.generations * (1.0 - (-mean).exp())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use mockfleet_config::Fleet;

    fn rolls(every: &str, size: &str, second: f64, groups: &[TickPhases<'_>]) -> RollPolicy {
        let text = format!(
            "[targets.b]\nurl = \"mqtt://h\"\nchannels = {{ t = {{ topic = \"t\" }} }}\n[[groups]]\nname = \"g\"\nplugin = \"builtin:meter\"\ncount = 1\nevery = \"1s\"\n[log]\nroll = {{ every = \"{every}\", size = \"{size}\" }}\n"
        );
        let fleet = Fleet::parse(&text, "f.toml", Path::new("."), &[]).unwrap();
        RollPolicy::simulate(&fleet.plan.log, second, groups)
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn due_times_repeat_each_interval() {
        let group = TickPhases::new(seconds(1), &[100, 700_000]);
        assert_eq!(group.next(0), Some(100));
        assert_eq!(group.next(101), Some(700_000));
        assert_eq!(group.next(700_001), Some(1_000_100));
        assert_eq!(group.last(100), None);
        assert_eq!(group.last(700_000), Some(100));
        assert_eq!(group.last(1_000_000), Some(700_000));
    }

    #[test]
    fn a_busy_log_ends_a_file_each_minute_and_one_more_each_hour() {
        let rolls = rolls(
            "60s",
            "128MiB",
            1_000.0,
            &[TickPhases::new(seconds(1), &[0])],
        );
        // 3,600 s in steps of 61 s: a row one second later begins the next file.
        assert!((59.0..=61.0).contains(&rolls.files), "{}", rolls.files);
        assert!(rolls.files > rolls.generations);
    }

    #[test]
    fn rare_simultaneous_devices_have_a_file_each_time() {
        let rolls = rolls(
            "60s",
            "128MiB",
            1.0,
            &[TickPhases::new(seconds(300), &[0, 5])],
        );
        assert_eq!(rolls.files, 12.0);
        assert_eq!(rolls.generations, 12.0);
        let slow = TickPhases::new(seconds(7 * 86_400), &[0]);
        let rolls = super::tests::rolls("60s", "128MiB", 1.0, &[slow]);
        assert!((rolls.files * 24.0 * 7.0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_file_that_is_full_ends_before_its_age() {
        let groups = [TickPhases::new(seconds(1), &[0, 100_000, 200_000])];
        let aged = rolls("60s", "1MiB", 10_000.0, &groups);
        let filled = rolls("60s", "64KiB", 10_000.0, &groups);
        assert!(filled.files > 7.0 * aged.files, "{filled:?} {aged:?}");
    }

    #[test]
    fn rare_events_have_a_file_each_and_many_share_theirs() {
        let rolls = rolls(
            "60s",
            "128MiB",
            1_000.0,
            &[TickPhases::new(seconds(1), &[0])],
        );
        assert_eq!(rolls.with(0.0), 0.0);
        assert!((rolls.with(1.0) - 1.0).abs() < 0.01);
        assert!((rolls.with(100_000.0) - rolls.generations).abs() < 1e-6);
    }
}
