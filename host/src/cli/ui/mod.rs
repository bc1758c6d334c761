//! Output: results, progress, and the output of guests.

pub(crate) mod compile_progress;
pub(crate) mod guest_output;
pub(crate) mod log_events;
pub(crate) mod out;
pub(crate) mod progress_bar;
pub(crate) mod progress_view;
