//! Keeps the link faults of one connection.

use std::fmt;
use std::rc::Rc;

use crate::cause::Cause;
use crate::connect::stream::Stream;
use crate::transport::{Cut, LinkAction};

/// The link faults of one connection; most connections have none, and no memory for them.
#[derive(Debug, Default)]
pub(crate) struct LinkFaultState(Option<Box<LinkFault>>);

#[derive(Default)]
struct LinkFault {
    /// The current cut.
    cut: Option<Cut>,
    /// The fault of the last cut, until the connection is open again. It is the cause of
    /// all failures in between.
    fault: Option<&'static str>,
    /// How the device detected that the connection is half open.
    detection: Option<Rc<str>>,
    /// Whether the next connection is opened without the connect limiter.
    bypass_limiter: bool,
    /// The bytes a second that may be sent.
    bandwidth: Option<u64>,
    /// A half-open connection that the device has closed, and the broker has not.
    stale: Option<Stream>,
}

impl fmt::Debug for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinkFault").field(&self.cut).finish()
    }
}

impl LinkFaultState {
    /// Applies a step of a link fault. Returns false for an action of the device.
    pub(crate) fn apply(&mut self, action: LinkAction) -> bool {
        match action {
            LinkAction::Cut { how, fault } => {
                let state = self.0.get_or_insert_default();
                state.cut = Some(how);
                state.fault = Some(fault);
                state.bypass_limiter = false;
            }
            LinkAction::Restore { bypass_limiter } => {
                if let Some(state) = &mut self.0 {
                    state.cut = None;
                    state.bypass_limiter = bypass_limiter;
                }
            }
            LinkAction::LimitBandwidth(bandwidth) => {
                if bandwidth.is_some() || self.0.is_some() {
                    self.0.get_or_insert_default().bandwidth = bandwidth;
                }
            }
            LinkAction::Reconnect | LinkAction::Vanish(_) => return false,
        }
        true
    }

    /// Returns whether the connection has had a link fault.
    #[inline]
    pub(crate) fn is_used(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the current cut.
    pub(crate) fn cut(&self) -> Option<Cut> {
        self.0.as_ref()?.cut
    }

    /// Returns the bytes a second that may be sent.
    pub(crate) fn bandwidth(&self) -> Option<u64> {
        self.0.as_ref()?.bandwidth
    }

    /// Returns the fault that is the cause of failures now.
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.0.as_ref()?.fault
    }

    /// Returns once whether the next connection is opened without the connect limiter.
    pub(crate) fn take_limiter_bypass(&mut self) -> bool {
        let state = self.0.as_mut();
        state.is_some_and(|state| std::mem::take(&mut state.bypass_limiter))
    }

    /// Stores how the device detected that the connection is half open.
    pub(crate) fn set_detection(&mut self, why: Rc<str>) {
        if let Some(state) = &mut self.0 {
            state.detection = Some(why);
        }
    }

    /// Keeps a half-open connection until the next one is open.
    pub(crate) fn keep_stale(&mut self, stream: Stream) {
        if let Some(state) = &mut self.0 {
            state.stale = Some(stream);
        }
    }

    /// Clears the faults that end when the connection is open again.
    pub(crate) fn clear(&mut self) {
        if let Some(state) = &mut self.0 {
            state.fault = None;
            state.detection = None;
            state.bypass_limiter = false;
            state.stale = None;
        }
    }

    /// Returns the cause of the end of a cut connection.
    pub(crate) fn cut_cause(&self) -> Cause {
        let detection = self.0.as_ref().and_then(|state| state.detection.clone());
        let text = match detection {
            Some(detection) => detection,
            None if self.cut() == Some(Cut::Closed) => "closed by the device".into(),
            None => "the connection was lost".into(),
        };
        self.cause(text)
    }

    /// Returns the cause of a failure: the fault, if there is one.
    pub(crate) fn cause(&self, text: impl Into<Rc<str>>) -> Cause {
        Cause::with_fault(self.name(), text)
    }
}
