//! Reads the rows of both sides into buckets.

pub(crate) mod buckets;
pub(crate) mod received;
pub(crate) mod sent;
