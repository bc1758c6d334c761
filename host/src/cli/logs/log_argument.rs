//! Reads the argument that names a log.

use mockfleet_config::Store;

/// The log that a command works with.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgument {
    /// Where the log is: a folder, or s3://bucket/prefix.
    #[arg(default_value = "mockfleet-logs", value_parser = Store::parse)]
    store: Store,
    /// The same by name, for scripts.
    #[arg(long = "store", value_name = "STORE", value_parser = Store::parse, conflicts_with = "store")]
    named: Option<Store>,
}

impl LogArgument {
    /// Returns the store that was named.
    pub(crate) fn store(&self) -> &Store {
        self.named.as_ref().unwrap_or(&self.store)
    }
}
