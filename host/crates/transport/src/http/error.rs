//! Describes why a request has no response.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::cause::Cause;
use crate::connect::host_limit::HostLimit;
use crate::connect::tls_words;
use crate::http::wire::RequestState;

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
    #[error("the device set the header {0:?}, which belongs to the connection; drop it")]
    ConnectionHeader(String),
    #[error("it is no HTTP request: {0}")]
    InvalidRequest(String),
    #[error("no connection in time (connect-timeout)")]
    ConnectTimeout,
    #[error("no connection within {} s (timeout)", .0.as_secs_f64())]
    NotOpened(Duration),
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("no connection: {0}; raise the limit with `ulimit -n`")]
    TooManyFiles(String),
    #[error(
        "no connection: {0}; one address has about 28,000 ports for connections to the same server (net.ipv4.ip_local_port_range)"
    )]
    NoFreePort(String),
    #[error("no answer within {} s (timeout)", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("the connection was lost before the answer: {0}")]
    Lost(String),
    #[error(
        "the server answered with TLS; this is its port with TLS, so the url begins with https://"
    )]
    NeedsTls,
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

    /// Adds the likely reason for the loss of a connection without TLS, if it is that the
    /// server expects TLS: some answer with TLS, and others close the connection.
    pub(crate) fn without_tls(self, state: &RequestState) -> Self {
        match self {
            Self::Lost(_) if state.is_tls() => Self::NeedsTls,
            Self::Lost(text) if !state.has_answer() => Self::Lost(format!(
                "{text}; if the server expects TLS, the url begins with https://"
            )),
            other => other,
        }
    }

    /// Converts the timeout of a request for which no connection was opened.
    pub(crate) fn before_opening(self) -> Self {
        match self {
            Self::Timeout(limit) => Self::NotOpened(limit),
            other => other,
        }
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

    /// Converts the error of a connection that could not be opened.
    pub(crate) fn from_connect(error: &io::Error) -> Self {
        match HostLimit::from_error(error) {
            Some(HostLimit::Files) => Self::TooManyFiles(error.to_string()),
            Some(HostLimit::Ports) => Self::NoFreePort(error.to_string()),
            None => Self::Unreachable(error.to_string()),
        }
    }

    /// Returns the error as the cause of a message's failure.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::TooManyFiles(_) | Self::NoFreePort(_) => Cause::host(self.to_string()),
            _ => Cause::backend(self.to_string()),
        }
    }

    /// Returns whether the request may have reached the server.
    pub(crate) fn may_be_sent(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Lost(_) | Self::NeedsTls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_without_ports_is_no_fault_of_the_server() {
        let failed = |code| RequestError::from_connect(&io::Error::from_raw_os_error(code)).cause();
        for (code, way_out) in [(99, "net.ipv4.ip_local_port_range"), (24, "ulimit -n")] {
            let cause = failed(code);
            assert!(
                cause.is_by_host() && cause.text().contains(way_out),
                "{cause}"
            );
        }
        assert!(!failed(111).is_by_host());
    }
}
