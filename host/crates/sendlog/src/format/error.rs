//! Describes why a log cannot be opened, written, closed or read.

/// Why the log cannot be opened, closed or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store takes no files.
    #[error("the store {store} cannot be written: {why}")]
    Store {
        /// The store.
        store: String,
        /// The cause and the way out.
        why: String,
    },
    /// Rows did not reach the store.
    #[error("{why}")]
    NotWhole {
        /// What is missing, and where the rest lies.
        why: String,
    },
    /// What was written cannot be read back.
    #[error("{file} cannot be read: {why}")]
    Read {
        /// The file.
        file: String,
        /// The cause.
        why: String,
    },
    /// What a process left behind cannot be finished.
    #[error("the spool {folder} cannot be used: {why}")]
    Spool {
        /// The run's folder.
        folder: String,
        /// The cause and the way out.
        why: String,
    },
    /// The system refuses a thread.
    #[error("no thread for the send log: {0}")]
    Thread(std::io::Error),
}
