//! Tests whole fleet files, and the reference of their keys.

pub(crate) mod key_tables;
pub(crate) mod support;

mod fleet_file;
mod reference;
mod stages;
