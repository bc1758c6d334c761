//! Parses instants in RFC 3339.

use crate::time::Instant;

/// A regular expression of the accepted texts, for a JSON Schema.
pub(crate) const PATTERN: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[-+][0-9]{2}:[0-9]{2})$";

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Parses `2026-01-31T06:00:00.5+01:00`; seconds may be left out. `None` for any other
/// text, for a day that its month does not have, and before 1970.
pub(crate) fn parse(text: &str) -> Option<Instant> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some() || !(1..=days_in(year, month)?).contains(&day) {
        return None;
    }
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone);
    let seconds = days_since_1970(year, month, day) * SECONDS_PER_DAY - offset(zone)?;
    let micros = (seconds * MICROS_PER_SECOND).checked_add(time_of_day(clock)?)?;
    u64::try_from(micros).ok().map(Instant::from_micros)
}

/// Parses `06:00`, `06:00:30`, `06:00:30.25` to microseconds since midnight.
pub(crate) fn time_of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = parts.next().map_or(Some(0), |text| digits(text, 2))?;
    let whole = !text.contains('.') || clock.len() == "06:00:30".len();
    if parts.next().is_some() || second > 59 || !whole || fraction.is_empty() {
        return None;
    }
    let mut micros = 0;
    for place in 0..6 {
        let digit = fraction
            .chars()
            .nth(place)
            .map_or(Some(0), |c| c.to_digit(10))?;
        micros = micros * 10 + i64::from(digit);
    }
    let rest = fraction.chars().skip(6).all(|c| c.is_ascii_digit());
    rest.then_some((hour * 3_600 + minute * 60 + second) * MICROS_PER_SECOND + micros)
}

/// Parses `Z` or `+01:00` to seconds.
fn offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, clock) = text.split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours < 24)?;
    let minutes = digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    let seconds = hours * 3_600 + minutes * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => Some(if leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// After Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`;
/// only for years from 0.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invalid_times_are_refused() {
        for wrong in [
            "",
            "2026",
            "2026-01-31",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T06:60:00Z",
            "2026-01-31T06:00:00",
            "1969-12-31T23:59:59Z",
            "2026-01-31T06:00.5Z",
            "2026-01-31T06:00:00.Z",
            "2026-01-31T06:00:00+1:00",
            "2026-01-31T06:00:00Zulu",
            "26-01-31T06:00:00Z",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse("2024-02-29T00:00Z").unwrap().date(), (2024, 2, 29));
    }

    proptest! {
        #[test]
        fn written_instants_are_parsed_back(micros in 0u64..253_402_300_800_000_000) {
            let instant = Instant::from_micros(micros);
            prop_assert_eq!(parse(&instant.to_string()), Some(instant));
        }

        #[test]
        fn nothing_makes_the_reader_panic(text in ".{0,40}") {
            let _ = (parse(&text), time_of_day(&text));
        }
    }
}
