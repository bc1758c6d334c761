//! Builds the plugin of a project.

pub(crate) mod build;
mod core_module;
mod toolchain;
