//! Opens connections to a server.

use std::sync::Arc;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::connect::dial::dial;
use crate::connect::stream::Stream;
use crate::connect::tls_words;
use crate::http::connections::HttpConnection;
use crate::http::error::RequestError;
use crate::http::target::HttpTarget;
use crate::http::wire::Wire;

/// Opens a connection.
///
/// # Errors
/// When the server is not reached in time.
pub(crate) async fn open(server: &HttpTarget) -> Result<HttpConnection, RequestError> {
    let limit = server.target.connect_timeout;
    let opened = tokio::time::timeout(limit, open_stream(server));
    let stream = opened.await.map_err(|_| RequestError::ConnectTimeout)??;
    let (wire, state) = Wire::new(stream);
    let (sender, connection) = http1::handshake(TokioIo::new(wire))
        .await
        .map_err(|error| RequestError::lost(&error))?;
    tokio::task::spawn_local(async move {
        // The request has its error.
        let _ = connection.await;
    });
    Ok(HttpConnection {
        sender,
        state,
        is_reused: false,
    })
}

async fn open_stream(server: &HttpTarget) -> Result<Stream, RequestError> {
    let address = &server.target.address;
    let limit = server.target.connect_timeout;
    let socket = dial(&address.host, address.port, limit)
        .await
        .map_err(|error| RequestError::from_connect(&error))?;
    // Without this, a request waits for the acknowledgement of the one before.
    let _ = socket.set_nodelay(true);
    let Some(tls) = &server.tls else {
        return Ok(Stream::Plain(socket));
    };
    let name = ServerName::try_from(address.host.clone()).map_err(|_| {
        RequestError::Unreachable(format!("{} is no name that TLS can check", address.host))
    })?;
    let connected = TlsConnector::from(Arc::clone(tls)).connect(name, socket);
    let stream = connected.await.map_err(|error| {
        let why = tls_words::describe_handshake(&error);
        RequestError::Unreachable(format!("the TLS handshake failed: {why}"))
    })?;
    Ok(Stream::Tls(Box::new(stream)))
}
