//! Checks what placeholders bring into topics, paths and client ids.

pub(crate) mod client_ids;
pub(crate) mod destination;
pub(crate) mod places;
#[cfg(test)]
mod tests;
pub(crate) mod values;
