//! Resolves and builds the keys of messages.

pub(crate) mod content;
pub(crate) mod decimal;
pub(crate) mod encoding;
pub(crate) mod json;
pub(crate) mod options;
pub(crate) mod parts;
pub(crate) mod resolution;
pub(crate) mod sample;
