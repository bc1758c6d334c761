//! Recovers runs of a store before a command uses it.

use mockfleet_config::Store;
use mockfleet_metrics::{agree, count, plural};
use mockfleet_sendlog::Recovered;

use crate::cli::ui::out::err;

/// Recovers the runs of killed processes, and reports them on standard error.
pub(crate) fn recover(store: &Store) {
    match mockfleet_sendlog::recover(store) {
        Ok(recovery) => {
            let runs = recovery.runs.iter();
            runs.for_each(|run| err!("{}", recovered_text(run)));
            let refused = recovery.refused.iter();
            refused.for_each(|error| err!("warning: {error}"));
        }
        Err(error) => err!("warning: {error}"),
    }
}

/// Describes a recovered run in a sentence.
pub(crate) fn recovered_text(run: &Recovered) -> String {
    let mut text = format!(
        "recovered run {}: {} in sends ({} of them unconfirmed: the process ended before their outcome was known), {} in events; {} brought to the store",
        run.run,
        plural(run.rows, "row"),
        count(run.unconfirmed),
        count(run.events),
        plural(run.files, "file")
    );
    if let Some((bytes, folder)) = &run.set_aside {
        text.push_str(&format!(
            "; {} could not be read and {} set aside in {}",
            plural(*bytes, "byte"),
            agree(*bytes, "is", "are"),
            folder.display()
        ));
    }
    text
}
