//! Shows any text as a part of a run.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mockfleet_fuzz::report(bytes));
