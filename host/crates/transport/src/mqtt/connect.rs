//! Opens a connection: TCP, TLS, CONNECT and CONNACK.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use rumqttc::{Connect, ConnectReturnCode, LastWill, Login, Packet};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use crate::connect::dial;
use crate::connect::stream::Stream;
use crate::mqtt::codec::qos;
use crate::mqtt::connection::Connection;
use crate::mqtt::error::ConnectError;
use crate::mqtt::target::MqttTarget;

/// An open connection, before its first message.
pub(crate) struct Opened {
    pub(crate) stream: Stream,
    /// Whether the broker still has the session of this client.
    pub(crate) session_present: bool,
    /// The bytes after the CONNACK.
    pub(crate) rest: BytesMut,
}

/// The largest packet that is accepted before the CONNACK, which has 4 bytes.
const MAX_CONNACK_BYTES: usize = 1024;

/// The first bytes of a TLS alert: its type, and the version 3.x (RFC 8446, section 5.1).
const TLS_ALERT: [u8; 2] = [21, 3];

/// Opens a connection.
///
/// # Errors
/// When the broker is not reached, or refuses the client.
pub(crate) async fn open(
    broker: &MqttTarget,
    connection: &RefCell<Connection>,
) -> Result<Opened, ConnectError> {
    let limit = broker.target.connect_timeout;
    tracing::debug!(
        target = %broker.target.name,
        client_id = connection.borrow().client_id,
        "connect"
    );
    let opening = async {
        let stream = open_stream(broker).await?;
        handshake(broker, connection, stream).await
    };
    match tokio::time::timeout(limit, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(ConnectError::Timeout(limit)),
    }
}

async fn open_stream(broker: &MqttTarget) -> Result<Stream, ConnectError> {
    let address = &broker.target.address;
    let limit = broker.target.connect_timeout;
    let socket = dial::dial(&address.host, address.port, limit)
        .await
        .map_err(ConnectError::from_connect)?;
    // Without this, a message waits for its successor (Nagle's algorithm).
    let _ = socket.set_nodelay(true);
    let Some(tls) = &broker.tls else {
        return Ok(Stream::Plain(socket));
    };
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| ConnectError::InvalidName(address.host.clone()))?;
    TlsConnector::from(Arc::clone(tls))
        .connect(name, socket)
        .await
        .map(|stream| Stream::Tls(Box::new(stream)))
        .map_err(ConnectError::Tls)
}

async fn handshake(
    broker: &MqttTarget,
    connection: &RefCell<Connection>,
    mut stream: Stream,
) -> Result<Opened, ConnectError> {
    let mut buffer = BytesMut::new();
    connect_packet(broker, &connection.borrow())
        .write(&mut buffer)
        .map_err(ConnectError::Encode)?;
    stream
        .write_all(&buffer)
        .await
        .map_err(ConnectError::Lost)?;
    stream.flush().await.map_err(ConnectError::Lost)?;
    buffer.clear();
    loop {
        if buffer.starts_with(&TLS_ALERT) {
            return Err(ConnectError::NeedsTls);
        }
        if buffer.starts_with(b"HTTP/") {
            return Err(ConnectError::SpeaksHttp);
        }
        match Packet::read(&mut buffer, MAX_CONNACK_BYTES) {
            Ok(Packet::ConnAck(ack)) if ack.code == ConnectReturnCode::Success => {
                return Ok(Opened {
                    stream,
                    session_present: ack.session_present,
                    rest: buffer,
                });
            }
            Ok(Packet::ConnAck(ack)) => return Err(ConnectError::Refused(ack.code)),
            Ok(other) => return Err(ConnectError::UnexpectedPacket(Box::new(other))),
            Err(rumqttc::Error::InsufficientBytes(_)) => {}
            Err(error) => return Err(ConnectError::NotMqtt(error)),
        }
        let mut chunk = [0; 256];
        let encrypted = broker.tls.is_some();
        match stream.read(&mut chunk).await {
            Ok(0) => return Err(ConnectError::Closed { encrypted }),
            Ok(n) => buffer.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(ConnectError::Closed { encrypted });
            }
            Err(error) => return Err(ConnectError::Lost(error)),
        }
    }
}

fn connect_packet(broker: &MqttTarget, connection: &Connection) -> Connect {
    let mqtt = &broker.mqtt;
    let mut connect = Connect::new(connection.client_id.as_str());
    connect.keep_alive = u16::try_from(mqtt.keep_alive.as_secs()).unwrap_or(u16::MAX);
    connect.clean_session = mqtt.clean_session;
    connect.login = mqtt
        .login
        .as_ref()
        .zip(connection.username.as_ref())
        .map(|((_, password), username)| Login::new(username, password.reveal()));
    if let (Some(will), Some((topic, payload))) = (&mqtt.will, &connection.will) {
        connect.last_will = Some(LastWill::new(
            topic,
            payload.as_str(),
            qos(will.qos),
            will.retain,
        ));
    }
    connect
}
