//! Runs an open connection.
//!
//! `write` encodes and writes, and `receive` reads. `start` completes the session's start,
//! and `resend` sends the messages of earlier connections.

pub(crate) mod packet_buffer;
pub(crate) mod receive;
pub(crate) mod resend;
pub(crate) mod start;
pub(crate) mod write;
