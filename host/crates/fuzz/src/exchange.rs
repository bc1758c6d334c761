//! Connects a transport to a peer that responds with the given bytes.
//!
//! Each message has exactly one outcome, whatever the peer sends.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use mockfleet_config::{Fleet, Protocol};
use mockfleet_transport::{
    DeviceInfo, Envelope, EventInbox, HttpTarget, HttpTransport, MqttTarget, MqttTransport,
    RunNames, Transport, TransportEvent,
};

/// Messages of the device.
const MESSAGES: u64 = 3;

/// The wait for a response that the bytes do not have, 20 ms.
const RESPONSE_WAIT: Duration = Duration::from_millis(20);

thread_local! {
    static PARTS: RefCell<Option<(LocalRuntime, TcpListener)>> = const { RefCell::new(None) };
}

/// Sends to a broker that responds with these bytes. The first byte gives the size of the
/// pieces.
///
/// # Panics
/// A message has no outcome, or two.
pub fn mqtt(response: &[u8]) {
    exchange("mqtt", response);
}

/// Sends to a server that responds with these bytes, as [`mqtt`].
///
/// # Panics
/// A message has no outcome, or two.
pub fn http(response: &[u8]) {
    exchange("http", response);
}

fn exchange(scheme: &str, response: &[u8]) {
    PARTS.with_borrow_mut(|parts| {
        let (runtime, listener) = parts.get_or_insert_with(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build_local(LocalOptions::default())
                .expect("a runtime");
            let bound = TcpListener::bind("127.0.0.1:0");
            let listener = runtime.block_on(bound).expect("a port");
            (runtime, listener)
        });
        let port = listener.local_addr().expect("an address").port();
        runtime.block_on(async {
            let peer = respond(listener, response);
            let sender = send(scheme, port);
            // The sender ends the exchange, also while the peer still has bytes to send.
            tokio::select! {
                () = sender => {}
                () = async { peer.await; std::future::pending().await } => {}
            }
        });
    });
}

/// Accepts connections, and sends the bytes on each.
async fn respond(listener: &TcpListener, response: &[u8]) {
    let (piece, response) = response
        .split_first()
        .map_or((64, response), |(n, rest)| (usize::from(*n) + 1, rest));
    loop {
        let Ok((mut socket, _)) = listener.accept().await else {
            continue;
        };
        // Frees its port at once.
        let _ = socket.set_zero_linger();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await;
        for piece in response.chunks(piece) {
            if socket.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = tokio::time::timeout(Duration::from_millis(2), socket.read(&mut request)).await;
    }
}

async fn send(scheme: &str, port: u16) {
    let channels = match scheme {
        "mqtt" => {
            "qos = 1\nchannels = { a = { topic = \"t/{device}\" }, b = { topic = \"u\", qos = 2 } }\ndownlink = { command = { topic = \"t/#\" } }"
        }
        _ => {
            "timeout = \"20ms\"\nchannels = { a = { path = \"/{device}\" }, b = { path = \"/b\" } }"
        }
    };
    let text = format!(
        "[targets.t]\nurl = \"{scheme}://127.0.0.1:{port}\"\nconnect-timeout = \"20ms\"\n{channels}\n[[groups]]\nname = \"g\"\nplugin = \"builtin:x\"\ncount = 1\nevery = \"1s\"\n"
    );
    let fleet = Fleet::parse(&text, "f.toml", Path::new("."), &[]).expect("a fleet");
    let target = &fleet.plan.targets[0];
    let names = RunNames {
        fleet: "f".into(),
        run: "r".into(),
    };
    let inbox = EventInbox::default();
    let mut transport: Box<dyn Transport> = match &target.protocol {
        Protocol::Mqtt(mqtt) => {
            let broker = MqttTarget::new(target, mqtt, names).expect("a broker");
            Box::new(MqttTransport::new(&broker, 0, 1, inbox.clone()))
        }
        Protocol::Http(http) => {
            let server = HttpTarget::new(target, http, names).expect("a server");
            Box::new(HttpTransport::new(&server, inbox.clone()))
        }
    };
    let info = DeviceInfo {
        device: "d".into(),
        group: "g".into(),
        index: 0,
        listens: true,
    };
    transport.join(0, info);
    for seq in 0..MESSAGES {
        transport.submit(Box::new(Envelope {
            device: 0,
            route: u16::from(seq % 2 == 1),
            seq,
            copy: 0,
            attempt: 0,
            due: 0,
            payload: bytes::Bytes::from_static(b"{}"),
            content_type: Some("application/json".into()),
            properties: Vec::new(),
            status: None,
            topic: None,
            fault: None,
            drops: 0,
        }));
    }
    transport.flush();
    let mut outcomes = HashMap::new();
    let mut events = Vec::new();
    let until = tokio::time::Instant::now() + RESPONSE_WAIT;
    while outcomes.len() < MESSAGES as usize {
        let arrived = tokio::time::timeout_at(until, inbox.arrived());
        let in_time = arrived.await.is_ok();
        inbox.take(&mut events);
        // A second connection would only repeat the first.
        let is_lost = |event: &TransportEvent| {
            matches!(
                event,
                TransportEvent::Disconnected(..) | TransportEvent::Warning { .. }
            )
        };
        let lost = events.iter().any(is_lost);
        count(&mut events, &mut outcomes);
        transport.flush();
        if lost || !in_time {
            break;
        }
    }
    transport.close().await;
    inbox.take(&mut events);
    count(&mut events, &mut outcomes);
    for seq in 0..MESSAGES {
        assert_eq!(
            outcomes.get(&seq),
            Some(&1),
            "message {seq} has one outcome"
        );
    }
}

fn count(events: &mut Vec<TransportEvent>, outcomes: &mut HashMap<u64, u32>) {
    for event in events.drain(..) {
        if let TransportEvent::Completed(completion) = event {
            *outcomes.entry(completion.envelope.seq).or_default() += 1;
        }
    }
}
