//! Reads TOML into values that know their places.

pub(crate) mod environment;
pub(crate) mod file_source;
pub(crate) mod node;
pub(crate) mod overrides;
pub(crate) mod parser;
pub(crate) mod problem;
pub(crate) mod redact;
pub(crate) mod suggest;
pub(crate) mod table_reader;
pub(crate) mod template;
pub(crate) mod units;
