//! Tells failures of an injected fault from failures of the backend.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// The reason why a message did not get through, or why a connection ended. It is one pointer:
/// every outcome has the place for one, and few have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(Rc<Reason>);

#[derive(Debug, PartialEq, Eq)]
enum Reason {
    /// A fault of the fleet file.
    Injected {
        /// The fault in a few words, such as `drop` or `oversize from 9 bytes`.
        fault: Rc<str>,
        /// The effect of the fault, where one is worth a sentence.
        detail: Option<Rc<str>>,
    },
    /// The backend, the network, or the end of the run.
    Backend {
        /// A sentence.
        text: Rc<str>,
        /// The details of one message, which distinguish no kinds of causes.
        detail: Option<Rc<str>>,
    },
    /// The host of this process: it has no free port or file for a connection.
    Host {
        /// A sentence.
        text: Rc<str>,
    },
}

impl Cause {
    fn new(reason: Reason) -> Self {
        Self(Rc::new(reason))
    }

    /// Returns a fault without further detail.
    pub fn injected(fault: impl Into<Rc<str>>) -> Self {
        Self::new(Reason::Injected {
            fault: fault.into(),
            detail: None,
        })
    }

    /// Returns a fault and its effect.
    pub fn injected_with(fault: impl Into<Rc<str>>, detail: impl Into<Rc<str>>) -> Self {
        Self::new(Reason::Injected {
            fault: fault.into(),
            detail: Some(detail.into()),
        })
    }

    /// Returns a cause that is not a fault.
    pub fn backend(text: impl Into<Rc<str>>) -> Self {
        Self::new(Reason::Backend {
            text: text.into(),
            detail: None,
        })
    }

    /// Returns a cause that is not a fault, with details of one message.
    pub(crate) fn backend_with(text: impl Into<Rc<str>>, detail: impl Into<Rc<str>>) -> Self {
        Self::new(Reason::Backend {
            text: text.into(),
            detail: Some(detail.into()),
        })
    }

    /// Returns a limit of the host.
    pub(crate) fn host(text: impl Into<Rc<str>>) -> Self {
        Self::new(Reason::Host { text: text.into() })
    }

    /// Returns this cause after the text of its effect, such as `the outbox was full, since `.
    #[must_use]
    pub fn with_effect(&self, effect: &str) -> Self {
        let text = match &*self.0 {
            Reason::Injected { .. } => format!("{effect}{}", self.seen_by_device()),
            Reason::Backend { .. } | Reason::Host { .. } => format!("{effect}{}", self.kind()),
        };
        match &*self.0 {
            Reason::Injected { fault, .. } => Self::injected_with(Rc::clone(fault), text),
            Reason::Backend { .. } => Self::backend(text),
            Reason::Host { .. } => Self::host(text),
        }
    }

    /// Returns the text as the effect of `fault` if there is one, and as a cause of its
    /// own otherwise.
    pub(crate) fn with_fault(fault: Option<&str>, text: impl Into<Rc<str>>) -> Self {
        match fault {
            Some(fault) => Self::injected_with(fault, text),
            None => Self::backend(text),
        }
    }

    /// Returns whether a fault of the fleet file is the cause.
    #[must_use]
    pub fn is_injected(&self) -> bool {
        matches!(&*self.0, Reason::Injected { .. })
    }

    /// Returns whether a limit of the host is the cause.
    #[must_use]
    pub fn is_by_host(&self) -> bool {
        matches!(&*self.0, Reason::Host { .. })
    }

    /// Returns the fault, if one is the cause.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        match &*self.0 {
            Reason::Injected { fault, .. } => Some(fault),
            Reason::Backend { .. } | Reason::Host { .. } => None,
        }
    }

    /// Returns the cause as a device sees it: a fault looks like its effect.
    #[must_use]
    pub fn seen_by_device(&self) -> Cow<'_, str> {
        match &*self.0 {
            Reason::Injected {
                detail: Some(text), ..
            } => Cow::Borrowed(text),
            Reason::Injected { detail: None, .. }
            | Reason::Backend { .. }
            | Reason::Host { .. } => self.text(),
        }
    }

    /// Returns the text of the column `error`.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &*self.0 {
            Reason::Backend { text, detail: None } | Reason::Host { text } => Cow::Borrowed(text),
            Reason::Injected { .. } | Reason::Backend { .. } => Cow::Owned(self.to_string()),
        }
    }

    /// Returns the text by which causes are counted, without the details of one message.
    #[must_use]
    pub fn kind(&self) -> Cow<'_, str> {
        match &*self.0 {
            Reason::Backend { text, .. } | Reason::Host { text } => Cow::Borrowed(text),
            // The lengths in a fault's label are drawn for each message.
            Reason::Injected { fault, detail } => Cow::Owned(match detail {
                Some(text) => format!("injected fault: {}: {text}", without_numbers(fault)),
                None => format!("injected fault: {}", without_numbers(fault)),
            }),
        }
    }
}

/// Returns a text with one `#` in place of each number.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            other => out.push(other),
        }
    }
    out
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Reason::Injected {
                fault,
                detail: Some(detail),
            } => write!(f, "injected fault: {fault}: {detail}"),
            Reason::Injected {
                fault,
                detail: None,
            } => write!(f, "injected fault: {fault}"),
            Reason::Backend {
                text,
                detail: Some(detail),
            } => write!(f, "{text} ({detail})"),
            Reason::Backend { text, detail: None } | Reason::Host { text } => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_a_label_are_no_kinds_of_their_own() {
        let refused = |label: &str| Cause::injected_with(label, "the server answered 413");
        let (small, large) = (
            refused("oversize from 9 bytes"),
            refused("oversize from 1024 bytes"),
        );
        assert_eq!(small.kind(), large.kind());
        let other = Cause::injected_with("oversize from 9 bytes", "the server answered 400");
        assert_ne!(small.kind(), other.kind());
        assert_eq!(
            small.text(),
            "injected fault: oversize from 9 bytes: the server answered 413"
        );
    }

    #[test]
    fn limit_of_the_host_stays_one_behind_its_effect() {
        let full = Cause::host("no free port").with_effect("the outbox was full, since ");
        assert!(full.is_by_host() && !full.is_injected());
        assert_eq!(full.text(), "the outbox was full, since no free port");
        let full = Cause::backend("it is gone").with_effect("the outbox was full, since ");
        assert!(!full.is_by_host());
    }
}
