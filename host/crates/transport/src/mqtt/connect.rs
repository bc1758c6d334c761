//! Opening a connection: TCP, TLS, CONNECT, CONNACK, and what to say when one of
//! them fails.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use rumqttc::{Connect, ConnectReturnCode, LastWill, Login, Packet};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::BrokerTarget;
use super::link::Link;
use super::stream::Stream;

/// An open connection, before its first message.
pub(super) struct Opened {
    pub(super) stream: Stream,
    /// The broker still has this client's session.
    pub(super) session_present: bool,
    /// Bytes that came behind the CONNACK.
    pub(super) rest: BytesMut,
}

/// The largest packet that is accepted before the CONNACK.
const FIRST_PACKET: usize = 1024;

/// Opens the connection of a link.
pub(super) async fn open(broker: &BrokerTarget, link: &RefCell<Link>) -> Result<Opened, String> {
    let limit = broker.target.connect_timeout;
    let opening = async {
        let stream = dial(broker).await?;
        greet(broker, link, stream).await
    };
    match tokio::time::timeout(limit, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(format!(
            "no connection within {} s (connect-timeout)",
            limit.as_secs_f64()
        )),
    }
}

async fn dial(broker: &BrokerTarget) -> Result<Stream, String> {
    let address = &broker.target.address;
    let socket = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(|error| unreachable(&error))?;
    // A message that waits for its successor measures Nagle's algorithm.
    let _ = socket.set_nodelay(true);
    let Some(tls) = &broker.tls else {
        return Ok(Stream::Plain(socket));
    };
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| format!("{} is no name that TLS can check", address.host))?;
    TlsConnector::from(Arc::clone(tls))
        .connect(name, socket)
        .await
        .map(|stream| Stream::Tls(Box::new(stream)))
        .map_err(|error| {
            format!("the TLS handshake failed: {error}; see tls.ca, tls.cert and tls.key")
        })
}

fn unreachable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "connection refused; is the broker running, and is this its port?".into()
        }
        _ => match error.raw_os_error() {
            // EMFILE, ENFILE
            Some(23 | 24) => format!("{error}; raise the limit with `ulimit -n`"),
            // EADDRNOTAVAIL
            Some(99) => format!(
                "{error}; one address has about 28,000 ports for connections to the same broker (net.ipv4.ip_local_port_range)"
            ),
            _ => error.to_string(),
        },
    }
}

async fn greet(
    broker: &BrokerTarget,
    link: &RefCell<Link>,
    mut stream: Stream,
) -> Result<Opened, String> {
    let mut buffer = BytesMut::new();
    hello(broker, &link.borrow())
        .write(&mut buffer)
        .map_err(|error| format!("CONNECT cannot be written: {error}"))?;
    let lost = |error: io::Error| format!("the connection was lost before it was up: {error}");
    stream.write_all(&buffer).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    buffer.clear();
    loop {
        match Packet::read(&mut buffer, FIRST_PACKET) {
            Ok(Packet::ConnAck(ack)) if ack.code == ConnectReturnCode::Success => {
                return Ok(Opened {
                    stream,
                    session_present: ack.session_present,
                    rest: buffer,
                });
            }
            Ok(Packet::ConnAck(ack)) => return Err(refused(ack.code)),
            Ok(other) => {
                return Err(format!(
                    "the broker's first packet was no CONNACK: {other:?}"
                ));
            }
            Err(rumqttc::Error::InsufficientBytes(_)) => {}
            Err(error) => return Err(format!("this does not look like an MQTT broker: {error}")),
        }
        let mut chunk = [0; 256];
        match stream.read(&mut chunk).await.map_err(lost)? {
            0 => {
                return Err("the broker closed the connection instead of answering CONNECT".into());
            }
            n => buffer.extend_from_slice(chunk.get(..n).unwrap_or_default()),
        }
    }
}

fn hello(broker: &BrokerTarget, link: &Link) -> Connect {
    let mqtt = &broker.mqtt;
    let mut connect = Connect::new(link.client_id.as_str());
    connect.keep_alive = u16::try_from(mqtt.keep_alive.as_secs()).unwrap_or(u16::MAX);
    connect.clean_session = mqtt.clean_session;
    connect.login = mqtt
        .login
        .as_ref()
        .map(|(username, password)| Login::new(username, password.reveal()));
    if let (Some(will), Some((topic, payload))) = (&mqtt.will, &link.will) {
        connect.last_will = Some(LastWill::new(
            topic,
            payload.as_str(),
            super::session::qos(will.qos),
            will.retain,
        ));
    }
    connect
}

/// CONNACK's return codes (MQTT 3.1.1, table 3.1).
fn refused(code: ConnectReturnCode) -> String {
    match code {
        ConnectReturnCode::BadUserNamePassword => {
            "the broker refused user name or password (code 4); see username and password".into()
        }
        ConnectReturnCode::NotAuthorized => {
            "the broker refused the login: not authorized (code 5); see username, password and the client certificate".into()
        }
        ConnectReturnCode::BadClientId => {
            "the broker refused the client id (code 2); see client-id".into()
        }
        ConnectReturnCode::ServiceUnavailable => {
            "the broker is there, and says it is unavailable (code 3)".into()
        }
        ConnectReturnCode::RefusedProtocolVersion => {
            "the broker does not speak MQTT 3.1.1 (code 1)".into()
        }
        ConnectReturnCode::Success => "the broker refused without a reason".into(),
    }
}
