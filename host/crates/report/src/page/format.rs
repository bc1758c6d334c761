//! Formats shares, times and outcomes.

use mockfleet_sendlog::OUTCOMES;

use crate::num::{as_f64, signed_as_f64};

/// A share in percent that never rounds up to all.
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

/// When the first row was due, with its zone.
pub(crate) fn timestamp(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// How long it was from the first to the last row.
pub(crate) fn length(micros: i64) -> String {
    let seconds = signed_as_f64(micros) / 1e6;
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        120.0..7_200.0 => format!("{:.1} min", seconds / 60.0),
        7_200.0..172_800.0 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// The names of outcomes, as people read them.
pub(crate) fn outcome(number: usize) -> &'static str {
    match OUTCOMES.get(number) {
        Some(&"injected") => "lost to a fault",
        Some(word) => word,
        None => "",
    }
}
