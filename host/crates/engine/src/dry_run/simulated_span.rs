//! Chooses the devices and the time of a simulation.

use crate::dry_run::calendar::Calendar;
use crate::dry_run::result::{DryRunOptions, MIN_INTERVALS};
use crate::group::device_group::Group;
use crate::time::clock::{Micros, micros};

/// Largest number of ticks of a simulation that is longer than requested, over all devices.
/// Fewer devices take part in a longer one.
const MAX_TICKS: u64 = 200_000;

/// Largest number of ticks of a device for which the whole run is simulated. At least 20 devices
/// then take part.
const MAX_RUN_TICKS: u64 = MAX_TICKS / 20;

/// Largest number of such ticks of a single device: hourly for a century, or each second for 11
/// days.
const MAX_DEVICE_TICKS: u64 = 1_000_000;

/// The devices and the time of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SimulatedSpan {
    /// Number of devices.
    pub(crate) devices: u32,
    /// The end of the simulation.
    pub(crate) until: Micros,
    /// Cron patterns and waits of the group.
    pub(crate) calendar: Option<Calendar>,
}

impl SimulatedSpan {
    /// Returns the span that the options request. Cron patterns and waits extend it to one of
    /// their periods, and to `end`, the end of the run, if that has few ticks.
    pub(crate) fn new(
        group: &Group,
        how: DryRunOptions,
        calendar: Option<Calendar>,
        end: Option<Micros>,
    ) -> Self {
        Self::of_interval(
            group.schedule.interval(),
            how.devices.clamp(1, group.count.max(1)),
            micros(how.time),
            calendar,
            end,
        )
    }

    fn of_interval(
        every: Micros,
        devices: u32,
        time: Micros,
        calendar: Option<Calendar>,
        end: Option<Micros>,
    ) -> Self {
        let requested = time.max(every.saturating_mul(MIN_INTERVALS));
        let Some(known) = calendar else {
            return Self {
                devices,
                until: requested,
                calendar,
            };
        };
        let needed = known.needed().saturating_add(every);
        let is_long = needed > requested;
        let run = end
            .filter(|end| (known.has_patterns() || is_long) && end / every.max(1) <= MAX_RUN_TICKS);
        let waits = known.many_waits().min(every.saturating_mul(MAX_RUN_TICKS));
        let waits = if is_long { waits } else { 0 };
        let needed = needed.max(run.unwrap_or(0)).max(waits);
        let needed = needed.min(every.saturating_mul(MAX_DEVICE_TICKS));
        if needed <= requested {
            return Self {
                devices,
                until: requested,
                calendar,
            };
        }
        let most = MAX_TICKS / needed.div_ceil(every.max(1)).max(1);
        Self {
            devices: devices.min(u32::try_from(most).unwrap_or(u32::MAX)).max(1),
            until: needed,
            calendar,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECOND: Micros = 1_000_000;
    const HOUR: Micros = 3_600 * SECOND;

    #[test]
    fn long_waits_and_the_run_extend_the_simulation() {
        let span = |every, after: &str, end| {
            let calendar = Calendar::read(&json!({ "after": after }));
            let span = SimulatedSpan::of_interval(every, 1_000, 300 * SECOND, calendar, end);
            (span.devices, span.until)
        };
        // Of 40 h and 2 h in turns, 160 h have 6 messages, and the rate makes 27 a month of 34.
        let month = Some(720 * HOUR);
        assert_eq!(span(HOUR, "40h", month), (125, 1_600 * HOUR));
        assert_eq!(span(HOUR, "40h", None), (125, 1_600 * HOUR));
        assert_eq!(span(HOUR, "40h", Some(2_000 * HOUR)), (100, 2_000 * HOUR));
        // Short waits, and many ticks, leave it as it is.
        assert_eq!(span(SECOND, "1m", month), (1_000, 300 * SECOND));
        let needed = 36 * HOUR + SECOND;
        assert_eq!(span(SECOND, "9h", month), (1, needed));
    }

    #[test]
    fn patterns_and_the_run_extend_the_simulation() {
        let span = |every, cron: Option<&str>, end| {
            let calendar = cron.and_then(|cron| Calendar::read(&json!({ "cron": cron })));
            let span = SimulatedSpan::of_interval(every, 1_000, 300 * SECOND, calendar, end);
            (span.devices, span.until)
        };
        assert_eq!(span(HOUR, None, Some(720 * HOUR)), (1_000, 3 * HOUR));
        assert_eq!(span(HOUR, Some("0 */15 * * * *"), None), (1_000, 3 * HOUR));
        assert_eq!(span(HOUR, Some("0 59 23 * * *"), None), (1_000, 25 * HOUR));
        let run = span(HOUR, Some("0 59 23 * * *"), Some(720 * HOUR));
        assert_eq!(run, (277, 720 * HOUR));
        let monthly = span(SECOND, Some("0 0 0 1 * *"), None);
        assert_eq!(monthly, (1, 1_000_000 * SECOND));
    }
}
