//! Makes values from constants, from other fields and from the device's state.

pub(crate) mod constant;
pub(crate) mod id;
#[cfg(feature = "templates")]
pub(crate) mod language;
#[cfg(feature = "templates")]
pub(crate) mod operand;
#[cfg(feature = "templates")]
pub(crate) mod operations;
#[cfg(feature = "templates")]
pub(crate) mod template;
