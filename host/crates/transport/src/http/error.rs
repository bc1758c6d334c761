//! Describes why a request has no response.

use std::error::Error;
use std::io;
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
    /// Converts reqwest's error of a request with this timeout.
    pub(crate) fn from_reqwest(error: &reqwest::Error, timeout: Duration) -> Self {
        let mut cause: &(dyn Error + 'static) = error;
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
            return Self::Unreachable(handshake(error, cause));
        }
        Self::Lost(answer(error, cause))
    }

    /// Returns whether the request may have reached the server.
    pub(crate) fn may_be_sent(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Lost(_))
    }
}

/// Describes why a connection was not opened, in TLS or before.
fn handshake(error: &reqwest::Error, cause: &(dyn Error + 'static)) -> String {
    let is_eof = cause
        .downcast_ref::<io::Error>()
        .filter(|cause| cause.kind() == io::ErrorKind::UnexpectedEof);
    match (tls_words::explain(error), is_eof) {
        (Some(said), _) => format!("the TLS handshake failed: {said}"),
        (None, Some(closed)) => format!(
            "the TLS handshake failed: {}",
            tls_words::describe_handshake(closed)
        ),
        (None, None) => cause.to_string(),
    }
}

/// Describes why there is no answer on an open connection.
fn answer(error: &reqwest::Error, cause: &(dyn Error + 'static)) -> String {
    if let Some(said) = tls_words::explain(error) {
        return said;
    }
    let text = cause.to_string();
    match text.contains("HTTP version") {
        true => format!(
            "{text}; the answer is no HTTP/1; if this is the server's port with TLS, the url begins with https://"
        ),
        false => text,
    }
}
