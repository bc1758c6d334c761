//! Compares the crate's copy of the contract with the contract itself.

#[test]
fn the_bindings_are_made_from_the_contract() {
    assert_eq!(
        include_str!("../src/wit_export/device.wit"),
        include_str!("../../../wit/device.wit"),
        "copy wit/device.wit to sdk/rust/src/wit_export/device.wit"
    );
}
