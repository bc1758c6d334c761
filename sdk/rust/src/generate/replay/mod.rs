//! Replays recorded values.

pub(crate) mod columns;
#[cfg(test)]
mod grammar_tests;
pub(crate) mod options;
pub(crate) mod playback;
pub(crate) mod scan;
pub(crate) mod spec;
#[cfg(test)]
mod tests;
pub(crate) mod timestamps_column;
