//! What may be wrong at most: `missing == 0`, `late <= 0.1%`. Counts what nothing
//! explains.

use super::explain::Cause;
use super::findings::Findings;
use crate::fleet::among;

/// A bound of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    cause: Cause,
    is: Is,
    value: f64,
    /// A share of the messages, in percent, and no count.
    percent: bool,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Equal,
    AtMost,
    Below,
}

impl Bound {
    /// Reads one.
    ///
    /// # Errors
    /// What a bound looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = "a check is a cause, ==, <= or <, and a number or a share: 'missing == 0', 'late <= 0.1%'";
        let signs = [("==", Is::Equal), ("<=", Is::AtMost), ("<", Is::Below)];
        let split = signs
            .into_iter()
            .find_map(|(sign, is)| text.split_once(sign).map(|(a, b)| (a.trim(), is, b.trim())));
        let (name, is, number) = split.ok_or(wanted)?;
        let causes = Cause::ALL.map(Cause::word);
        let cause = Cause::ALL
            .into_iter()
            .find(|cause| cause.word() == name)
            .ok_or_else(|| {
                let hint = among(name, causes.into_iter());
                format!(
                    "{name:?} is nothing that is counted{hint} (known are {})",
                    causes.join(", ")
                )
            })?;
        let (digits, percent) = match number.strip_suffix('%') {
            Some(share) => (share.trim(), true),
            None => (number, false),
        };
        let value: f64 = digits.parse().map_err(|_| wanted)?;
        let most = if percent { 100.0 } else { 1e15 };
        if !(0.0..=most).contains(&value) {
            return Err(format!("{number} is out of range: {wanted}"));
        }
        Ok(Self {
            cause,
            is,
            value,
            percent,
            text: text.trim().to_owned(),
        })
    }

    /// What holds where nothing else is said: all that was sent arrived, once, in time,
    /// unaltered and in order.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let bounded = |cause: &Cause| *cause != Cause::Unknown;
        let bound = |cause: Cause| Self {
            cause,
            is: Is::Equal,
            value: 0.0,
            percent: false,
            text: format!("{} == 0", cause.word()),
        };
        Cause::ALL.into_iter().filter(bounded).map(bound).collect()
    }

    /// As it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
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
        let figure = if self.percent {
            100.0 * count / float(findings.sent.max(1))
        } else {
            count
        };
        match self.is {
            Is::Equal => (figure - self.value).abs() < 1e-12,
            Is::AtMost => figure <= self.value,
            Is::Below => figure < self.value,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_or_explained() {
        let bound = Bound::parse(" late <= 0.1% ").unwrap();
        assert_eq!((bound.cause(), bound.text()), (Cause::Late, "late <= 0.1%"));
        assert!(Bound::parse("mising == 0").unwrap_err().contains("missing"));
        assert!(Bound::parse("missing").is_err());
        assert!(Bound::parse("missing <= many").is_err());
        assert!(Bound::parse("missing <= 101%").is_err());
        assert_eq!(Bound::usual().len(), 5);
    }
}
