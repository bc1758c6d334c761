//! Writes timestamps: RFC 3339, Unix time, and formats of `strftime`.

use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::number::micros_as_f64;
use crate::generate::common::span::Shift;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::time::time_zone::{TimeZone, default_zone};
use crate::random::Rng;
use crate::time::Instant;

/// The format of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// RFC 3339 with microseconds: `2026-11-24T07:30:00.000000Z`.
    #[default]
    Rfc3339,
    /// RFC 3339 with milliseconds: `2026-11-24T07:30:00.000Z`.
    Rfc3339Ms,
    /// RFC 3339 to the second: `2026-11-24T07:30:00Z`.
    Rfc3339S,
    /// Whole seconds since 1970.
    UnixS,
    /// Whole milliseconds since 1970.
    UnixMs,
    /// Microseconds since 1970.
    UnixUs,
    /// Nanoseconds since 1970. Many JSON parsers keep 53 bits of a number, and lose its
    /// last digits.
    UnixNs,
    /// Seconds since 1970 with a fraction: `1795505400.25`.
    UnixFloat,
}

/// The time that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TimestampSource {
    /// The time of the value: the due time of the tick.
    #[default]
    Now,
    /// The time at which the device was switched on.
    Born,
    /// The last change of the device's status.
    Status,
}

/// A timestamp in one of the usual formats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Timestamp {
    /// The time that is written.
    pub of: TimestampSource,
    /// The format.
    pub format: Format,
    /// A format of `strftime`, such as `%d.%m.%Y %H:%M:%S`. Replaces `format`.
    #[cfg(feature = "zones")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strftime: Option<String>,
    /// The time zone of RFC 3339 and `strftime`, by its name in the IANA database.
    pub zone: String,
    /// Added to the time: a clock that is wrong, or a reading made earlier.
    pub shift: Shift,
}

impl Default for Timestamp {
    fn default() -> Self {
        Self {
            of: TimestampSource::Now,
            format: Format::Rfc3339,
            #[cfg(feature = "zones")]
            strftime: None,
            zone: default_zone(),
            shift: Shift::default(),
        }
    }
}

impl Timestamp {
    /// The time of the value, in this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }

    /// Sets the time that is written.
    #[must_use]
    pub fn of(self, of: TimestampSource) -> Self {
        Self { of, ..self }
    }

    /// Writes a format of `strftime`.
    #[cfg(feature = "zones")]
    #[must_use]
    pub fn strftime(self, format: impl Into<String>) -> Self {
        Self {
            strftime: Some(format.into()),
            ..self
        }
    }

    /// Sets the time zone.
    #[must_use]
    pub fn zone(self, name: impl Into<String>) -> Self {
        Self {
            zone: name.into(),
            ..self
        }
    }

    /// Adds this to the time.
    #[must_use]
    pub fn shift(self, shift: Shift) -> Self {
        Self { shift, ..self }
    }
}

#[derive(Debug)]
pub(crate) struct TimestampPlan {
    of: TimestampSource,
    format: Format,
    #[cfg(feature = "zones")]
    strftime: Option<String>,
    zone: TimeZone,
    shift: Shift,
}

impl Specification for Timestamp {
    type Plan = TimestampPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<TimestampPlan> {
        let zone = check.collect(|_, problems| TimeZone::find(&self.zone, "zone", problems));
        #[cfg(feature = "zones")]
        if let Some(strftime) = &self.strftime {
            let tried = zone
                .as_ref()
                .map(|zone| zone.format(strftime, Instant::default()));
            if let Some(Err(why)) = tried {
                check.report(
                    "strftime",
                    format_args!("{why}; a format such as \"%Y-%m-%d %H:%M:%S\" is right"),
                );
            }
        }
        Some(TimestampPlan {
            of: self.of,
            format: self.format,
            #[cfg(feature = "zones")]
            strftime: self.strftime.clone(),
            zone: zone?,
            shift: self.shift,
        })
    }
}

impl TimestampPlan {
    fn rfc3339(&self, moment: Instant, decimals: u32) -> Value {
        let offset = self.zone.offset(moment);
        let local = Shift::from_micros(offset.saturating_mul(1_000_000)).apply(moment);
        let (year, month, day) = local.date();
        let time = local.time_of_day();
        let seconds = time.as_secs();
        let mut text = String::with_capacity("2026-11-24T07:30:00.000000+01:00".len());
        padded(&mut text, year, 4);
        for (mark, part) in [
            ('-', month),
            ('-', day),
            ('T', seconds / 3_600),
            (':', seconds / 60 % 60),
            (':', seconds % 60),
        ] {
            text.push(mark);
            padded(&mut text, part, 2);
        }
        if decimals > 0 {
            text.push('.');
            let below =
                u64::from(time.subsec_micros()) / 10_u64.pow(6_u32.saturating_sub(decimals));
            padded(&mut text, below, decimals);
        }
        if offset == 0 {
            text.push('Z');
        } else {
            text.push(if offset < 0 { '-' } else { '+' });
            let minutes = offset.unsigned_abs() / 60;
            padded(&mut text, minutes / 60, 2);
            text.push(':');
            padded(&mut text, minutes % 60, 2);
        }
        Value::Text(Rc::from(text))
    }
}

/// Writes a number digit by digit. Most payloads have timestamps, and the formatting of the
/// standard library is slower.
fn padded(text: &mut String, value: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_u64.pow(place) % 10;
        text.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
}

impl GeneratorKind for TimestampPlan {
    type State = ();

    fn start(&self, _: Rng) {}

    fn next(&self, (): &mut (), context: &Context<'_>) -> Result<Value, Error> {
        let moment = self.shift.apply(match self.of {
            TimestampSource::Now => context.now,
            TimestampSource::Born => context.device.born,
            TimestampSource::Status => context.status_since,
        });
        #[cfg(feature = "zones")]
        if let Some(strftime) = &self.strftime {
            let text = self.zone.format(strftime, moment);
            return text.map(|text| Value::text(text.as_str())).map_err(|why| {
                Error::failed(format_args!(
                    "the moment cannot be written as {strftime:?}: {why}"
                ))
            });
        }
        let micros = i64::try_from(moment.micros()).unwrap_or(i64::MAX);
        Ok(match self.format {
            Format::Rfc3339 => self.rfc3339(moment, 6),
            Format::Rfc3339Ms => self.rfc3339(moment, 3),
            Format::Rfc3339S => self.rfc3339(moment, 0),
            Format::UnixS => Value::Integer(micros / 1_000_000),
            Format::UnixMs => Value::Integer(micros / 1_000),
            Format::UnixUs => Value::Integer(micros),
            Format::UnixNs => Value::Integer(micros.saturating_mul(1_000)),
            Format::UnixFloat => Value::Number(micros_as_f64(micros) / 1e6),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::{TestGenerator, problems_of};

    fn written(timestamp: Timestamp) -> String {
        TestGenerator::new(timestamp)
            .at("2026-11-24T07:30:00.25Z")
            .json(1)
    }

    #[test]
    fn a_moment_is_written_in_each_format() {
        for (format, text) in [
            (Format::Rfc3339, r#"["2026-11-24T07:30:00.250000Z"]"#),
            (Format::Rfc3339Ms, r#"["2026-11-24T07:30:00.250Z"]"#),
            (Format::Rfc3339S, r#"["2026-11-24T07:30:00Z"]"#),
            (Format::UnixS, "[1795505400]"),
            (Format::UnixMs, "[1795505400250]"),
            (Format::UnixUs, "[1795505400250000]"),
            (Format::UnixNs, "[1795505400250000000]"),
            (Format::UnixFloat, "[1795505400.25]"),
        ] {
            assert_eq!(written(Timestamp::new(format)), text);
        }
    }

    #[test]
    fn a_moment_can_be_another_one_and_shifted() {
        let born = Timestamp::new(Format::Rfc3339S).of(TimestampSource::Born);
        assert_eq!(written(born.clone()), r#"["2026-11-24T07:30:00Z"]"#);
        let earlier = born.shift(Shift::from_micros(-86_400_000_000));
        assert_eq!(written(earlier), r#"["2026-11-23T07:30:00Z"]"#);
    }

    #[cfg(feature = "zones")]
    #[test]
    fn a_moment_is_local_where_a_zone_is_named() {
        let zone = |name: &str| written(Timestamp::new(Format::Rfc3339S).zone(name));
        assert_eq!(zone("Europe/Berlin"), r#"["2026-11-24T08:30:00+01:00"]"#);
        assert_eq!(zone("America/St_Johns"), r#"["2026-11-24T04:00:00-03:30"]"#);
        let custom = Timestamp::default()
            .strftime("%A %d.%m.%Y %H:%M")
            .zone("Asia/Tokyo");
        assert_eq!(written(custom), r#"["Tuesday 24.11.2026 16:30"]"#);
    }

    #[cfg(feature = "zones")]
    #[test]
    fn invalid_strftime_is_refused() {
        let text = problems_of(&Timestamp::default().strftime("%Y-%!"));
        assert!(text.starts_with("strftime: "), "{text}");
        assert!(
            text.ends_with("a format such as \"%Y-%m-%d %H:%M:%S\" is right"),
            "{text}"
        );
    }

    #[test]
    fn unknown_time_zone_is_refused() {
        let text = problems_of(&Timestamp::default().zone("Mars/Olympus"));
        assert!(
            text.starts_with("zone: there is no time zone \"Mars/Olympus\""),
            "{text}"
        );
    }
}
