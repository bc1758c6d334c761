//! Forecasts messages, log size and monthly cost of a fleet.
//!
//! `size_sampling` encodes a sample, `file_count` counts files, `hourly` combines both, and
//! [`bill`] multiplies by prices.

pub(crate) mod bill;
pub(crate) mod error;
pub(crate) mod figures;
mod file_count;
pub(crate) mod hourly;
mod size_sampling;
