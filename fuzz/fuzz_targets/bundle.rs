//! Opens any bytes as a bundle.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mockfleet_fuzz::bundle(bytes));
