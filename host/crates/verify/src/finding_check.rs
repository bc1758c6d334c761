//! Whether a check of what was received holds. Counts what nothing explains; how a check is
//! written is the fleet file's.

use mockfleet_config::{ReceivedCheck, ReceivedComparison};

use crate::explain::FindingKind;
use crate::findings::Findings;
use crate::num::as_f64;

/// A bound of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingCheck {
    kind: FindingKind,
    check: ReceivedCheck,
}

impl FindingCheck {
    /// Reads one.
    ///
    /// # Errors
    /// What a bound looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        ReceivedCheck::parse(text).map(Self::new)
    }

    /// Of a check in the fleet file.
    #[must_use]
    pub fn new(check: ReceivedCheck) -> Self {
        let named = FindingKind::ALL
            .into_iter()
            .find(|cause| cause.word() == check.finding);
        Self {
            // The words are the same: a test holds it.
            kind: named.unwrap_or(FindingKind::Missing),
            check,
        }
    }

    /// What holds where nothing else is said: all that was sent arrived, once, in time,
    /// unaltered and in order.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        let bounded = |cause: &FindingKind| *cause != FindingKind::Unknown;
        let bound = |cause: FindingKind| Self {
            kind: cause,
            check: ReceivedCheck {
                finding: cause.word(),
                comparison: ReceivedComparison::Equal,
                value: 0.0,
                percent: false,
                text: format!("{} == 0", cause.word()),
            },
        };
        FindingKind::ALL
            .into_iter()
            .filter(bounded)
            .map(bound)
            .collect()
    }

    /// As it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.check.text
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> FindingKind {
        self.kind
    }

    /// Whether it holds.
    #[must_use]
    pub fn passes(&self, findings: &Findings) -> bool {
        let count = as_f64(findings.of(self.kind).unexplained);
        self.check.is_met(count, as_f64(findings.sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mockfleet_config::FINDING_KINDS;

    #[test]
    fn what_the_fleet_file_names_is_what_is_counted() {
        assert_eq!(FindingKind::ALL.map(FindingKind::word), FINDING_KINDS);
        let bound = FindingCheck::parse("late <= 0.1%").unwrap();
        assert_eq!(
            (check.kind(), bound.text()),
            (FindingKind::Late, "late <= 0.1%")
        );
        assert_eq!(FindingCheck::defaults().len(), 5);
    }
}
