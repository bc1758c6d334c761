//! Compiles payloads and writes them.

mod binary;
mod csv;
mod foreign;
mod json;
mod payload_format;
mod template;
mod template_context;
#[cfg(test)]
mod tests;

pub(crate) use payload_format::Payload;
pub(crate) use template::Template;
pub(crate) use template_context::{NameResolver, TemplateContext};
