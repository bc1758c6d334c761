//! Describes why a request has no response.

use std::io;
use std::time::Duration;

use crate::cause::Cause;
use crate::connect::host_limit::HostLimit;
use crate::connect::tls_error;

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
}

impl RequestError {
    /// Converts reqwest's error of a request with this timeout.
    pub(crate) fn from_reqwest(error: &reqwest::Error, timeout: Duration) -> Self {
        let mut cause: &(dyn std::error::Error + 'static) = error;
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
            return Self::from_connect(cause);
        }
        Self::Lost(cause.to_string())
    }

    /// Converts the root cause of a connection that could not be opened.
    fn from_connect(cause: &(dyn std::error::Error + 'static)) -> Self {
        let Some(error) = cause.downcast_ref::<io::Error>() else {
            return Self::Unreachable(cause.to_string());
        };
        match HostLimit::from_error(error) {
            Some(HostLimit::Files) => Self::TooManyFiles(error.to_string()),
            Some(HostLimit::Ports) => Self::NoFreePort(error.to_string()),
            None => Self::Unreachable(tls_error::text(error)),
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
        matches!(self, Self::Timeout(_) | Self::Lost(_))
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
