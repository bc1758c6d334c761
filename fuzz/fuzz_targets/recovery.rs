//! Completes the spool of a log with any files.
#![no_main]

use libfuzzer_sys::fuzz_target;

// A panic of the Parquet decoder is caught by the reader: only one that is not caught is a finding.
fuzz_target!(
    init: drop(std::panic::take_hook()),
    |bytes: &[u8]| mockfleet_fuzz::recovery(bytes)
);
