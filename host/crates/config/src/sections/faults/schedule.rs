//! Reads the window, times and duration of a fault.
//!
//! A fault that could never happen is refused.

use std::time::Duration;

use mockfleet_files::durations::format_duration;

use crate::document::table_reader::TableReader;
use crate::plan::fault::{FaultKind, FaultSchedule, FaultTimes};
use crate::sections::faults::context::MAX_DURATION;

const MIN_DURATION: Duration = Duration::from_millis(1);

/// Reads the times of a fault of this kind in a run of this duration.
pub(crate) fn read(
    keys: &TableReader<'_>,
    word: &str,
    kind: Option<&FaultKind>,
    run_duration: Option<Duration>,
) -> Option<FaultSchedule> {
    let from = match keys.node("from") {
        None => Some(Duration::ZERO),
        Some(_) => keys.duration("from", Duration::ZERO..=MAX_DURATION),
    };
    let until = read_optional(keys, "until", MIN_DURATION);
    let times = times(keys, word, kind, from.unwrap_or_default());
    let schedule = FaultSchedule {
        from: from?,
        until: until?,
        times: times?,
    };
    is_possible(keys, &schedule, run_duration).then_some(schedule)
}

fn read_optional(keys: &TableReader<'_>, key: &str, least: Duration) -> Option<Option<Duration>> {
    match keys.node(key) {
        None => Some(None),
        Some(_) => keys.duration(key, least..=MAX_DURATION).map(Some),
    }
}

fn times(
    keys: &TableReader<'_>,
    word: &str,
    kind: Option<&FaultKind>,
    from: Duration,
) -> Option<FaultTimes> {
    let at = read_optional(keys, "at", Duration::ZERO);
    let every = read_optional(keys, "every", MIN_DURATION);
    let rate = match keys.node("rate") {
        None => Some(None),
        Some(_) => keys.rate("rate").map(|rate| Some(rate.interval())),
    };
    let duration = duration(keys, word, kind);
    let (at, every, rate, duration) = (at?, every?, rate?, duration?);
    if rate.is_some() && (at.is_some() || every.is_some()) {
        keys.report(
            "rate",
            "it draws moments, and at and every name them; keep one of the two",
        );
        return None;
    }
    let (times, key, apart) = match (at, every, rate) {
        (_, _, Some(every)) => (FaultTimes::Drawn { every, duration }, "rate", every),
        (at, Some(every), None) => {
            let first = at.unwrap_or_else(|| from.saturating_add(every));
            let times = FaultTimes::Every {
                first,
                every,
                duration,
            };
            (times, "every", every)
        }
        (Some(at), None, None) => return Some(FaultTimes::Once { at, duration }),
        (None, None, None) => return Some(FaultTimes::Always),
    };
    if apart <= duration {
        let text = format!(
            "it would begin again before it is over: it lasts {}, and begins once in {}; make it shorter, or rarer",
            format_duration(duration),
            format_duration(apart)
        );
        keys.report(key, text);
        return None;
    }
    Some(times)
}

/// Reads the duration of each occurrence.
fn duration(keys: &TableReader<'_>, word: &str, kind: Option<&FaultKind>) -> Option<Duration> {
    let scheduled = ["at", "every", "rate"]
        .iter()
        .any(|key| keys.node(key).is_some());
    let cuts = matches!(
        word,
        "disconnect" | "half-open" | "flapping" | "reconnect-storm"
    );
    if cuts && !scheduled {
        keys.report_missing(
            "at",
            "\"30s\" (once), or every = \"5m\", or rate = \"2/h\" (drawn for each device)",
        );
        return None;
    }
    if word == "flapping" {
        if keys.node("duration").is_some() {
            keys.report(
                "duration",
                "times, down and up say how long it lasts; drop it",
            );
            return None;
        }
        let Some(FaultKind::Flapping { times, down, up }) = kind else {
            // The problems of these keys are already reported.
            return None;
        };
        let gaps = up.saturating_mul(times.saturating_sub(1));
        return Some(down.saturating_mul(*times).saturating_add(gaps));
    }
    match (keys.node("duration"), scheduled) {
        (None, false) => Some(Duration::ZERO),
        (None, true) => {
            keys.report_missing("duration", "\"10s\" (how long it lasts each time)");
            None
        }
        (Some(_), true) => keys.duration("duration", MIN_DURATION..=MAX_DURATION),
        (Some(_), false) => {
            keys.report(
                "duration",
                "it says how long it lasts each time; say when with at, every or rate, or use from and until",
            );
            None
        }
    }
}

/// Returns whether the fault can happen at all.
fn is_possible(
    keys: &TableReader<'_>,
    schedule: &FaultSchedule,
    run_duration: Option<Duration>,
) -> bool {
    if let Some(until) = schedule.until.filter(|until| *until <= schedule.from) {
        let text = format!(
            "the window ends before it begins: from is {}, until is {}; make until the later one",
            format_duration(schedule.from),
            format_duration(until)
        );
        keys.report("until", text);
        return false;
    }
    let (first, key) = match schedule.times {
        FaultTimes::Always | FaultTimes::Drawn { .. } => (schedule.from, "from"),
        FaultTimes::Once { at, .. } => (at, "at"),
        FaultTimes::Every { first, .. } if keys.node("at").is_some() => (first, "at"),
        FaultTimes::Every { first, .. } => (first, "every"),
    };
    if first < schedule.from || schedule.until.is_some_and(|until| first >= until) {
        let until = schedule.until.map_or("the end".into(), format_duration);
        let text = format!(
            "it never happens: its first moment is {}, and its window goes from {} to {until}; move one of the two",
            format_duration(first),
            format_duration(schedule.from)
        );
        keys.report(key, text);
        return false;
    }
    if let Some(run_duration) = run_duration.filter(|end| first >= *end) {
        let text = format!(
            "it never happens: it begins {} into a run of {} (duration); begin earlier, or make the run longer",
            format_duration(first),
            format_duration(run_duration)
        );
        keys.report(key, text);
        return false;
    }
    true
}
