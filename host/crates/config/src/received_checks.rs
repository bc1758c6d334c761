//! Parses limits of findings, such as `missing == 0`.

use crate::document::problem::ValueError;
use crate::document::suggest::did_you_mean;

/// The kinds of findings.
pub const FINDING_KINDS: [&str; 6] = [
    "missing",
    "doubled",
    "late",
    "altered",
    "out-of-order",
    "unknown",
];

/// The form of a check of findings, for editors: a regular expression.
pub(crate) const CHECK_PATTERN: &str =
    r"^\s*(missing|doubled|late|altered|out-of-order|unknown)\s*(==|<=|<)\s*[0-9.]+\s*%?\s*$";

/// A limit of the unexplained findings of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedCheck {
    /// One of [`FINDING_KINDS`].
    pub finding: &'static str,
    /// The comparison.
    pub comparison: ReceivedComparison,
    /// The right side.
    pub value: f64,
    /// Whether the value is a share of the messages in percent, and not a count.
    pub percent: bool,
    /// The check as it was written.
    pub text: String,
}

/// The comparison of a count with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceivedComparison {
    /// The count equals the value.
    Equal,
    /// The count is at most the value.
    AtMost,
    /// The count is below the value.
    Below,
}

impl ReceivedCheck {
    /// Reads a check.
    ///
    /// # Errors
    /// The text is no check; the message shows correct ones.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let wanted = "a check of what was received is a cause, ==, <= or <, and a number or a share: 'missing == 0', 'late <= 0.1%'";
        let signs = [
            ("==", ReceivedComparison::Equal),
            ("<=", ReceivedComparison::AtMost),
            ("<", ReceivedComparison::Below),
        ];
        let split = signs.into_iter().find_map(|(sign, comparison)| {
            text.split_once(sign)
                .map(|(a, b)| (a.trim(), comparison, b.trim()))
        });
        let (name, comparison, number) = split.ok_or(wanted)?;
        let finding = FINDING_KINDS.into_iter().find(|known| *known == name);
        let finding = finding.ok_or_else(|| {
            let hint = did_you_mean(name, FINDING_KINDS.into_iter());
            format!(
                "{name:?} is nothing that is counted{hint} (known are {})",
                FINDING_KINDS.join(", ")
            )
        })?;
        let (digits, percent) = match number.strip_suffix('%') {
            Some(share) => (share.trim(), true),
            None => (number, false),
        };
        let value: f64 = digits.parse().map_err(|_| wanted)?;
        let most = if percent { 100.0 } else { 1e15 };
        if !(0.0..=most).contains(&value) {
            return Err(format!("{number} is out of range: {wanted}").into());
        }
        Ok(Self {
            finding,
            comparison,
            value,
            percent,
            text: text.trim().to_owned(),
        })
    }

    /// Returns whether a count of findings, out of `messages`, meets the check.
    #[must_use]
    pub fn is_met(&self, count: f64, messages: f64) -> bool {
        let figure = match self.percent {
            true => 100.0 * count / messages.max(1.0),
            false => count,
        };
        match self.comparison {
            ReceivedComparison::Equal => (figure - self.value).abs() < 1e-12,
            ReceivedComparison::AtMost => figure <= self.value,
            ReceivedComparison::Below => figure < self.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_read_or_explained() {
        let check = ReceivedCheck::parse(" late <= 0.1% ").unwrap();
        assert_eq!(
            (check.finding, check.text.as_str()),
            ("late", "late <= 0.1%")
        );
        assert!(check.is_met(1.0, 1_000.0) && !check.is_met(2.0, 1_000.0));
        let none = ReceivedCheck::parse("missing == 0").unwrap();
        assert!(none.is_met(0.0, 9.0) && !none.is_met(1.0, 9.0));
        let refused = |text| ReceivedCheck::parse(text).unwrap_err().to_string();
        assert!(refused("mising == 0").contains("did you mean \"missing\"?"));
        for wrong in ["missing", "missing <= many", "missing <= 101%", "late < -1"] {
            assert!(!refused(wrong).is_empty());
        }
    }
}
