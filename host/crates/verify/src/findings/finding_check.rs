//! Checks the unexplained findings against a limit.

use mockfleet_config::{ReceivedCheck, ReceivedComparison, ValueError};

use crate::findings::collected::Findings;
use crate::findings::explain::FindingKind;
use crate::num::as_f64;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckVerdict {
    /// The findings meet the check.
    Passed,
    /// The findings break the check.
    Failed,
    /// The check cannot be told: messages of which the kind is not known could break it.
    Unknown,
}

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
    pub fn parse(text: &str) -> Result<Self, ValueError> {
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
    pub fn verdict(&self, findings: &Findings) -> CheckVerdict {
        self.verdict_of(
            findings.of(self.kind).unexplained,
            findings.undecided(self.kind),
            findings.sent,
        )
    }

    /// Returns the verdict on a count, if as many messages more could be findings.
    fn verdict_of(&self, count: u64, undecided: u64, messages: u64) -> CheckVerdict {
        let is_met = |count: u64| self.check.is_met(as_f64(count), as_f64(messages));
        let most = count.saturating_add(undecided);
        match (is_met(count), is_met(most)) {
            (true, true) => CheckVerdict::Passed,
            (false, false) if !(count..=most).any(is_met) => CheckVerdict::Failed,
            _ => CheckVerdict::Unknown,
        }
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

    #[test]
    fn check_of_unknown_messages_is_not_passed() {
        let verdict = |text, count, undecided| {
            let check = FindingCheck::parse(text).unwrap();
            check.verdict_of(count, undecided, 100)
        };
        assert_eq!(verdict("late == 0", 0, 0), CheckVerdict::Passed);
        assert_eq!(verdict("late == 0", 0, 100), CheckVerdict::Unknown);
        assert_eq!(verdict("late == 0", 1, 100), CheckVerdict::Failed);
        assert_eq!(verdict("late <= 5%", 2, 4), CheckVerdict::Unknown);
        assert_eq!(verdict("late <= 5%", 2, 3), CheckVerdict::Passed);
        assert_eq!(verdict("late < 5", 7, 3), CheckVerdict::Failed);
        assert_eq!(verdict("late == 3", 2, 4), CheckVerdict::Unknown);
        assert_eq!(verdict("late == 3", 4, 4), CheckVerdict::Failed);
    }
}
