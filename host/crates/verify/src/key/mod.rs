//! Resolves and builds the keys of messages.

pub(crate) mod parts;
pub(crate) mod resolution;
