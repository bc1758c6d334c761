//! Counts requests as an HTTP/1.1 server of one thread.
//!
//! The server reads each request to its end, responds with 204, and keeps the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::serve::serve;

/// Serves until standard input ends.
pub(super) fn run() {
    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    let counts = move || json!({ "received": counter.load(Ordering::Relaxed) });
    serve(1, counts, |stream| answer(stream, Arc::clone(&received)));
}

async fn answer(mut stream: TcpStream, received: Arc<AtomicU64>) {
    let mut bytes = Vec::with_capacity(4096);
    loop {
        while let Some(length) = request(&bytes) {
            bytes.drain(..length);
            received.fetch_add(1, Ordering::Relaxed);
            let response = b"HTTP/1.1 204 No Content\r\n\r\n";
            if stream.write_all(response).await.is_err() {
                return;
            }
        }
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    }
}

/// Returns the length of the first request, if it is complete. The clients of these benchmarks
/// send `content-length`.
fn request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + length.unwrap_or(0);
    (bytes.len() >= whole).then_some(whole)
}
