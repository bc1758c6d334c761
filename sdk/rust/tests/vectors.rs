//! The values that ports of the generators are held to.
#![allow(clippy::expect_used, reason = "what cannot be made may panic")]

#[path = "../examples/vectors/cases.rs"]
mod cases;

#[test]
fn the_generators_give_the_values_of_the_test_vectors() {
    let found = cases::vectors();
    let expected = include_str!("../../vectors.json");
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(
            found, expected,
            "if this is meant: cargo run -p mockfleet-sdk --features generate --example vectors > sdk/vectors.json"
        );
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}
