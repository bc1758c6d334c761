//! Reads any text as a fleet file and as prices.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mockfleet_fuzz::fleet(bytes));
