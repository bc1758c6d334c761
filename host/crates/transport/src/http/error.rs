//! Describes why a request has no response.

use std::error::Error;
use std::time::Duration;

use crate::connect::tls_words;

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
    /// Converts the error of a connection that was open.
    pub(crate) fn lost(error: &hyper::Error) -> Self {
        let mut cause: &(dyn Error + 'static) = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        if let Some(said) = tls_words::explain(error) {
            return Self::Lost(said);
        }
        let text = cause.to_string();
        if error.is_parse() {
            return Self::Lost(format!(
                "{text}; the answer is no HTTP/1; if this is the server's port with TLS, the url begins with https://"
            ));
        }
        Self::Lost(text)
    }

    /// Adds the likely reason for the loss of a connection that had earlier requests.
    pub(crate) fn on_reused(self) -> Self {
        match self {
            Self::Lost(text) => Self::Lost(format!(
                "{text}; the connection had earlier requests, and servers close idle ones: a smaller idle-timeout helps"
            )),
            other => other,
        }
    }

    /// Returns whether the request may have reached the server.
    pub(crate) fn may_be_sent(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Lost(_))
    }
}
