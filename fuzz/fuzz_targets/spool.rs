//! Recovers damaged spools: recovery returns the rows before the damage, and no others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mockfleet_sendlog::corruption_model::check;

fuzz_target!(|script: &[u8]| check(script));
