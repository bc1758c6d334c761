//! Counts messages as a minimal broker.
//!
//! The sink accepts connections, counts PUBLISH packets, acknowledges those of QoS 1, and
//! drops them. It has as many threads as `--threads`, so that the sender is what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, BytesMut};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::serve::serve;
use crate::measure::{now, option};

/// The bytes that one read takes at most, 64 KiB.
const READ: usize = 64 << 10;

#[derive(Default)]
struct Counted {
    received: AtomicU64,
    /// Time of the first message, in microseconds since 1970.
    first: AtomicU64,
}

/// Serves until standard input ends.
pub(super) fn run() {
    let counted = Arc::new(Counted::default());
    let counts = Arc::clone(&counted);
    let counts = move || {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        json!({ "received": count(&counts.received), "first": count(&counts.first) })
    };
    serve(option("--threads", 1, 1), counts, |stream| {
        swallow(stream, Arc::clone(&counted))
    });
}

async fn swallow(mut stream: TcpStream, counted: Arc<Counted>) {
    let mut bytes = BytesMut::with_capacity(2 * READ);
    let mut answers = Vec::new();
    loop {
        bytes.reserve(READ);
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
        let (mut published, mut is_over) = (0, false);
        while let Some((kind, head, length)) = packet(&bytes) {
            let body = bytes.get(head..head + length).expect("a complete packet");
            match kind >> 4 {
                1 => answers.extend_from_slice(&[0x20, 2, 0, 0]),
                3 => {
                    published += 1;
                    if kind & 0b0110 != 0 {
                        let id = packet_id(body).expect("a packet identifier");
                        answers.extend_from_slice(&[0x40, 2, id[0], id[1]]);
                    }
                }
                12 => answers.extend_from_slice(&[0xD0, 0]),
                // DISCONNECT: the client waits for the end of the connection.
                14 => is_over = true,
                _ => {}
            }
            bytes.advance(head + length);
        }
        if published > 0 {
            if counted.first.load(Ordering::Relaxed) == 0 {
                let now = u64::try_from(now()).expect("after 1970");
                counted.first.store(now, Ordering::Relaxed);
            }
            counted.received.fetch_add(published, Ordering::Relaxed);
        }
        let is_lost = !answers.is_empty() && stream.write_all(&answers).await.is_err();
        if is_over || is_lost {
            return;
        }
        answers.clear();
    }
}

/// Returns the first byte of a packet, the length of its head, and that of its body; `None`
/// if it is not complete.
fn packet(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (kind, rest) = bytes.split_first()?;
    let (mut length, mut head) = (0, 1);
    for (byte, shift) in rest.iter().zip([0, 7, 14, 21]) {
        length |= usize::from(byte & 0x7F) << shift;
        head += 1;
        if byte & 0x80 == 0 {
            return (bytes.len() >= head + length).then_some((*kind, head, length));
        }
    }
    None
}

/// Returns the packet identifier, which is behind the topic.
fn packet_id(body: &[u8]) -> Option<[u8; 2]> {
    let topic = usize::from(u16::from_be_bytes(*body.first_chunk()?));
    body.get(2 + topic..)?.first_chunk().copied()
}
