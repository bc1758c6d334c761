//! Describes why a connection was not opened, and why it ended.

use std::io;
use std::time::Duration;

use rumqttc::{ConnectReturnCode, Packet};

use crate::cause::Cause;
use crate::connect::connect_window::HandshakeEnd;
use crate::connect::host_limit::HostLimit;
use crate::connect::tls_words::{describe, describe_handshake};

/// The reason why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("no connection within {} s (connect-timeout)", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("{0} is no name that TLS can check")]
    InvalidName(String),
    #[error("the TLS handshake failed: {}", describe_handshake(.0))]
    Tls(io::Error),
    #[error("connection refused; is the broker running, and is this its port?")]
    NotListening,
    #[error("{0}; raise the limit with `ulimit -n`")]
    TooManyFiles(io::Error),
    #[error(
        "{0}; one address has about 28,000 ports for connections to the same broker (net.ipv4.ip_local_port_range)"
    )]
    NoFreePort(io::Error),
    #[error("{0}")]
    Unreachable(io::Error),
    #[error("CONNECT cannot be written: {0}")]
    Encode(rumqttc::Error),
    #[error("the connection was lost before it was up: {}", describe(.0))]
    Lost(io::Error),
    #[error("the broker closed the connection instead of answering CONNECT{}", closing_hint(*.encrypted))]
    Closed {
        /// Whether the connection has TLS.
        encrypted: bool,
    },
    #[error(
        "the server answered CONNECT with TLS; this is its port with TLS, so the url begins with mqtts://"
    )]
    NeedsTls,
    #[error("an HTTP server answered CONNECT; is the port in the url that of an MQTT broker?")]
    SpeaksHttp,
    #[error("the broker's first packet was no CONNACK: {0:?}")]
    UnexpectedPacket(Box<Packet>),
    #[error("this does not look like an MQTT broker: {0}")]
    NotMqtt(rumqttc::Error),
    #[error("{}", refusal(*.0))]
    Refused(ConnectReturnCode),
}

impl ConnectError {
    /// Returns the error as the cause of unsent messages.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::TooManyFiles(_) | Self::NoFreePort(_) => Cause::host(self.to_string()),
            _ => Cause::backend(self.to_string()),
        }
    }

    /// Returns the end of the handshake, for the pace of the next ones.
    pub(crate) fn handshake_end(&self) -> HandshakeEnd {
        match self {
            Self::Timeout(_)
            | Self::NotListening
            | Self::Unreachable(_)
            | Self::Lost(_)
            | Self::Closed { .. }
            | Self::Refused(ConnectReturnCode::ServiceUnavailable) => HandshakeEnd::Unanswered,
            _ => HandshakeEnd::Refused,
        }
    }

    /// Explains an error of the system's `connect`.
    pub(crate) fn from_connect(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::NotListening,
            _ => match HostLimit::from_error(&error) {
                Some(HostLimit::Files) => Self::TooManyFiles(error),
                Some(HostLimit::Ports) => Self::NoFreePort(error),
                None => Self::Unreachable(error),
            },
        }
    }
}

/// Returns the likely reason for a broker that closes a connection before CONNACK.
fn closing_hint(encrypted: bool) -> &'static str {
    match encrypted {
        true => "; it may require a client certificate (tls.cert and tls.key)",
        false => "; if this is its port with TLS, the url begins with mqtts://",
    }
}

/// Explains CONNACK's return codes (MQTT 3.1.1, table 3.1).
fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::BadUserNamePassword => {
            "the broker refused user name or password (code 4); see username and password"
        }
        ConnectReturnCode::NotAuthorized => {
            "the broker refused the login: not authorized (code 5); see username, password and the client certificate"
        }
        ConnectReturnCode::BadClientId => {
            "the broker refused the client id (code 2); see client-id"
        }
        ConnectReturnCode::ServiceUnavailable => {
            "the broker is there, and says it is unavailable (code 3)"
        }
        ConnectReturnCode::RefusedProtocolVersion => {
            "the broker does not speak MQTT 3.1.1 (code 1)"
        }
        ConnectReturnCode::Success => "the broker refused without a reason",
    }
}

/// The reason why an open connection was lost.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the connection was lost: {}", describe(.0))]
    Lost(io::Error),
    #[error("the broker closed the connection")]
    Closed,
    #[error("the connection takes no more bytes")]
    WriteZero,
    #[error("the broker sent what is no MQTT packet: {0}")]
    InvalidPacket(rumqttc::Error),
    #[error(
        "no answer to PUBREL within {} s; the broker may hold identifiers of an earlier run, so nothing is sent",
        .0.as_secs_f64()
    )]
    NoRelease(Duration),
    #[error("no answer to a ping within {} s (half of keep-alive)", .0.as_secs_f64())]
    NoPingResponse(Duration),
}
