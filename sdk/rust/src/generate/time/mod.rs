//! Computes values from the time.

pub(crate) mod curve;
pub(crate) mod interpolation;
pub(crate) mod origin;
pub(crate) mod profile;
pub(crate) mod rfc3339;
pub(crate) mod time_zone;
pub(crate) mod timestamp;
pub(crate) mod wave;
