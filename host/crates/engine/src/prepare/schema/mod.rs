//! Validates values against JSON Schemas, with a bound for the work.

pub(crate) mod counted_schema;
pub(crate) mod json_schema;
pub(crate) mod schema_budget;
