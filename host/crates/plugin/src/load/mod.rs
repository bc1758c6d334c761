//! Loads plugins: reads, checks and describes them.

pub(crate) mod compile_component;
pub(crate) mod componentizer;
pub(crate) mod load_error;
pub(crate) mod plugin_loader;
pub(crate) mod probe;
