//! Prints the test vectors that ports of the generators to other languages are held to:
//! specifications, and the first values that they give.
//!
//! cargo run -p mockfleet-sdk --features generate --example vectors > sdk/vectors.json
#![allow(clippy::expect_used, reason = "what cannot be made may panic")]

mod cases;

fn main() {
    print!("{}", cases::vectors());
}
