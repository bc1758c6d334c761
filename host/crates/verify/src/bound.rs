//! Whether a check of what was received holds. Counts what nothing explains; how a check is
//! written is the fleet file's.

use super::explain::Cause;
use super::findings::Findings;
use mockfleet_config::{ReceivedCheck, ReceivedComparison};

/// A bound of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    cause: Cause,
    check: ReceivedCheck,
}

impl Bound {
    /// Reads one.
    ///
    /// # Errors
    /// What a bound looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        ReceivedCheck::parse(text).map(Self::of)
    }

    /// Of a check in the fleet file.
    #[must_use]
    pub fn of(check: ReceivedCheck) -> Self {
        let named = Cause::ALL
            .into_iter()
            .find(|cause| cause.word() == check.finding);
        Self {
            // The words are the same: a test holds it.
            cause: named.unwrap_or(Cause::Missing),
            check,
        }
    }

    /// What holds where nothing else is said: all that was sent arrived, once, in time,
    /// unaltered and in order.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let bounded = |cause: &Cause| *cause != Cause::Unknown;
        let bound = |cause: Cause| Self {
            cause,
            check: ReceivedCheck {
                finding: cause.word(),
                comparison: ReceivedComparison::Equal,
                value: 0.0,
                percent: false,
                text: format!("{} == 0", cause.word()),
            },
        };
        Cause::ALL.into_iter().filter(bounded).map(bound).collect()
    }

    /// As it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.check.text
    }

    /// What it is about.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, findings: &Findings) -> bool {
        let count = float(findings.of(self.cause).unexplained);
        self.check.is_met(count, float(findings.sent))
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use mockfleet_config::FINDING_KINDS;

    #[test]
    fn what_the_fleet_file_names_is_what_is_counted() {
        assert_eq!(Cause::ALL.map(Cause::word), FINDING_KINDS);
        let bound = Bound::parse("late <= 0.1%").unwrap();
        assert_eq!((bound.cause(), bound.text()), (Cause::Late, "late <= 0.1%"));
        assert_eq!(Bound::usual().len(), 5);
    }
}
