//! A server that answers with any bytes: nothing panics, and each message has one end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mockfleet_fuzz::line::talk;

fuzz_target!(|said: &[u8]| talk("http", said));
