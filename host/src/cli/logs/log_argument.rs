//! Reads the argument that names a log.

use mockfleet_config::Store;

/// The log that a command works with.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgument {
    /// The log: a folder, or s3://bucket/prefix.
    #[arg(value_name = "LOG", default_value = "mockfleet-logs", value_parser = Store::parse)]
    log: Store,
    /// The same as an option, for scripts.
    #[arg(long = "log", value_name = "LOG", value_parser = Store::parse, conflicts_with = "log")]
    named: Option<Store>,
}

impl LogArgument {
    /// Returns the store that the command line names.
    pub(crate) fn store(&self) -> &Store {
        self.named.as_ref().unwrap_or(&self.log)
    }
}
