//! `--until 'ack.p99 > 200ms'`: what breaks a step of a search.

use crate::fleet::duration;
use crate::status::{Step, Who, micros};

/// What a bound looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    /// From sent to confirmed; this quantile.
    Ack(f64),
    /// From due to called: the host's own.
    Lag(f64),
    /// The share of messages that failed or never left.
    Failed,
}

/// The figures by their names.
const FIGURES: [(&str, Figure); 7] = [
    ("ack.p50", Figure::Ack(0.5)),
    ("ack.p95", Figure::Ack(0.95)),
    ("ack.p99", Figure::Ack(0.99)),
    ("lag.p50", Figure::Lag(0.5)),
    ("lag.p95", Figure::Lag(0.95)),
    ("lag.p99", Figure::Lag(0.99)),
    ("failed", Figure::Failed),
];

/// A figure and what it must not pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    name: &'static str,
    figure: Figure,
    /// Microseconds, or a share.
    most: f64,
    /// The bound's right side, as it was written.
    shown: String,
}

impl Bound {
    /// Reads `ack.p99 > 200ms`, `failed > 1%`.
    ///
    /// # Errors
    /// What a bound looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || {
            let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
            format!(
                "a bound is a figure, > and a value, such as 'ack.p99 > 200ms' or 'failed > 1%'; there are {}",
                names.join(", ")
            )
        };
        let (name, value) = text.split_once('>').ok_or_else(wanted)?;
        let (name, value) = (name.trim(), value.trim());
        let known = FIGURES.iter().find(|(known, _)| *known == name);
        let (name, figure) = *known.ok_or_else(wanted)?;
        let most = match figure {
            Figure::Ack(_) | Figure::Lag(_) => duration(value)
                .map(|length| length.as_secs_f64() * 1e6)
                .map_err(|wanted| format!("{value:?} is not understood; {wanted}"))?,
            Figure::Failed => {
                let percent = value.strip_suffix('%').map(str::trim_end);
                let number = percent.and_then(|number| number.parse::<f64>().ok());
                let share = number.filter(|number| (0.0..100.0).contains(number));
                share.map(|share| share / 100.0).ok_or_else(|| {
                    format!(
                        "{value:?} is not understood; a share of messages lies between \"0%\" and \"100%\""
                    )
                })?
            }
        };
        Ok(Self {
            name,
            figure,
            most,
            shown: value.to_owned(),
        })
    }

    /// Whether it says how late the host may be.
    pub(super) fn is_of_host(&self) -> bool {
        matches!(self.figure, Figure::Lag(_))
    }

    /// Whose fault it is that a step breaks this bound, and what shows it.
    pub(super) fn broken(&self, step: &Step) -> Option<(Who, String)> {
        let (found, who, shown) = match self.figure {
            Figure::Ack(share) => {
                let found = step.ack.quantile(share);
                (float(found), Who::Backend, micros(found))
            }
            Figure::Lag(share) => {
                let found = step.lag.quantile(share);
                (float(found), Who::Host, micros(found))
            }
            Figure::Failed => {
                let shown = format!("{:.2} %", step.failed * 100.0);
                (step.failed, Who::Backend, shown)
            }
        };
        (found > self.most).then(|| {
            let words = format!("{} was {shown} (> {})", self.name, self.shown);
            (who, words)
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a time in microseconds, below 2^53"
)]
fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_as_people_write_them() {
        let bound = Bound::parse("ack.p99 > 200ms").unwrap();
        assert_eq!((bound.name, bound.most), ("ack.p99", 200_000.0));
        assert_eq!(Bound::parse("lag.p50>1s").unwrap().most, 1e6);
        assert_eq!(Bound::parse(" failed > 0.5 %").unwrap().most, 0.005);
        for (wrong, says) in [
            ("ack.p99", "a bound is a figure"),
            ("ack.p98 > 1s", "ack.p95, ack.p99"),
            ("ack.p99 < 1s", "a bound is a figure"),
            ("ack.p99 > 200", "a duration is a number with a unit"),
            ("failed > 1", "between \"0%\" and \"100%\""),
            ("failed > 100%", "between \"0%\" and \"100%\""),
        ] {
            let said = Bound::parse(wrong).unwrap_err();
            assert!(said.contains(says), "{wrong}: {said}");
        }
    }
}
