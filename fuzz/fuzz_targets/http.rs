//! Sends to a server that answers with any bytes: each message has one outcome.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mockfleet_fuzz::line::exchange;

fuzz_target!(|bytes: &[u8]| exchange("http", bytes));
