//! Counts messages as a minimal broker of one thread.
//!
//! The sink accepts connections, counts PUBLISH packets of QoS 0 by their lengths, and drops
//! them.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::now;

#[derive(Default)]
struct Counted {
    received: AtomicU64,
    /// Time of the first message, in microseconds since 1970.
    first: AtomicU64,
}

/// Serves until standard input ends.
pub(super) fn run() {
    super::raise_open_files();
    let counted = Arc::new(Counted::default());
    let counts = Arc::clone(&counted);
    std::thread::spawn(move || {
        for _ in std::io::stdin().lock().lines() {
            let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let (received, first) = (count(&counts.received), count(&counts.first));
            println!("{}", json!({ "received": received, "first": first }));
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("a port").port());
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(swallow(stream, Arc::clone(&counted)));
            }
        }
    });
}

/// The position in a packet of the next byte of a connection.
enum Place {
    Start,
    /// In the remaining length: packet type, length so far, shift.
    Length(u8, usize, u32),
    Body(u8, usize),
}

async fn swallow(mut stream: TcpStream, counted: Arc<Counted>) {
    let mut buffer = vec![0; 64 << 10];
    let mut place = Place::Start;
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        let mut rest = buffer.get(..read).expect("what was read");
        let (mut published, mut answers, mut over) = (0, Vec::new(), false);
        while let Some((first, after)) = rest.split_first() {
            let (kind, left) = match place {
                Place::Start => {
                    place = Place::Length(first >> 4, 0, 0);
                    rest = after;
                    continue;
                }
                Place::Length(kind, length, shift) => {
                    rest = after;
                    let length = length | usize::from(first & 0x7F) << shift;
                    if first & 0x80 != 0 {
                        place = Place::Length(kind, length, shift + 7);
                        continue;
                    }
                    (kind, length)
                }
                Place::Body(kind, left) => (kind, left),
            };
            let taken = left.min(rest.len());
            rest = rest.get(taken..).unwrap_or_default();
            if taken < left {
                place = Place::Body(kind, left - taken);
                continue;
            }
            place = Place::Start;
            match kind {
                // CONNECT, PUBLISH, PINGREQ, DISCONNECT
                1 => answers.extend_from_slice(&[0x20, 2, 0, 0]),
                3 => published += 1,
                12 => answers.extend_from_slice(&[0xD0, 0]),
                14 => over = true,
                _ => {}
            }
        }
        if published > 0 {
            if counted.first.load(Ordering::Relaxed) == 0 {
                let now = u64::try_from(now()).expect("after 1970");
                counted.first.store(now, Ordering::Relaxed);
            }
            counted.received.fetch_add(published, Ordering::Relaxed);
        }
        // After DISCONNECT, the client waits for the end of the connection.
        if over || !answers.is_empty() && stream.write_all(&answers).await.is_err() {
            return;
        }
    }
}
