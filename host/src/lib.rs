//! mockfleet
pub mod plugin;
