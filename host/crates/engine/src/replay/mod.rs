//! Sends a recorded log again.
//!
//! No device is called: due messages are read from a recording. Rows, counts, transports and
//! the clock are those of every run.
//!
//! ```text
//! table ─row─▶ recording (sorted, on disk) ─due─▶ transport ─outcome─▶ send log
//! ```

mod mapping;
mod options;
mod prepared;
mod recorded_method;
mod recording;
mod recording_source;
mod sorter;
#[cfg(test)]
mod tests;
mod unfit_devices;
mod unfit_methods;
mod unfit_topics;

pub use self::mapping::Mapping;
pub use self::options::{RecordedTopics, RecordingOptions, ReplayOptions, Speed};
pub use self::prepared::{Prepared, prepare};
pub use self::recording::Recording;
