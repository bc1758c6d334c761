//! Reads any bytes as a Parquet file of a log, and as metadata of a run.
#![no_main]

use libfuzzer_sys::fuzz_target;

// A panic of the Parquet decoder is caught by the reader: only one that is not caught is a finding.
fuzz_target!(
    init: drop(std::panic::take_hook()),
    |bytes: &[u8]| mockfleet_fuzz::footer(bytes)
);
