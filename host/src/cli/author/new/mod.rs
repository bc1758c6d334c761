//! `mockfleet new`: creates a project.

pub(crate) mod command;
mod template_files;
