//! Sends to a broker that responds with any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mockfleet_fuzz::mqtt(bytes));
