//! Keeps idle connections for later requests.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use hyper::header::HeaderMap;
use tokio::time::Instant;

use crate::http::wire::RequestState;

/// The time before the announced end of a connection from which on it is not used, 1 s at
/// most: a request needs some time to reach the server.
const MARGIN: Duration = Duration::from_secs(1);

/// An open connection.
pub(crate) struct HttpConnection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) state: Rc<RequestState>,
    /// Whether it has had a request before.
    pub(crate) is_reused: bool,
}

/// The idle connections of one worker, the last used last.
#[derive(Default)]
pub(crate) struct IdleConnections(RefCell<Vec<Idle>>);

struct Idle {
    connection: HttpConnection,
    /// The time from which on it is not used.
    until: Instant,
}

impl IdleConnections {
    /// Takes the connection that was used last.
    pub(crate) fn take(&self) -> Option<HttpConnection> {
        let mut idle = self.0.borrow_mut();
        let now = Instant::now();
        idle.retain(|idle| idle.until > now && !idle.connection.sender.is_closed());
        let place = idle
            .iter()
            .rposition(|idle| idle.connection.sender.is_ready())?;
        let mut connection = idle.remove(place).connection;
        connection.is_reused = true;
        connection.state.restart();
        Some(connection)
    }

    /// Keeps a connection for at most this time.
    pub(crate) fn put(&self, connection: HttpConnection, limit: Duration) {
        if limit > Duration::ZERO && !connection.sender.is_closed() {
            let until = Instant::now() + limit;
            self.0.borrow_mut().push(Idle { connection, until });
        }
    }
}

/// Returns the time for which a connection may be idle: that of the fleet file, and less if
/// the server announces that it closes the connection sooner.
pub(crate) fn idle_limit(headers: &HeaderMap, own: Duration) -> Duration {
    let announced = headers.get("keep-alive").and_then(|value| {
        let mut parts = value.to_str().ok()?.split(',');
        parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
            is_timeout.then(|| value.trim().parse().ok()).flatten()
        })
    });
    let Some(announced) = announced.map(Duration::from_secs) else {
        return own;
    };
    own.min(announced - MARGIN.min(announced / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_is_idle_for_less_than_the_server_announces() {
        let limit = |announced: &str, own: u64| {
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", announced.parse().unwrap());
            idle_limit(&headers, Duration::from_secs(own)).as_millis()
        };
        assert_eq!(limit("timeout=5", 90), 4_000);
        assert_eq!(limit("max=100, Timeout = 1", 90), 500);
        assert_eq!(limit("timeout=60", 3), 3_000);
        assert_eq!(limit("timeout=0", 90), 0);
        assert_eq!(limit("max=100", 90), 90_000);
        assert_eq!(limit("timeout=soon", 90), 90_000);
    }
}
