//! Defines the description that a behaviour gives of itself.

use std::borrow::Cow;

/// The description of a behaviour: its name, its channels and statuses, and the kinds of
/// events that it receives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct About {
    pub(crate) name: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) summary: Cow<'static, str>,
    pub(crate) channels: Vec<Cow<'static, str>>,
    pub(crate) statuses: Vec<Cow<'static, str>>,
    pub(crate) link: bool,
    pub(crate) downlink: bool,
    pub(crate) receipts: bool,
    pub(crate) start: bool,
}

impl About {
    /// A description with this name and version, which the send log records. Usually
    /// written [`about!()`](crate::about!), which takes both from `Cargo.toml`.
    pub fn new(name: impl Into<Cow<'static, str>>, version: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: Cow::Borrowed(""),
            channels: Vec::new(),
            statuses: Vec::new(),
            link: false,
            downlink: false,
            receipts: false,
            start: false,
        }
    }

    /// Describes the device in one sentence.
    pub fn summary(mut self, sentence: impl Into<Cow<'static, str>>) -> Self {
        self.summary = sentence.into();
        self
    }

    /// Names a channel that the device may send on. The fleet file must map each of them. A
    /// behaviour whose settings name its channels names none here, and checks them against
    /// [`group::channels`](crate::group::channels) in `create`.
    pub fn channel(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.channels.push(name.into());
        self
    }

    /// Names a status that the device may report. With none, its settings name them.
    pub fn status(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.statuses.push(name.into());
        self
    }

    /// Subscribes to [`Event::Connected`](crate::Event::Connected) and
    /// [`Event::Disconnected`](crate::Event::Disconnected).
    pub fn link(mut self) -> Self {
        self.link = true;
        self
    }

    /// Subscribes to [`Event::Received`](crate::Event::Received).
    pub fn downlink(mut self) -> Self {
        self.downlink = true;
        self
    }

    /// Subscribes to [`Event::Settled`](crate::Event::Settled), for each of its messages.
    pub fn receipts(mut self) -> Self {
        self.receipts = true;
        self
    }

    /// Requests the call of [`Behaviour::start`](crate::Behaviour::start).
    pub fn start(mut self) -> Self {
        self.start = true;
        self
    }
}
