//! Prints and stores figures: a report has cases, and a case has rounds.

pub(crate) mod bench;
pub(crate) mod case;
mod machine;
