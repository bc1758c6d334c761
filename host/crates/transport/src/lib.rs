//! Transports: envelopes go in without waiting, reports come out later. Knows
//! targets and addresses; nothing of plugins, schedules and logs.
//!
//! A transport lives on one worker, inside that worker's runtime: [`Transport::flush`]
//! and the tasks behind it run there, so nothing in here is shared between threads.
//! Every submitted envelope comes back in exactly one [`Report::Settled`].

mod backoff;
mod http;
mod inbox;
mod mqtt;
mod nowhere;
mod pace;
mod route;
mod tls;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use http::{HttpTarget, Server};
pub use inbox::Inbox;
pub use mqtt::{Broker, BrokerTarget};
pub use nowhere::Nowhere;
pub use route::Routes;
pub use tls::TlsError;

/// A device, numbered by its worker.
pub type Slot = u32;

/// One message on its way to the backend.
#[derive(Debug)]
pub struct Envelope {
    /// The device that sends it.
    pub slot: Slot,
    /// Index of the channel among those of the target, in the order of their names.
    pub route: u16,
    /// The message's number among all messages of this device, from zero.
    pub seq: u64,
    /// Zero for the message itself; counts what a fault sends of it again.
    pub copy: u8,
    /// How often it has been tried; zero until its first try.
    pub attempt: u32,
    /// When the tick that made it was due, microseconds into the run.
    pub due: u64,
    /// The bytes on the wire.
    pub payload: Bytes,
    /// The media type; HTTP sends it, MQTT 3.1.1 has no place for it.
    pub content_type: Option<String>,
    /// HTTP headers; MQTT 3.1.1 has no place for them.
    pub properties: Vec<(String, String)>,
    /// What the device last reported about itself.
    pub status: Option<Rc<str>>,
    /// Where it goes instead of where its channel leads: an MQTT topic, or an HTTP path.
    pub topic: Option<Rc<str>>,
    /// The injected fault that touched it.
    pub fault: Option<Rc<str>>,
}

/// What became of an envelope; the words of the log's column `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The backend confirmed it.
    Acked,
    /// It is on the wire, and the protocol confirms nothing.
    Sent,
    /// Refused, timed out, or lost with the connection.
    Failed,
    /// It never left the host.
    Dropped,
    /// On the wire and unanswered when the run ended.
    Unconfirmed,
    /// Written to the log, and meant for nobody: nothing was opened to its target.
    Written,
}

/// An envelope at its end.
#[derive(Debug)]
pub struct Settled {
    /// The envelope, payload included.
    pub envelope: Envelope,
    /// What became of it.
    pub outcome: Outcome,
    /// HTTP status.
    pub code: Option<u16>,
    /// The cause, in words; absent when all went well.
    pub error: Option<Rc<str>>,
    /// When its last byte was handed to the kernel.
    pub sent_at: Option<Instant>,
    /// When the confirmation came.
    pub acked_at: Option<Instant>,
}

/// What a transport has to say.
#[derive(Debug)]
pub enum Report {
    /// An envelope came to its end.
    Settled(Settled),
    /// A device's connection is up.
    Up(Slot),
    /// A device's connection is lost or closed.
    Down(Slot, Rc<str>),
    /// The backend sent a device a message.
    Received {
        /// Whom.
        slot: Slot,
        /// On which channel of the target's `downlink` (MQTT), or in answer to a
        /// message of which channel (HTTP).
        channel: Rc<str>,
        /// The bytes.
        payload: Bytes,
        /// The media type, where the protocol has one.
        content_type: Option<String>,
    },
    /// Something the user should know, once, however often it happens.
    Trouble(String),
}

/// Who a device is, for templates and subscriptions.
#[derive(Debug, Clone)]
pub struct Member {
    /// The device's id.
    pub device: Arc<str>,
    /// Its group's name.
    pub group: Arc<str>,
    /// Its place in the group.
    pub index: u32,
    /// Whether its behaviour wants what the backend sends.
    pub listens: bool,
}

/// What is the same for every device of a run.
#[derive(Debug, Clone)]
pub struct RunNames {
    /// The fleet's name.
    pub fleet: Arc<str>,
    /// The run's id.
    pub run: Arc<str>,
}

impl RunNames {
    /// The names a template of this member can refer to.
    fn of<'a>(
        &'a self,
        member: &'a Member,
        connection: u32,
    ) -> mockfleet_config::PlaceholderValues<'a> {
        mockfleet_config::PlaceholderValues {
            fleet: &self.fleet,
            run: &self.run,
            group: &member.group,
            device: &member.device,
            index: member.index,
            connection,
        }
    }
}

/// How the reason begins where an injected fault is the cause, so that it is never
/// mistaken for one of the backend.
pub const INJECTED: &str = "injected fault: ";

/// How an injected fault takes a connection away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is closed properly.
    Closed,
    /// It is dropped without a goodbye.
    Lost,
    /// It stays, and nothing goes over it any more.
    HalfOpen,
}

/// What a device does with its connection, or what is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAction {
    /// Close it properly and open it again at once.
    Reconnect,
    /// Drop it without a goodbye and come back after this long.
    Vanish(Duration),
    /// An injected fault takes it away at once, until it is restored.
    Cut {
        /// How.
        how: Cut,
        /// The fault's kind, for reasons.
        fault: &'static str,
    },
    /// What was cut may come back: in its turn (connect rate), or in a rush.
    Restore {
        /// Past the connect rate.
        rush: bool,
    },
    /// At most so many bytes a second go out; `None` is as many as fit.
    Slow(Option<u64>),
}

/// A worker's end of a target. All methods run on the worker's thread; `flush` and
/// `close` inside its runtime.
pub trait Transport {
    /// A device is switched on: its connection is opened.
    fn join(&mut self, slot: Slot, member: Member);

    /// Takes an envelope, without waiting. It leaves with the next `flush`.
    fn submit(&mut self, envelope: Envelope);

    /// Sets what was submitted in motion.
    fn flush(&mut self);

    /// A device plays with its connection, once its messages are on their way.
    fn act(&mut self, slot: Slot, action: LinkAction);

    /// A device is gone for good: its own connection closes when its last message
    /// is settled.
    fn leave(&mut self, slot: Slot);

    /// Nothing leaves any more that is not on its way yet: what waits is dropped, for
    /// this reason.
    fn drop_waiting(&mut self, why: &str);

    /// Says goodbye on every connection and settles what is still open.
    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}
