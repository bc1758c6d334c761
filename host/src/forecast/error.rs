//! Errors of a forecast.

use mockfleet_sendlog::LogError;

/// The reason for a missing forecast.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForecastError {
    /// The sampled rows cannot be encoded.
    #[error("the sampled rows cannot be encoded: {0}; set TMPDIR to a folder that has room")]
    Log(#[from] LogError),
    /// The temporary folder cannot be created.
    #[error("no temporary folder for the sampled rows: {0}; set TMPDIR to one that has room")]
    Folder(#[from] std::io::Error),
}
