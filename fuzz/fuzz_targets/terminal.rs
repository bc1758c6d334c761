//! Writes any text to a terminal, to JSON and to a shell.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mockfleet_fuzz::terminal(bytes));
