//! Checks the unexplained findings against a limit.

use mockfleet_config::{ReceivedCheck, ReceivedComparison};

use crate::findings::collected::Findings;
use crate::findings::explain::FindingKind;
use crate::num::as_f64;

/// A check of findings.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingCheck {
    kind: FindingKind,
    check: ReceivedCheck,
}

impl FindingCheck {
    /// Reads a check.
    ///
    /// # Errors
    /// The text is no check; the message shows correct ones.
    pub fn parse(text: &str) -> Result<Self, String> {
        ReceivedCheck::parse(text).map(Self::new)
    }

    /// Converts a check of the fleet file.
    #[must_use]
    pub fn new(check: ReceivedCheck) -> Self {
        let named = FindingKind::ALL
            .into_iter()
            .find(|cause| cause.word() == check.finding);
        Self {
            // Both have the same words, which a test checks.
            kind: named.unwrap_or(FindingKind::Missing),
            check,
        }
    }

    /// Returns the default checks: every sent message arrived once, in time, unaltered and in
    /// order.
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

    /// Returns the check as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.check.text
    }

    /// Returns the kind of findings that the check limits.
    #[must_use]
    pub fn kind(&self) -> FindingKind {
        self.kind
    }

    /// Returns whether the findings meet the check.
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
            (bound.kind(), bound.text()),
            (FindingKind::Late, "late <= 0.1%")
        );
        assert_eq!(FindingCheck::defaults().len(), 5);
    }
}
