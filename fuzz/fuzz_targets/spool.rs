//! Spools of several workers and generations, torn, flipped, overwritten and put in
//! another order: recovery gives the rows before the damage, and no others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mockfleet_fuzz::sendlog::damage::check;

fuzz_target!(|script: &[u8]| check(script));
