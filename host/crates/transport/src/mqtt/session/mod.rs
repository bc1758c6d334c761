//! Runs an open connection.
//!
//! `write` encodes and writes, and `receive` reads. `start` completes the session's start,
//! `resend` sends the messages of earlier connections, `doubt` has a ping behind messages that
//! may end the connection, and `proof` shows at the end that the broker has read all.

pub(crate) mod doubt;
pub(crate) mod packet_buffer;
pub(crate) mod proof;
pub(crate) mod receive;
pub(crate) mod resend;
pub(crate) mod start;
pub(crate) mod write;
