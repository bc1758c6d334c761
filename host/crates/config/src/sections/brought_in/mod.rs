//! Checks what placeholders bring into topics, paths and client ids.

pub(crate) mod client_ids;
#[cfg(test)]
mod tests;
pub(crate) mod values;
