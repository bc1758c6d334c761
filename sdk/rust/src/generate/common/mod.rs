//! Defines the types that all generators share.

pub(crate) mod context;
pub(crate) mod decimal;
pub(crate) mod known_parts;
pub(crate) mod number;
pub(crate) mod part_path;
pub(crate) mod problems;
pub(crate) mod span;
pub(crate) mod value;
