//! Numbers as people read them.

/// `1234567` as `1,234,567`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes: `512 B`, `1.5 KiB`, `128.0 MiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut size = float(n) / 1024.0;
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

/// A time in microseconds: `850 µs`, `1.2 ms`, `3.40 s`.
#[must_use]
pub fn micros(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} µs"),
        1_000..1_000_000 => format!("{:.1} ms", float(n) / 1e3),
        _ => format!("{:.2} s", float(n) / 1e6),
    }
}

/// A rate: whole from 10 on, one digit below.
#[must_use]
pub(super) fn rate(per_second: f64) -> String {
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

/// A share in percent that never rounds up to all of it.
#[must_use]
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".into();
    }
    if part == whole {
        return "100 %".into();
    }
    let share = float(part) / float(whole) * 100.0;
    format!("{:.2} %", share.min(99.99))
}

/// Exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub(super) fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(12_345_678)],
            ["0", "999", "1,000", "12,345,678"]
        );
    }

    #[test]
    fn sizes_and_times_have_the_unit_that_fits() {
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
    fn nearly_all_is_not_all() {
        assert_eq!(percent(999_999, 1_000_000), "99.99 %");
        assert_eq!(percent(3, 3), "100 %");
    }
}
