//! Sends envelopes to an HTTP/1.1 server.
//!
//! `transport` has a queue for each device. The requests of one device are sent one after
//! the other, and those of several devices at the same time. `request` sends one request.
//! `open` opens connections, `connections` has the idle ones, and `wire` tells which requests the server never
//! read.

pub(crate) mod connections;
pub(crate) mod device_queue;
pub(crate) mod error;
pub(crate) mod open;
pub(crate) mod request;
pub(crate) mod target;
#[cfg(test)]
mod tests;
pub(crate) mod transport;
pub(crate) mod wire;
