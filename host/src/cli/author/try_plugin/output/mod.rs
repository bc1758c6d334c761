//! Output of tried devices: messages, plots, results of schemas.

pub(crate) mod findings;
pub(crate) mod json_path;
pub(crate) mod messages;
pub(crate) mod payload_schemas;
pub(crate) mod plots;
