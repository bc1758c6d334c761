//! Parses thresholds: `acked >= 99.9%`, `latency.p99 <= 200ms`, `failed > 1%`.
//!
//! A threshold has a figure of a run, a comparison and a value. `[checks]`, `--check` and
//! `--until` share this grammar.

use crate::document::problem::ValueError;
use crate::document::suggest::did_you_mean;
use crate::document::units;

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// Messages that devices returned, without those that a fault of the fleet file dropped.
    Messages,
    /// Messages that the backend confirmed.
    Acked,
    /// Messages that were sent and have no acknowledgement by protocol (QoS 0).
    Sent,
    /// The sum of both: messages that were delivered, as far as the protocol reports it.
    Delivered,
    /// Those of the sent messages of which nothing shows that the broker has read them.
    Unproven,
    /// Messages refused, timed out or lost.
    Failed,
    /// Messages that never left the host.
    Dropped,
    /// Messages without an acknowledgement at the end of the run.
    Unconfirmed,
    /// Messages a second that were delivered.
    Rate,
    /// Ticks that were due and not run.
    Missed,
    /// Calls that returned an error.
    FailedCalls,
    /// Cells that crashed and were restarted.
    Restarts,
    /// Connections that were opened again after the broker or the network ended them.
    Reconnects,
    /// Time from sending to acknowledgement, at this percentile.
    Latency(f64),
    /// Time from due to sending, at this percentile.
    Lag(f64),
}

/// The value that a figure is compared with. Shares are integers, so that 999 of 1,000 are
/// exactly 99.9 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ThresholdValue {
    /// A count.
    Count(u64),
    /// A share of all, in units of 10⁻⁹.
    Share(u64),
    /// A time in microseconds.
    Time(u64),
    /// A rate per second.
    PerSecond(f64),
}

/// The whole, in the unit of [`ThresholdValue::Share`].
pub const FULL_SHARE: u64 = 1_000_000_000;

/// The comparison of a figure with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Exactly,
    /// `!=`
    Not,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

/// Comparisons by their signs, the longer signs first.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Exactly),
    ("!=", Comparison::Not),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

impl Comparison {
    /// Returns whether a figure with this ordering to the value meets the comparison.
    #[must_use]
    pub fn is_met_by(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Exactly => order.is_eq(),
            Self::Not => order.is_ne(),
            Self::AtLeast => order.is_ge(),
            Self::Above => order.is_gt(),
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Exactly => "==",
            Self::Not => "!=",
            Self::AtLeast => ">=",
            Self::Above => ">",
        }
    }
}

/// A figure, a comparison and a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The figure's name, as it was written.
    pub name: String,
    /// The figure.
    pub metric: Metric,
    /// The comparison.
    pub comparison: Comparison,
    /// The value.
    pub value: ThresholdValue,
    /// The right side, as it was written.
    pub value_text: String,
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.name,
            self.comparison.sign(),
            self.value_text
        )
    }
}

/// Figures that are not times.
const COUNT_METRICS: [(&str, Metric); 13] = [
    ("messages", Metric::Messages),
    ("acked", Metric::Acked),
    ("sent", Metric::Sent),
    ("unproven", Metric::Unproven),
    ("delivered", Metric::Delivered),
    ("failed", Metric::Failed),
    ("dropped", Metric::Dropped),
    ("unconfirmed", Metric::Unconfirmed),
    ("rate", Metric::Rate),
    ("missed", Metric::Missed),
    ("failed-calls", Metric::FailedCalls),
    ("restarts", Metric::Restarts),
    ("reconnects", Metric::Reconnects),
];

/// Figures that are times; `ack` is another name of `latency`.
const TIME_METRICS: [&str; 3] = ["latency", "ack", "lag"];

/// The percentiles of a time.
const PERCENTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("max", 1.0),
];

/// The form of a check, for editors: a regular expression with the figures and their units.
/// Tests compare it with the parser.
pub(crate) const CHECK_PATTERN: &str = r"^\s*(
((acked|sent|delivered|failed|dropped|unconfirmed|missed)\s*(<=|>=|==|!=|<|>)\s*([0-9_]+|[0-9.]+\s*%))|
((messages|unproven|failed-calls|restarts|reconnects)\s*(<=|>=|==|!=|<|>)\s*[0-9_]+)|
(rate\s*(<=|>=|==|!=|<|>)\s*[0-9.]+\s*/\s*(s|m|min|h|d))|
((latency|ack|lag)\.(p50|p90|p95|p99|p99\.9|max)\s*(<=|>=|==|!=|<|>)\s*([0-9.]+\s*(us|µs|ms|s|m|h|d)\s*)+)
)\s*$";

/// Returns the form of a group's check. A connection can be that of several groups.
pub(crate) fn group_check_pattern() -> String {
    CHECK_PATTERN.replace("|unproven", "")
}

/// The form of a channel's check. A channel has messages and no ticks.
pub(crate) const CHANNEL_CHECK_PATTERN: &str = r"^\s*(
((acked|sent|delivered|failed|dropped|unconfirmed)\s*(<=|>=|==|!=|<|>)\s*([0-9_]+|[0-9.]+\s*%))|
(messages\s*(<=|>=|==|!=|<|>)\s*[0-9_]+)|
(rate\s*(<=|>=|==|!=|<|>)\s*[0-9.]+\s*/\s*(s|m|min|h|d))|
((latency|ack|lag)\.(p50|p90|p95|p99|p99\.9|max)\s*(<=|>=|==|!=|<|>)\s*([0-9.]+\s*(us|µs|ms|s|m|h|d)\s*)+)
)\s*$";

impl Metric {
    /// Reads `acked`, `latency.p99`.
    fn parse(name: &str) -> Result<Self, ValueError> {
        if let Some((_, metric)) = COUNT_METRICS.iter().find(|(known, _)| *known == name) {
            return Ok(*metric);
        }
        let timed = name
            .split_once('.')
            .filter(|(time, _)| TIME_METRICS.contains(time));
        if let Some((time, share)) = timed {
            let Some((_, at)) = PERCENTILES.iter().find(|(known, _)| *known == share) else {
                let hint = did_you_mean(share, PERCENTILES.iter().map(|(known, _)| *known));
                return Err(format!("{time} has no {share:?}{hint}").into());
            };
            return Ok(match time {
                "lag" => Self::Lag(*at),
                _ => Self::Latency(*at),
            });
        }
        if TIME_METRICS.contains(&name) {
            return Err(format!(
                "{name} differs from message to message; say which is meant, such as {name}.p99"
            )
            .into());
        }
        let names: Vec<String> = COUNT_METRICS
            .iter()
            .map(|(known, _)| (*known).to_owned())
            .chain(TIME_METRICS.iter().map(|time| format!("{time}.p99")))
            .collect();
        let hint = did_you_mean(name, names.iter().map(String::as_str));
        Err(format!("there is no figure {name:?}{hint}").into())
    }

    /// Returns the unit of a share, if the figure can be a share.
    #[must_use]
    pub const fn share_base(self) -> Option<&'static str> {
        match self {
            Self::Acked
            | Self::Sent
            | Self::Delivered
            | Self::Failed
            | Self::Dropped
            | Self::Unconfirmed => Some("message"),
            Self::Missed => Some("tick"),
            _ => None,
        }
    }

    /// Returns whether the figure counts devices or calls, which channels do not have.
    #[must_use]
    pub const fn is_device_metric(self) -> bool {
        matches!(
            self,
            Self::Missed | Self::FailedCalls | Self::Restarts | Self::Reconnects
        )
    }

    /// Returns whether only the fleet has the figure, and no group.
    #[must_use]
    pub const fn is_fleet_metric(self) -> bool {
        matches!(self, Self::Unproven)
    }

    /// Returns an example for each unit of the figure.
    const fn example(self) -> &'static str {
        match self {
            Self::Latency(_) | Self::Lag(_) => "a time, such as 200ms",
            Self::Rate => "a rate, such as 500/s or 60/min",
            Self::Messages
            | Self::Unproven
            | Self::FailedCalls
            | Self::Restarts
            | Self::Reconnects => "a number, such as 0",
            Self::Missed => "a number of ticks, such as 0, or a share of them, such as 1%",
            _ => "a number of messages, such as 0, or a share of them, such as 99.9%",
        }
    }

    fn parse_value(self, text: &str) -> Result<ThresholdValue, ValueError> {
        let wanted = || ValueError::from(format!("{text:?} is not understood; {}", self.wanted()));
        match self {
            Self::Latency(_) | Self::Lag(_) => {
                let time = units::parse_duration(text).map_err(|_| wanted())?;
                let micros = u64::try_from(time.as_micros()).map_err(|_| wanted())?;
                Ok(ThresholdValue::Time(micros))
            }
            Self::Rate => {
                let rate = units::parse_rate_or_zero(text).map_err(|_| wanted())?;
                Ok(ThresholdValue::PerSecond(rate))
            }
            _ => match text.strip_suffix('%') {
                Some(percent) if self.share_base().is_some() => {
                    let share = share(percent.trim_end()).ok_or_else(wanted)?;
                    if share > FULL_SHARE {
                        return Err(format!(
                            "{text:?} is no share of all {}s; it lies between 0% and 100%",
                            self.share_base().unwrap_or_default()
                        )
                        .into());
                    }
                    Ok(ThresholdValue::Share(share))
                }
                _ => {
                    let digits = text.replace('_', "");
                    let number = digits.parse().ok();
                    number
                        .filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
                        .map(ThresholdValue::Count)
                        .ok_or_else(wanted)
                }
            },
        }
    }

    fn wanted(self) -> String {
        format!("wanted is {}", self.example())
    }
}

/// Parses percent as thousand-millionths: exact to seven decimals, without floating point.
fn share(percent: &str) -> Option<u64> {
    let (whole, part) = percent.split_once('.').unwrap_or((percent, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = digits(whole) && digits(part) && part.len() <= 7 && !percent.is_empty();
    if !sound || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let number = |text: &str| -> Option<u64> {
        match text {
            "" => Some(0),
            text => text.parse().ok(),
        }
    };
    let whole = number(whole)?.checked_mul(FULL_SHARE / 100)?;
    whole.checked_add(number(&format!("{part:0<7}"))?)
}

impl Threshold {
    /// Reads `acked >= 99.9%`.
    ///
    /// # Errors
    /// The text is no threshold; the message shows a correct one.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let found = text.find(['<', '>', '=', '!']).and_then(|at| {
            let (name, rest) = text.split_at_checked(at)?;
            let (sign, comparison) = COMPARISONS
                .iter()
                .find(|(sign, _)| rest.starts_with(sign))?;
            Some((name.trim(), *comparison, rest.get(sign.len()..)?.trim()))
        });
        let (name, comparison, value) = found
            .filter(|(name, _, _)| !name.is_empty())
            .ok_or_else(|| {
                "wanted is a figure, how it is compared (<, <=, ==, !=, >=, >) and with what, such as \"acked >= 99.9%\", \"latency.p99 <= 200ms\" or \"failed == 0\"".to_owned()
            })?;
        let metric = Metric::parse(name)?;
        if value.is_empty() {
            return Err(format!("nothing is compared with {name}; {}", metric.wanted()).into());
        }
        let limit = metric.parse_value(value)?;
        Ok(Self {
            name: name.to_owned(),
            metric,
            comparison,
            value: limit,
            value_text: value.to_owned(),
        })
    }

    /// Reads a threshold of a check, which can pass and can fail.
    ///
    /// # Errors
    /// Returns the errors of [`Threshold::parse`], and an error if the check always passes or
    /// always fails.
    pub fn parse_check(text: &str) -> Result<Self, ValueError> {
        let threshold = Self::parse(text)?;
        let lowest = match threshold.value {
            ThresholdValue::Count(n) | ThresholdValue::Share(n) | ThresholdValue::Time(n) => n == 0,
            ThresholdValue::PerSecond(rate) => rate == 0.0,
        };
        let highest = threshold.value == ThresholdValue::Share(FULL_SHARE);
        let outcome = match threshold.comparison {
            Comparison::Below if lowest => Some("never"),
            Comparison::Above if highest => Some("never"),
            Comparison::AtLeast if lowest => Some("always"),
            Comparison::AtMost if highest => Some("always"),
            _ => None,
        };
        match outcome {
            Some(when) => Err(format!(
                "it {when} holds, and so checks nothing; wanted is something that can hold and can break, such as \"acked >= 99.9%\""
            ).into()),
            None => Ok(threshold),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Metric, Comparison, ThresholdValue) {
        let threshold = Threshold::parse(text).unwrap();
        (threshold.metric, threshold.comparison, threshold.value)
    }

    #[test]
    fn bounds_are_read_as_people_write_them() {
        let share = |share| ThresholdValue::Share(share);
        assert_eq!(
            read("acked >= 99.9%"),
            (Metric::Acked, Comparison::AtLeast, share(999_000_000))
        );
        assert_eq!(
            read(" failed>0.5 % "),
            (Metric::Failed, Comparison::Above, share(5_000_000))
        );
        assert_eq!(
            read("failed == 0"),
            (
                Metric::Failed,
                Comparison::Exactly,
                ThresholdValue::Count(0)
            )
        );
        assert_eq!(
            read("ack.p99 > 200ms"),
            (
                Metric::Latency(0.99),
                Comparison::Above,
                ThresholdValue::Time(200_000)
            )
        );
        assert_eq!(read("ack.p99 > 200ms"), read("latency.p99 > 200ms"));
        assert_eq!(
            read("lag.max<1s"),
            (
                Metric::Lag(1.0),
                Comparison::Below,
                ThresholdValue::Time(1_000_000)
            )
        );
        assert_eq!(read("rate >= 500/s").2, ThresholdValue::PerSecond(500.0));
        assert_eq!(read("messages != 1_000").2, ThresholdValue::Count(1_000));
        assert_eq!(
            Threshold::parse("acked>=  99.9%").unwrap().to_string(),
            "acked >= 99.9%"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (wrong, says) in [
            ("acked", "wanted is a figure"),
            (">= 5", "wanted is a figure"),
            ("acked = 5", "wanted is a figure"),
            ("acked >=", "nothing is compared with acked"),
            ("akced >= 5", "did you mean \"acked\"?"),
            ("latency.p98 <= 1s", "latency has no \"p98\""),
            ("latency >= 1s", "such as latency.p99"),
            ("latency.p99 <= 200", "a time, such as 200ms"),
            ("failed <= 1s", "or a share of them"),
            ("messages >= 5%", "a number, such as 0"),
            ("rate >= 5", "a rate, such as 500/s"),
            ("failed <= 101%", "between 0% and 100%"),
            ("failed <= -1%", "is not understood"),
            ("failed <= 1e3", "is not understood"),
        ] {
            let said = Threshold::parse(wrong).unwrap_err().to_string();
            assert!(said.contains(says), "{wrong}: {said}");
        }
    }

    #[test]
    fn what_always_or_never_holds_is_no_check() {
        for (wrong, says) in [
            ("acked > 100%", "never holds"),
            ("failed < 0", "never holds"),
            ("failed >= 0%", "always holds"),
            ("acked <= 100%", "always holds"),
            ("lag.p99 < 0s", "never holds"),
        ] {
            let said = Threshold::parse_check(wrong).unwrap_err().to_string();
            assert!(said.contains(says), "{wrong}: {said}");
        }
        assert!(Threshold::parse_check("acked == 100%").is_ok());
        assert!(Threshold::parse_check("failed <= 0").is_ok());
    }

    proptest! {
        #[test]
        fn nothing_makes_the_reader_panic(text in "[a-z.]{0,8} ?[<>=!]{0,2} ?.{0,12}") {
            let _ = (Threshold::parse(&text), Threshold::parse_check(&text));
        }

        #[test]
        fn shares_are_exact(whole in 0u64..=100, part in 0u64..1000) {
            let text = format!("{whole}.{part:03}");
            prop_assert_eq!(share(&text), Some(whole * 10_000_000 + part * 10_000));
        }
    }
}
