//! Reads a contract and finds its world.

use wit_bindgen_core::wit_parser::{Resolve, WorldId};

/// The world that a plugin implements.
const WORLD: &str = "plugin";

/// Parses a contract.
///
/// # Errors
/// The text is no WIT, or has no world `plugin`.
pub(crate) fn parse(text: &str) -> Result<(Resolve, WorldId), String> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("device.wit", text)
        .map_err(|error| format!("the contract cannot be read: {error:#}"))?;
    let world = resolve
        .select_world(&[package], Some(WORLD))
        .map_err(|error| format!("the contract has no world `{WORLD}`: {error:#}"))?;
    Ok((resolve, world))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_contract_is_refused_in_words() {
        let said = parse("world plugin {").unwrap_err();
        assert!(said.starts_with("the contract cannot be read: "), "{said}");
        let said = parse("package a:b; world other {}").unwrap_err();
        assert!(
            said.starts_with("the contract has no world `plugin`: "),
            "{said}"
        );
    }
}
