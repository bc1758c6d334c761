//! Holds the code of a compiled component.

/// The code of a component, and its cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compiled {
    /// The code, as wasmtime serializes it.
    pub(crate) code: Vec<u8>,
    /// Bytes that the instances of a cell take on the host, beside memories and tables.
    pub(crate) host_memory: u64,
}
