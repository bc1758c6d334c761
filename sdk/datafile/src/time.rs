//! Reads the times of rows.

use std::borrow::Cow;

use crate::number::{NumberForm, number_form};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The unit of a time that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// 1 s.
    Seconds,
    /// 1 ms.
    Millis,
    /// 1 µs.
    Micros,
    /// 1 ns.
    Nanos,
}

/// The form of a file's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeForm {
    /// The unit of numbers; by the size of each number if it is absent.
    pub unit: Option<TimeUnit>,
    /// Whether `1,795` is less than two. Otherwise it could be digits in groups.
    pub has_commas: bool,
}

impl TimeUnit {
    /// Determines the unit by the size of a number since 1970: seconds up to the year 5138,
    /// milliseconds from 1973 on.
    const fn by_size(number: u64) -> Self {
        match number {
            0..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    /// The microseconds of the unit, and the digits of a fraction that count.
    const fn micros(self) -> (i64, usize) {
        match self {
            Self::Seconds => (MICROS_PER_SECOND, 6),
            Self::Millis => (1_000, 3),
            Self::Micros | Self::Nanos => (1, 0),
        }
    }
}

/// Converts a number since 1970 to microseconds. Its size shows its unit.
#[must_use]
pub fn epoch_micros(number: i64) -> i64 {
    let unit = TimeUnit::by_size(number.unsigned_abs());
    convert(number, "", unit).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// Reads a time as microseconds since 1970: a number, or a date with or without a time of the
/// day and an offset from UTC, such as `2026-01-31T06:00:00.5Z` or `2026-01-31 07:00+01`.
#[must_use]
pub fn parse_time(text: &str, form: TimeForm) -> Option<i64> {
    let text = text.trim();
    let number: Cow<'_, str> = match number_form(text) {
        NumberForm::Point(number) => number,
        // A group has three digits, and no group but the first has fewer.
        NumberForm::Comma(number) if form.has_commas || !is_group(text) => number.into(),
        NumberForm::Other => return parse_date(text),
        _ => return None,
    };
    if number.contains(['e', 'E']) {
        return parse_float(&number, form.unit);
    }
    let unsigned = number.trim_start_matches(['-', '+']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let unit = form.unit.unwrap_or(TimeUnit::by_size(whole));
    let micros = convert(i64::try_from(whole).ok()?, fraction, unit)?;
    Some(if number.starts_with('-') {
        -micros
    } else {
        micros
    })
}

fn is_group(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['-', '+']);
    unsigned
        .split_once(',')
        .is_some_and(|(whole, fraction)| whole.len() <= 3 && fraction.len() == 3)
}

/// Converts a number and the digits behind its point.
fn convert(whole: i64, fraction: &str, unit: TimeUnit) -> Option<i64> {
    if unit == TimeUnit::Nanos {
        return Some(whole / 1_000);
    }
    let (micros, digits) = unit.micros();
    let mut below = 0;
    for place in 0..digits {
        let digit = fraction
            .as_bytes()
            .get(place)
            .map_or(0, |digit| digit - b'0');
        below = below * 10 + i64::from(digit);
    }
    whole.checked_mul(micros)?.checked_add(below)
}

/// Converts a number with an exponent, as a spreadsheet writes it.
fn parse_float(number: &str, unit: Option<TimeUnit>) -> Option<i64> {
    let number: f64 = number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    if number.abs() >= 9e18 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    let whole = number.trunc() as i64;
    let unit = unit.unwrap_or(TimeUnit::by_size(whole.unsigned_abs()));
    let scale = match unit {
        TimeUnit::Seconds => 1e6,
        TimeUnit::Millis => 1e3,
        TimeUnit::Micros => 1.0,
        TimeUnit::Nanos => 1e-3,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "out of range, it saturates"
    )]
    Some((number * scale).round() as i64)
}

/// Parses a date with or without a time of the day and an offset.
fn parse_date(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some() || !(1..=days_in(year, month)?).contains(&day) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * SECONDS_PER_DAY;
    if rest.is_empty() {
        return Some(midnight * MICROS_PER_SECOND);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','))
        .unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let seconds = midnight - offset(zone.trim_start())?;
    (seconds * MICROS_PER_SECOND).checked_add(time_of_day(clock)?)
}

/// Parses `06:00`, `06:00:30`, `06:00:30.25` to microseconds since midnight. A leap second is
/// the one before it.
fn time_of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = parts.next().map_or(Some(0), |text| digits(text, 2))?;
    let is_whole = clock.len() == text.len() || clock.len() == "06:00:30".len();
    let is_digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || second > 60 || !is_whole || !is_digits {
        return None;
    }
    convert(
        (hour * 60 + minute) * 60 + second.min(59),
        fraction,
        TimeUnit::Seconds,
    )
}

/// Parses an offset from UTC to seconds: nothing, `Z`, `UTC`, `+01`, `+0100`, `+01:00`, and
/// `Z+0000`, which `mosquitto_sub` writes. The name of a zone in brackets may follow.
fn offset(text: &str) -> Option<i64> {
    let (text, name) = text.split_once('[').unwrap_or((text, "]"));
    if !name.ends_with(']') {
        return None;
    }
    let zulu = text.strip_prefix(['Z', 'z']).unwrap_or(text);
    if zulu.is_empty() || text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("gmt") {
        return Some(0);
    }
    let (sign, clock) = zulu.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let plain: String = clock.split(':').collect();
    let colons = clock.len() - plain.len();
    let pair = |place: usize| match plain.get(place * 2..place * 2 + 2) {
        Some(text) => digits(text, 2),
        None => Some(0),
    };
    if !matches!((plain.len(), colons), (2, 0) | (4, 0 | 1) | (6, 2)) {
        return None;
    }
    let hours = pair(0).filter(|hours| *hours < 24)?;
    let minutes = pair(1).filter(|minutes| *minutes < 60)?;
    let seconds = pair(2).filter(|seconds| *seconds < 60)?;
    Some(sign * ((hours * 60 + minutes) * 60 + seconds))
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

/// After Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
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
    fn times_of_many_programs_are_read() {
        let at = 1_795_503_600_250_000;
        for text in [
            "2026-11-24T07:00:00.25Z",
            "2026-11-24 07:00:00.25+00",
            "2026-11-24 08:00:00.250000+01:00",
            "2026-11-24T08:00:00.250000Z+0100",
            "2026-11-24 07:00:00.25",
            "2026-11-24 07:00:00,250",
            "2026-11-24 07:00:00.25 UTC",
            "2026-11-24 02:00:00.25 -0500",
            "2026-11-24T08:00:00.25+01:00[Europe/Berlin]",
            "1795503600.25",
            "1795503600,25",
            "1795503600250",
            "1795503600250.0",
            "1795503600250000",
            "1795503600250000000",
            "1.79550360025e9",
        ] {
            assert_eq!(parse_time(text, TimeForm::default()), Some(at), "{text}");
        }
        for (text, seconds) in [
            ("2020-11-08 12:02:05+02", 1_604_829_725),
            ("2020-11-08", 1_604_793_600),
            ("2020-11-08T12:02Z", 1_604_836_920),
            ("1969-12-31 23:59:59", -1),
            ("2016-12-31T23:59:60Z", 1_483_228_799),
            ("0", 0),
            ("-5", -5),
        ] {
            let micros = parse_time(text, TimeForm::default());
            assert_eq!(micros, Some(seconds * MICROS_PER_SECOND), "{text}");
        }
    }

    #[test]
    fn unit_of_a_number_is_the_one_of_its_form() {
        let read = |text: &str, unit| {
            let form = TimeForm {
                unit: Some(unit),
                has_commas: true,
            };
            parse_time(text, form)
        };
        assert_eq!(read("1500", TimeUnit::Seconds), Some(1_500_000_000));
        assert_eq!(read("1500.25", TimeUnit::Millis), Some(1_500_250));
        assert_eq!(read("1,795", TimeUnit::Seconds), Some(1_795_000));
        assert_eq!(read("1500", TimeUnit::Micros), Some(1_500));
        assert_eq!(read("1500", TimeUnit::Nanos), Some(1));
        assert_eq!(read("-1.5", TimeUnit::Seconds), Some(-1_500_000));
        assert_eq!(epoch_micros(1_795_503_600), 1_795_503_600_000_000);
        assert_eq!(epoch_micros(i64::MIN), i64::MIN / 1_000);
    }

    #[test]
    fn text_that_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "1,795",
            "1,795,503,600",
            "NaN",
            "2026-02-29",
            "2026-11-24T",
            "2026-11-24T07",
            "2026-11-24T24:00",
            "2026-11-24 07:00.5",
            "2026-11-24 07:00:61",
            "2026-11-24 07:00:00.",
            "2026-11-24 07:00:00 CET",
            "2026-11-24 07:00:00+1",
            "2026-11-24 07:00:00+25",
            "24.11.2026 07:00",
            "99999999999999999999",
        ] {
            assert_eq!(parse_time(text, TimeForm::default()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9][T ].{0,16}|[0-9.,e+-]{0,24}|.{0,40}",
        ) {
            let _ = parse_time(&text, TimeForm::default());
        }
    }
}
