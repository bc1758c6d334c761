//! Describes why a log cannot be opened, written, closed or read.

/// The reason why the log cannot be opened, closed or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store does not accept files.
    #[error("the store {store} cannot be written: {why}")]
    Store {
        /// The store.
        store: String,
        /// The cause and the way out.
        why: String,
    },
    /// Some rows are not in the store.
    #[error("{why}")]
    NotWhole {
        /// The missing rows, and the place of the remaining ones.
        why: String,
    },
    /// A written file cannot be read back.
    #[error("{file} cannot be read: {why}")]
    Read {
        /// The file.
        file: String,
        /// The cause.
        why: String,
    },
    /// The spool of an ended process cannot be completed.
    #[error("the spool {folder} cannot be used: {why}")]
    Spool {
        /// The run's folder.
        folder: String,
        /// The cause and the way out.
        why: String,
    },
    /// The system refuses to create a thread.
    #[error("no thread for the send log: {0}")]
    Thread(std::io::Error),
}
