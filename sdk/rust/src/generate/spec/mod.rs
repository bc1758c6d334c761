//! Lists the kinds of generators and combines them.
//!
//! `kinds`, `composite` and `sensor_fault` refer to one another, since a specification may
//! contain specifications. They are one module in three files.

pub(crate) mod composite;
pub(crate) mod fault;
pub(crate) mod kinds;
pub(crate) mod sensor_fault;
