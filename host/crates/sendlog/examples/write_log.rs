//! Writes three messages and their outcomes to a log in a temporary folder.
//!
//! `support/meter_log.rs` opens the log and appends the rows.

use mockfleet_sendlog::Identity;

use crate::meter_log::{Failed, write};

#[path = "support/meter_log.rs"]
mod meter_log;

fn main() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let rows = write(folder.path(), Identity::new())?;
    println!("{rows} rows are in {}", folder.path().display());
    Ok(())
}

#[test]
fn example_runs() -> Result<(), Failed> {
    main()
}
