//! Describes why a request has no response.

use std::time::Duration;

/// The reason why a request has no response.
///
/// The texts have no URL: it may contain secrets, and each device's URL would be a cause
/// of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the channel is not in the fleet file")]
    UnknownChannel,
    #[error("{0:?} is no valid HTTP header")]
    InvalidHeader(String),
    #[error("it is no HTTP request: {0}")]
    InvalidRequest(String),
    #[error("no connection in time (connect-timeout)")]
    ConnectTimeout,
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("no answer within {} s (timeout)", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("the connection was lost before the answer: {0}")]
    Lost(String),
}

impl RequestError {
    /// Converts reqwest's error of a request with this timeout.
    pub(crate) fn from_reqwest(error: &reqwest::Error, timeout: Duration) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        if error.is_timeout() && error.is_connect() {
            return Self::ConnectTimeout;
        }
        if error.is_timeout() {
            return Self::Timeout(timeout);
        }
        if error.is_builder() {
            return Self::InvalidRequest(cause.to_string());
        }
        if error.is_connect() {
            return Self::Unreachable(cause.to_string());
        }
        Self::Lost(cause.to_string())
    }

    /// Returns whether the request may have reached the server.
    pub(crate) fn may_be_sent(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Lost(_))
    }
}
