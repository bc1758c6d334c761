//! Reads any text as a fleet file and as prices.

use std::path::Path;

use mockfleet_config::{Fleet, Override, Prices};

/// Reads the text as a fleet file, as a table of prices, and as an override.
///
/// # Panics
/// A fleet file is refused without a reason.
pub fn fleet(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let here = Path::new("/nowhere");
    if let Err(refused) = Fleet::parse(text, "fleet.toml", here, &[]) {
        let problems = refused.problems.to_string();
        assert!(!problems.is_empty(), "a refused file has a problem");
    }
    let base = Prices::builtin().expect("the table inside");
    let _ = Prices::parse(text, "prices.toml", Some(&base));
    let _ = Override::parse(text);
}
