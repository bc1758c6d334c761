//! Summarizes a finished run for people, machines and CI servers.

pub(crate) mod answers;
pub(crate) mod json;
pub(crate) mod log_totals;
pub(crate) mod run_summary;
pub(crate) mod text;

pub use log_totals::LogTotals;
pub use run_summary::{Summary, Verdict};
