//! Compiles and describes any bytes as a component.
#![no_main]

use std::env::{args, current_exe};
use std::process::ExitCode;

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        // This program also is the child that compiles.
        let arguments: Vec<String> = args().skip(1).collect();
        if let [command, reservation] = &arguments[..]
            && command == "compile-component"
        {
            let done = mockfleet_plugin::compile_component(reservation);
            std::process::exit(i32::from(done != ExitCode::SUCCESS));
        }
    },
    |bytes: &[u8]| mockfleet_fuzz::component(&current_exe().expect("this program"), bytes)
);
