//! Sends envelopes to a target and reports their outcomes.
//!
//! Internal to mockfleet: the crate has no stable API.
//!
//! | room | content |
//! |---|---|
//! | `transport` | [`Transport`], the interface of all targets |
//! | `envelope`, `event`, `cause` | [`Envelope`] goes in; [`TransportEvent`] comes out, with a [`Cause`] |
//! | `inbox` | [`EventInbox`], the queue of the events of one worker |
//! | `mqtt`, `http`, `null` | the three transports |
//! | `connect` | back-off, limits of new connections, and TLS |
//! | `flow` | the memory of messages on their way: [`MemoryBudget`] |
//! | `device`, `routes` | the names of devices and channels |
//!
//! ```text
//! Envelope -> Transport::submit -> flush -> mqtt | http | null -> EventInbox -> TransportEvent
//! ```
//!
//! A transport belongs to one worker and runs inside its runtime, so no state here is
//! shared between threads. Every submitted envelope returns in exactly one
//! [`TransportEvent::Completed`].

mod cause;
mod connect;
mod device;
mod envelope;
mod event;
mod flow;
mod http;
mod inbox;
mod mqtt;
mod null;
mod routes;
mod transport;

#[cfg(test)]
mod tests;

pub use cause::Cause;
pub use connect::first_connections::OpeningProgress;
pub use connect::tls::TlsError;
pub use device::{DeviceInfo, RunNames};
pub use envelope::{DeviceIndex, Envelope, Outcome, TopicOverride};
pub use event::{Completion, Downlink, TransportEvent};
pub use flow::backlog::HeldBytes;
pub use flow::memory_budget::{Account, MemoryBudget};
pub use http::target::HttpTarget;
pub use http::transport::HttpTransport;
pub use inbox::EventInbox;
pub use mqtt::target::MqttTarget;
pub use mqtt::transport::MqttTransport;
pub use null::NullTransport;
pub use routes::Routes;
pub use transport::{Cut, LinkAction, Transport};
