//! Defines the types that all generators share.

pub(crate) mod context;
pub(crate) mod number;
pub(crate) mod problems;
pub(crate) mod span;
pub(crate) mod value;
