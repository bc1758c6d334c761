//! Draws values at random.

pub(crate) mod arrival;
pub(crate) mod bucket;
pub(crate) mod distributions;
pub(crate) mod markov;
pub(crate) mod walk;
