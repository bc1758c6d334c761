//! Formats durations as people write them.

use std::time::Duration;

/// Units with their microseconds, largest first.
const UNITS: [(u128, &str); 6] = [
    (86_400_000_000, "d"),
    (3_600_000_000, "h"),
    (60_000_000, "m"),
    (1_000_000, "s"),
    (1_000, "ms"),
    (1, "us"),
];

/// Count of a unit from which it is split into larger ones: `90s`, but `1m40s`.
const SPLIT_COUNT: u128 = 100;

/// Formats a duration as in a fleet file: `250ms`, `90s`, `30d`, `1h30m`. It has the largest
/// exact unit, or several units if that one is a second or more and its count has three digits.
#[must_use]
pub fn format_duration(length: Duration) -> String {
    let mut micros = length.as_micros();
    if micros == 0 {
        return "0s".into();
    }
    let exact = UNITS.iter().find(|(unit, _)| micros.is_multiple_of(*unit));
    if let Some((unit, name)) = exact {
        let count = micros / unit;
        if *unit < 1_000_000 && micros < SPLIT_COUNT * 1_000_000 || count < SPLIT_COUNT {
            return format!("{count}{name}");
        }
    }
    let mut text = String::new();
    for (unit, name) in UNITS {
        if micros >= unit {
            text.push_str(&format!("{}{name}", micros / unit));
            micros %= unit;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_has_the_units_that_people_write() {
        let shown = |seconds| format_duration(Duration::from_secs(seconds));
        for (seconds, text) in [
            (0, "0s"),
            (90, "90s"),
            (100, "1m40s"),
            (5_400, "90m"),
            (9_000, "2h30m"),
            (86_400, "1d"),
            (90_061, "1d1h1m1s"),
            (2_592_000, "30d"),
            (36_600 * 86_400, "36600d"),
        ] {
            assert_eq!(shown(seconds), text);
        }
        let shown = |micros| format_duration(Duration::from_micros(micros));
        assert_eq!(shown(1_500), "1500us");
        assert_eq!(shown(2_500_000), "2500ms");
        assert_eq!(shown(3_600_500_000), "1h500ms");
    }
}
