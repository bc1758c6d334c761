//! Lists the kinds of generators and combines them.

pub(crate) mod composite;
pub(crate) mod fault;
mod from_json;
pub(crate) mod kinds;
pub(crate) mod sensor_fault;
