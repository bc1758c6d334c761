//! Makes a component of a core module.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::contract;

/// Returns the component of a module that implements the world `plugin` of a contract.
///
/// # Errors
/// A sentence about the contract or the module.
pub fn of_module(contract: &str, mut module: Vec<u8>) -> Result<Vec<u8>, String> {
    let (resolve, world) = contract::parse(contract)?;
    let refused = |error: &dyn std::fmt::Display| format!("{error:#}");
    if !has_component_type(&module) {
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .map_err(|error| refused(&error))?;
    }
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| {
            let adapter = WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
            encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)
        })
        .and_then(ComponentEncoder::encode)
        .map_err(|error| refused(&error))
}

/// Returns whether a module has the types of a world already, which some bindings add.
fn has_component_type(module: &[u8]) -> bool {
    const SECTION: &[u8] = b"component-type:";
    module.windows(SECTION.len()).any(|bytes| bytes == SECTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = "package a:b; world plugin { export answer: func() -> u32; }";

    /// A module with a memory and one function without parameters that returns 42.
    fn module(export: &str) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend(b"\x01\x05\x01\x60\0\x01\x7f");
        bytes.extend(b"\x03\x02\x01\0");
        bytes.extend(b"\x05\x03\x01\0\x01");
        let name = export.as_bytes();
        let length = u8::try_from(name.len()).unwrap();
        bytes.extend([7, 13 + length, 2, length]);
        bytes.extend(name);
        bytes.extend(b"\0\0\x06memory\x02\0");
        bytes.extend(b"\x0a\x06\x01\x04\0\x41\x2a\x0b");
        bytes
    }

    #[test]
    fn module_with_the_exports_of_its_contract_is_a_component() {
        let component = of_module(CONTRACT, module("answer")).unwrap();
        assert_eq!(&component[..8], b"\0asm\x0d\0\x01\0");
    }

    #[test]
    fn module_that_lacks_an_export_is_refused_with_its_name() {
        let said = of_module(CONTRACT, module("answre")).unwrap_err();
        assert!(said.contains("answer"), "{said}");
    }

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        assert!(of_module(CONTRACT, b"\0asm\x01\0\0\0\x7f".to_vec()).is_err());
        assert!(of_module(CONTRACT, Vec::new()).is_err());
    }
}
