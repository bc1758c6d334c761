//! Defines the formats of records, rows, files and names.

pub(crate) mod ddl;
pub(crate) mod file_name;
pub(crate) mod frame;
pub(crate) mod identity;
pub(crate) mod location;
pub(crate) mod record;
pub(crate) mod run_catalog;
pub(crate) mod schema;
