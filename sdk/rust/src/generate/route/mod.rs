//! Moves a device along a route.

pub(crate) mod motion;
pub(crate) mod spec;
#[cfg(test)]
mod tests;
pub(crate) mod track;
#[cfg(feature = "files")]
pub(crate) mod track_file;
