//! One connection to somebody who says whatever the fuzzer wants: a target that sends a
//! few messages, and a socket that answers with bytes. Whatever is said, each message
//! comes to exactly one end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use crate::fleet::{Fleet, Protocol};
use crate::transport::{
    Broker, BrokerTarget, Envelope, HttpTarget, Inbox, Member, Report, RunNames, Server, Transport,
};

/// Messages of the device.
const MESSAGES: u64 = 3;

/// How long an answer may take that the bytes do not give.
const PATIENCE: Duration = Duration::from_millis(20);

thread_local! {
    static PARTS: RefCell<Option<(LocalRuntime, TcpListener)>> = const { RefCell::new(None) };
}

/// Lets a target of this URL's scheme talk to somebody who answers with these bytes; the
/// first says in which pieces.
///
/// # Panics
/// When a message has no end, or two.
pub fn talk(scheme: &str, said: &[u8]) {
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
            let other = answer(listener, said);
            let ours = send(scheme, port);
            // Whoever has sent all is done, whatever the other side still has to say.
            tokio::select! {
                () = ours => {}
                () = async { other.await; std::future::pending().await } => {}
            }
        });
    });
}

/// Takes connections, and says the bytes to each.
async fn answer(listener: &TcpListener, said: &[u8]) {
    let (piece, said) = said
        .split_first()
        .map_or((64, said), |(n, rest)| (usize::from(*n) + 1, rest));
    loop {
        let Ok((mut socket, _)) = listener.accept().await else {
            continue;
        };
        // Its port is free again at once.
        let _ = socket.set_zero_linger();
        let mut heard = [0; 4096];
        let _ = socket.read(&mut heard).await;
        for piece in said.chunks(piece) {
            if socket.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = tokio::time::timeout(Duration::from_millis(2), socket.read(&mut heard)).await;
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
    let inbox = Inbox::default();
    let mut line: Box<dyn Transport> = match &target.protocol {
        Protocol::Mqtt(mqtt) => {
            let broker = BrokerTarget::new(target, mqtt, names).expect("a broker");
            Box::new(Broker::new(&broker, 0, 1, inbox.clone()))
        }
        Protocol::Http(http) => {
            let server = HttpTarget::new(target, http, names).expect("a server");
            Box::new(Server::new(&server, inbox.clone()).expect("a client"))
        }
    };
    let member = Member {
        device: "d".into(),
        group: "g".into(),
        index: 0,
        listens: true,
    };
    line.join(0, member);
    for seq in 0..MESSAGES {
        line.submit(Envelope {
            slot: 0,
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
        });
    }
    line.flush();
    let mut ends = HashMap::new();
    let mut reports = Vec::new();
    let until = tokio::time::Instant::now() + PATIENCE;
    while ends.len() < MESSAGES as usize {
        let arrived = tokio::time::timeout_at(until, inbox.arrived());
        let in_time = arrived.await.is_ok();
        inbox.take(&mut reports);
        // What follows is another try, of which there is nothing to learn.
        let is_lost = |report: &Report| matches!(report, Report::Down(..) | Report::Trouble(_));
        let lost = reports.iter().any(is_lost);
        count(&mut reports, &mut ends);
        line.flush();
        if lost || !in_time {
            break;
        }
    }
    line.close().await;
    inbox.take(&mut reports);
    count(&mut reports, &mut ends);
    for seq in 0..MESSAGES {
        assert_eq!(ends.get(&seq), Some(&1), "message {seq} has one end");
    }
}

fn count(reports: &mut Vec<Report>, ends: &mut HashMap<u64, u32>) {
    for report in reports.drain(..) {
        if let Report::Settled(settled) = report {
            *ends.entry(settled.envelope.seq).or_default() += 1;
        }
    }
}
