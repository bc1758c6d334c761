//! Replays recorded values.

pub(crate) mod options;
pub(crate) mod playback;
pub(crate) mod spec;
#[cfg(test)]
mod tests;
pub(crate) mod timestamps_column;
