//! Parses and evaluates stop conditions, such as `--until 'ack.p99 > 200ms'`.

use mockfleet_config::{Comparison, FULL_SHARE, Metric, ThresholdValue};
use mockfleet_metrics::as_f64;
use mockfleet_metrics::{Bottleneck, SearchStep, micros};

/// Figures of a step that a stop condition can name, for error messages.
const FIGURES: &str = "ack.p50, ack.p95, ack.p99 (or latency.…), lag.p50, lag.p95, lag.p99, failed";

/// A figure and the limit that it must not exceed.
#[derive(Debug, Clone, PartialEq)]
pub struct StopCondition {
    inner: mockfleet_config::Threshold,
    /// Microseconds, or a share from 0 to 1.
    limit: f64,
}

/// The reason why a text is no stop condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopConditionError {
    /// The text is no threshold.
    #[error("{0}")]
    NoThreshold(mockfleet_config::ValueError),
    /// The comparison holds for figures below the value.
    #[error(
        "it says what breaks a step, and a step breaks upwards; write it with >, such as '{figure} > {value}'"
    )]
    BreaksDownwards {
        /// The figure as written.
        figure: String,
        /// The value as written.
        value: String,
    },
    /// The value of `failed` is no share below 100 %.
    #[error("{value:?} is not understood; a share of messages lies between \"0%\" and \"100%\"")]
    NoShare {
        /// The value as written.
        value: String,
    },
    /// A step does not have the figure.
    #[error("a step of a search has no {figure}; there are {FIGURES}")]
    UnknownFigure {
        /// The figure as written.
        figure: String,
    },
}

impl StopCondition {
    /// Parses a stop condition such as `ack.p99 > 200ms` or `failed > 1%`.
    ///
    /// # Errors
    /// The problem, with the form that a stop condition has.
    pub fn parse(text: &str) -> Result<Self, StopConditionError> {
        let inner =
            mockfleet_config::Threshold::parse(text).map_err(StopConditionError::NoThreshold)?;
        if !matches!(inner.comparison, Comparison::Above | Comparison::AtLeast) {
            return Err(StopConditionError::BreaksDownwards {
                figure: inner.name,
                value: inner.value_text,
            });
        }
        let limit = match (inner.metric, inner.value) {
            (Metric::Latency(_) | Metric::Lag(_), ThresholdValue::Time(micros)) => as_f64(micros),
            (Metric::Failed, ThresholdValue::Share(share)) if share < FULL_SHARE => {
                as_f64(share) / as_f64(FULL_SHARE)
            }
            (Metric::Failed, _) => {
                return Err(StopConditionError::NoShare {
                    value: inner.value_text,
                });
            }
            _ => return Err(StopConditionError::UnknownFigure { figure: inner.name }),
        };
        Ok(Self { inner, limit })
    }

    /// Returns whether the condition limits the host's delay.
    pub(crate) fn is_of_host(&self) -> bool {
        matches!(self.inner.metric, Metric::Lag(_))
    }

    /// Returns the bottleneck and the evidence, if the step breaks this condition.
    pub(crate) fn violated_by(&self, step: &SearchStep) -> Option<(Bottleneck, String)> {
        let (found, who, shown) = match self.inner.metric {
            Metric::Latency(share) => {
                let found = step.ack.quantile(share);
                (as_f64(found), Bottleneck::Backend, micros(found))
            }
            Metric::Lag(share) => {
                let found = step.lag.quantile(share);
                (as_f64(found), Bottleneck::Host, micros(found))
            }
            _ => {
                let shown = format!("{:.2} %", step.failed * 100.0);
                (step.failed, Bottleneck::Backend, shown)
            }
        };
        self.inner
            .comparison
            .is_met_by(found.total_cmp(&self.limit))
            .then(|| {
                let StopCondition { inner, .. } = self;
                let sign = match inner.comparison {
                    Comparison::AtLeast => ">=",
                    _ => ">",
                };
                let words = format!("{} was {shown} ({sign} {})", inner.name, inner.value_text);
                (who, words)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_as_people_write_them() {
        assert_eq!(
            StopCondition::parse("ack.p99 > 200ms").unwrap().limit,
            200_000.0
        );
        assert_eq!(StopCondition::parse("lag.p50>1s").unwrap().limit, 1e6);
        assert_eq!(
            StopCondition::parse(" failed > 0.5 %").unwrap().limit,
            0.005
        );
        for (wrong, says) in [
            ("ack.p99", "wanted is a figure"),
            ("ack.p98 > 1s", "did you mean \"p90\"?"),
            ("ack.p99 < 1s", "write it with >, such as 'ack.p99 > 1s'"),
            ("ack.p99 > 200", "a time, such as 200ms"),
            ("acked > 5", "has no acked; there are ack.p50"),
            ("failed > 1", "between \"0%\" and \"100%\""),
            ("failed > 100%", "between \"0%\" and \"100%\""),
        ] {
            let said = StopCondition::parse(wrong).unwrap_err().to_string();
            assert!(said.contains(says), "{wrong}: {said}");
        }
    }
}
