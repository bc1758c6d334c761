//! Formats shares, times and outcomes.

use mockfleet_sendlog::OUTCOMES;

use crate::num::{as_f64, signed_as_f64};

/// Formats a share in percent that never rounds up to 100 %.
pub(crate) fn share(part: u64, all: u64) -> String {
    match (part, all) {
        (_, 0) => "–".into(),
        (part, all) if part == all => "100 %".into(),
        (part, all) => {
            let share = as_f64(part) * 100.0 / as_f64(all);
            format!("{:.2} %", share.min(99.99))
        }
    }
}

/// Formats the due time of the first row, in UTC.
pub(crate) fn timestamp(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Formats the time from the first to the last row.
pub(crate) fn length(micros: i64) -> String {
    let seconds = signed_as_f64(micros) / 1e6;
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        120.0..7_200.0 => format!("{:.1} min", seconds / 60.0),
        7_200.0..172_800.0 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// Returns the name of an outcome for people.
pub(crate) fn outcome(number: usize) -> &'static str {
    match OUTCOMES.get(number) {
        Some(&"injected") => "lost to a fault",
        Some(word) => word,
        None => "",
    }
}
