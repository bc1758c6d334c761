//! Formats numbers for people.

use mockfleet_files::counted::count;

use crate::num::as_f64;

/// Formats a number of bytes: `512 B`, `1.5 KiB`, `128.0 MiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut size = as_f64(n) / 1024.0;
    let mut unit = UNITS.iter();
    let mut name = unit.next();
    while size >= 1024.0 {
        match unit.next() {
            Some(next) => name = Some(next),
            None => break,
        }
        size /= 1024.0;
    }
    format!("{size:.1} {}", name.unwrap_or(&"KiB"))
}

/// Formats a time in microseconds: `850 µs`, `1.2 ms`, `3.40 s`.
#[must_use]
pub fn micros(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} µs"),
        1_000..1_000_000 => format!("{:.1} ms", as_f64(n) / 1e3),
        _ => format!("{:.2} s", as_f64(n) / 1e6),
    }
}

/// Formats a rate: whole from 10 on, with one digit below.
#[must_use]
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 9.95 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is positive and far below 2^64"
        )]
        let whole = per_second.round() as u64;
        return format!("{}/s", count(whole));
    }
    format!("{per_second:.1}/s")
}

/// Formats a share in percent. A part is never rounded up to 100 %.
#[must_use]
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".into();
    }
    if part == whole {
        return "100 %".into();
    }
    let share = as_f64(part) / as_f64(whole) * 100.0;
    format!("{:.2} %", share.min(99.99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_time_have_a_fitting_unit() {
        assert_eq!(
            [bytes(1_023), bytes(1_536), bytes(134_217_728)],
            ["1023 B", "1.5 KiB", "128.0 MiB"]
        );
        assert_eq!(
            [micros(850), micros(1_200), micros(3_400_000)],
            ["850 µs", "1.2 ms", "3.40 s"]
        );
    }

    #[test]
    fn percent_of_a_part_is_below_100() {
        assert_eq!(percent(999_999, 1_000_000), "99.99 %");
        assert_eq!(percent(3, 3), "100 %");
    }
}
