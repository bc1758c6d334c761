//! Sends envelopes to an MQTT 3.1.1 broker.
//!
//! The packets are rumqttc's codec. Its event loop is not used, for three reasons:
//! - an outcome belongs to its message, also across a reconnect;
//! - a resting connection costs a few hundred bytes instead of tens of KiB;
//! - one write carries everything that is due.
//!
//! `transport` has the connections of a worker, and `connection_task` opens each of them
//! again. `connection` is the state of one connection, and `session_state` its part of the
//! MQTT session. `connect` opens it, `session` writes and reads, and `requeue` keeps the
//! open messages of a lost one.

pub(crate) mod codec;
pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod connection_task;
pub(crate) mod error;
pub(crate) mod link_fault;
pub(crate) mod requeue;
pub(crate) mod session;
pub(crate) mod session_state;
pub(crate) mod target;
pub(crate) mod transport;
