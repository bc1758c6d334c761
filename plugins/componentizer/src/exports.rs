//! Exports the functions of `wit/componentizer.wit`.

use crate::{bindings, component};

wit_bindgen::generate!({
    path: "wit",
    world: "componentizer",
});

struct Componentizer;

impl Guest for Componentizer {
    fn c_bindings(contract: String) -> Result<Vec<(String, Vec<u8>)>, String> {
        bindings::in_c(&contract)
    }

    fn componentize(contract: String, module: Vec<u8>) -> Result<Vec<u8>, String> {
        component::of_module(&contract, module)
    }
}

export!(Componentizer);
