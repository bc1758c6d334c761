//! Parts that several commands share.

pub(crate) mod engine;
pub(crate) mod exit;
pub(crate) mod file_watch;
pub(crate) mod fleet_run;
pub(crate) mod input;
pub(crate) mod log_location;
pub(crate) mod overrides;
pub(crate) mod plugin_input;
pub(crate) mod project_build;
pub(crate) mod recovery;
pub(crate) mod run_metadata;
