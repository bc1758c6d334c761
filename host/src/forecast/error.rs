//! Errors of a forecast.

use mockfleet_sendlog::LogError;

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForecastError {
    /// The sampled rows cannot be encoded.
    #[error("the sampled rows cannot be encoded: {0}")]
    Log(#[from] LogError),
    /// There is no room for them.
    #[error("no temporary folder for the sampled rows: {0}; set TMPDIR to one that has room")]
    Folder(#[from] std::io::Error),
}
