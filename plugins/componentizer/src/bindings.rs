//! Generates the bindings of a contract in C.

use wit_bindgen_c::Opts;
use wit_bindgen_core::Files;

use crate::contract;

/// Returns the header and the source, by their names.
///
/// # Errors
/// A sentence about the contract.
pub fn in_c(contract: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let (mut resolve, world) = contract::parse(contract)?;
    let options = Opts {
        // The component gets the types of the contract when it is made.
        no_object_file: true,
        ..Opts::default()
    };
    let mut files = Files::default();
    options
        .build()
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| format!("the bindings of the contract cannot be made: {error:#}"))?;
    Ok(files
        .iter()
        .map(|(name, content)| (name.to_owned(), content.to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_a_header_and_a_source() {
        let files = in_c(include_str!("../../../wit/device.wit")).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["plugin.c", "plugin.h"]);
        let header = String::from_utf8_lossy(&files[1].1);
        assert!(
            header.contains("exports_mockfleet_device_behaviour_describe("),
            "{header}"
        );
    }
}
