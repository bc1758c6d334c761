//! Reports outcomes, connection changes and downlink messages.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;

use crate::cause::Cause;
use crate::envelope::{DeviceIndex, Envelope, Outcome};
use crate::flow::backlog::HeldBytes;

/// The outcome of one envelope.
#[derive(Debug)]
pub struct Completion {
    /// The envelope, with its payload. It is in a box: a message moves a dozen times on its way.
    pub envelope: Box<Envelope>,
    /// The final state.
    pub outcome: Outcome,
    /// The HTTP status.
    pub code: Option<u16>,
    /// The cause of a failure.
    pub error: Option<Cause>,
    /// The time at which the kernel took its last byte.
    pub sent_at: Option<Instant>,
    /// The time of the acknowledgement.
    pub acked_at: Option<Instant>,
}

impl Completion {
    /// Completes an envelope that is not sent, or not sent again.
    #[must_use]
    pub fn unsent(envelope: Box<Envelope>, outcome: Outcome, cause: Cause) -> Self {
        Self {
            envelope,
            outcome,
            code: None,
            error: Some(cause),
            sent_at: None,
            acked_at: None,
        }
    }
}

/// A message from the backend.
#[derive(Debug)]
pub struct Downlink {
    /// The channel of the target's `downlink` (MQTT), or the channel of the request (HTTP).
    pub channel: Rc<str>,
    /// The bytes.
    pub payload: Bytes,
    /// The media type, if the protocol has one.
    pub content_type: Option<String>,
    /// The HTTP status.
    pub code: Option<u16>,
    /// Counts the message until its device has received it.
    pub held: HeldBytes,
}

/// An event that a transport reports.
#[derive(Debug)]
pub enum TransportEvent {
    /// An envelope has its outcome.
    Completed(Completion),
    /// A device's connection is open.
    Connected(DeviceIndex),
    /// A device's connection is open again, after the backend or the network ended it.
    Reconnected(DeviceIndex),
    /// A device's connection is lost or closed.
    Disconnected(DeviceIndex, Cause),
    /// The backend refused a subscription of a device, with the filter and the reason.
    Refused(DeviceIndex, Rc<str>),
    /// The backend sent a message to a device.
    Received(DeviceIndex, Box<Downlink>),
    /// The backend sent a message to a device that is larger than allowed. The device does not
    /// receive it.
    Oversize {
        /// The device.
        device: DeviceIndex,
        /// The channel of the target's `downlink`.
        channel: Rc<str>,
        /// Bytes of the payload.
        size: usize,
        /// Counts the event until it is handled.
        held: HeldBytes,
    },
    /// So many messages of QoS 0 were written to a connection that is closed now, and nothing
    /// shows that the backend has read them.
    Unproven(u64),
    /// A problem to show to the user once, however often it occurs.
    Warning {
        /// The text by which such problems are counted.
        kind: String,
        /// The text that is shown. It may have details of the first one.
        text: String,
        /// The number of times that it occurred in a row.
        times: u64,
    },
}
