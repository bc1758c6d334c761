//! Defines the interface of all transports.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::cause::Cause;
use crate::connect::first_connections::OpeningProgress;
use crate::device::DeviceInfo;
use crate::envelope::{DeviceIndex, Envelope};

/// The effect of an injected fault on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The device closes it with DISCONNECT.
    Closed,
    /// It is lost without DISCONNECT.
    Lost,
    /// It stays open and transfers no byte.
    HalfOpen,
}

/// A device's connection action, or a step of a link fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAction {
    /// Closes the connection with DISCONNECT and opens it again at once.
    Reconnect,
    /// Drops the connection without DISCONNECT and opens it again after this time.
    Vanish(Duration),
    /// Cuts the connection at once, until it is restored.
    Cut {
        /// The effect.
        how: Cut,
        /// The kind of the fault, for causes.
        fault: &'static str,
    },
    /// Ends a cut: the connection may be opened again.
    Restore {
        /// Whether it is opened without the connect limiter.
        bypass_limiter: bool,
    },
    /// Limits the bytes a second that are sent; `None` removes the limit.
    LimitBandwidth(Option<u64>),
}

/// One worker's access to a target. All methods run on the worker's thread; `flush` and
/// `close` run inside its runtime.
pub trait Transport {
    /// Adds a device that is switched on, and opens its connection.
    fn join(&mut self, device: DeviceIndex, info: DeviceInfo);

    /// Returns whether devices have connections that are reported as up and down.
    fn has_connections(&self) -> bool {
        false
    }

    /// Returns the progress of opening the connections of the devices so far.
    fn opening_progress(&self) -> OpeningProgress {
        OpeningProgress {
            is_over: true,
            ..OpeningProgress::default()
        }
    }

    /// Returns the reason for which open messages of a device wait.
    fn wait_cause(&self, device: DeviceIndex) -> Cause;

    /// Takes an envelope without waiting. The next `flush` sends it.
    fn submit(&mut self, envelope: Box<Envelope>);

    /// Starts to send the submitted envelopes.
    fn flush(&mut self);

    /// Performs an action on a device's connection, after its queued messages are sent.
    fn apply_link_action(&mut self, device: DeviceIndex, action: LinkAction);

    /// Removes a retired device: its own connection closes after its last message.
    fn leave(&mut self, device: DeviceIndex);

    /// Drops all envelopes that are not sent yet, with this reason.
    fn drop_queued(&mut self, why: &str);

    /// Closes all connections and completes all open envelopes.
    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}
