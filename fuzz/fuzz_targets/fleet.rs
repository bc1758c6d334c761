//! Fleet files and tables of prices: whatever is in them, they are read or refused.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use mockfleet_fuzz::fleet::{Fleet, Override, Prices};

fuzz_target!(|text: &str| {
    let here = Path::new("/nowhere");
    if let Err(refused) = Fleet::parse(text, "fleet.toml", here, &[]) {
        let said = refused.problems.to_string();
        assert!(!said.is_empty(), "whoever is refused is told why");
    }
    let base = Prices::builtin().expect("the table inside");
    let _ = Prices::parse(text, "prices.toml", Some(&base));
    let _ = Override::parse(text);
});
