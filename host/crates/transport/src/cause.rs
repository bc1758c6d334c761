//! Tells failures of an injected fault from failures of the backend.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// The reason why a message did not get through, or why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
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
}

impl Cause {
    /// Returns a fault without further detail.
    pub fn injected(fault: impl Into<Rc<str>>) -> Self {
        Self::Injected {
            fault: fault.into(),
            detail: None,
        }
    }

    /// Returns a fault and its effect.
    pub fn injected_with(fault: impl Into<Rc<str>>, detail: impl Into<Rc<str>>) -> Self {
        Self::Injected {
            fault: fault.into(),
            detail: Some(detail.into()),
        }
    }

    /// Returns a cause that is not a fault.
    pub fn backend(text: impl Into<Rc<str>>) -> Self {
        Self::Backend {
            text: text.into(),
            detail: None,
        }
    }

    /// Returns a cause that is not a fault, with details of one message.
    pub(crate) fn backend_with(text: impl Into<Rc<str>>, detail: impl Into<Rc<str>>) -> Self {
        Self::Backend {
            text: text.into(),
            detail: Some(detail.into()),
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
        matches!(self, Self::Injected { .. })
    }

    /// Returns the fault, if one is the cause.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        match self {
            Self::Injected { fault, .. } => Some(fault),
            Self::Backend { .. } => None,
        }
    }

    /// Returns the cause as a device sees it: a fault looks like its effect.
    #[must_use]
    pub fn seen_by_device(&self) -> Cow<'_, str> {
        match self {
            Self::Injected {
                detail: Some(text), ..
            } => Cow::Borrowed(text),
            Self::Injected { detail: None, .. } | Self::Backend { .. } => self.text(),
        }
    }

    /// Returns the text of the column `error`.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Backend { text, detail: None } => Cow::Borrowed(text),
            Self::Injected { .. } | Self::Backend { .. } => Cow::Owned(self.to_string()),
        }
    }

    /// Returns the text by which causes are counted, without the details of one message.
    #[must_use]
    pub fn kind(&self) -> Cow<'_, str> {
        match self {
            Self::Backend { text, .. } => Cow::Borrowed(text),
            Self::Injected { .. } => self.text(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Injected {
                fault,
                detail: Some(detail),
            } => write!(f, "injected fault: {fault}: {detail}"),
            Self::Injected {
                fault,
                detail: None,
            } => write!(f, "injected fault: {fault}"),
            Self::Backend {
                text,
                detail: Some(detail),
            } => write!(f, "{text} ({detail})"),
            Self::Backend { text, detail: None } => f.write_str(text),
        }
    }
}
