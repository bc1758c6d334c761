//! Reads the rows and the totals of a log back.

use std::ops::ControlFlow;

use mockfleet_config::Store;
use mockfleet_sendlog::{Identity, LogFiles};

use crate::meter_log::{Failed, write};

#[path = "support/meter_log.rs"]
mod meter_log;

/// Prints device, outcome and payload of each message of a run.
fn read(store: &Store, run: &str) -> Result<u64, Failed> {
    let mut rows = 0;
    for file in LogFiles::find(store)?.of_run(run) {
        let columns = ["device_id", "outcome", "payload"];
        file.open()?.read(&columns, &mut |_, values| {
            let texts: Vec<_> = values.iter().filter_map(|value| value.text()).collect();
            println!("{}", texts.join("  "));
            rows += 1;
            ControlFlow::Continue(())
        })?;
    }
    Ok(rows)
}

fn main() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let run = Identity::new();
    let written = write(folder.path(), run.clone())?;
    let store = Store::Folder(folder.path().to_owned());
    let rows = read(&store, &run.run)?;
    println!("{rows} of {written} rows were read back");
    let totals = mockfleet_sendlog::stats(&store)?.total();
    println!(
        "{} messages in {} files",
        totals.sends.rows, totals.sends.files
    );
    Ok(())
}

#[test]
fn example_runs() -> Result<(), Failed> {
    main()
}
