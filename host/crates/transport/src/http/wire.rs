//! Tells which requests the server never read.
//!
//! A server closes an idle connection while a request is on its way. Its system then answers
//! the request with a reset, after the end of the stream: no program has read a byte of it.
//! A server that reads the request and then closes sends the end of the stream alone.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::connect::stream::Stream;

/// The maximum wait for the reset after the end of the stream, 500 ms: more than most round
/// trips. Only requests that failed wait.
const RESET_WAIT: Duration = Duration::from_millis(500);

/// The time between two looks at the socket, 2 ms.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// The first bytes of an alert and of a handshake (RFC 8446, section 5.1).
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];

/// The state of a request on a connection.
#[derive(Debug, Default)]
pub(crate) struct RequestState {
    /// Whether a byte was written, and no byte of the response has come.
    is_open: Cell<bool>,
    /// Whether the server never read the request.
    unread: Cell<bool>,
    /// Whether a byte of a response has come on the connection.
    has_answer: Cell<bool>,
    /// Whether the first byte of the connection is one of TLS, and not of HTTP.
    is_tls: Cell<bool>,
}

impl RequestState {
    /// Starts another request.
    pub(crate) fn restart(&self) {
        self.is_open.set(false);
        self.unread.set(false);
    }

    /// Returns whether a byte of a response has come on the connection.
    pub(crate) fn has_answer(&self) -> bool {
        self.has_answer.get()
    }

    /// Returns whether the server speaks TLS on this connection, which has none.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls.get()
    }

    /// Notes bytes of the server.
    fn note_read(&self, bytes: &[u8]) {
        self.is_open.set(false);
        if !self.has_answer.replace(true) {
            let first = bytes.first().copied();
            self.is_tls
                .set(first.is_some_and(|byte| TLS_RECORDS.contains(&byte)));
        }
    }

    /// Returns whether the connection ended before the server read the request.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.get()
    }
}

/// A socket that watches the requests on it.
pub(crate) struct Wire {
    stream: Stream,
    state: Rc<RequestState>,
    /// The wait for the reset: the next look, and the end.
    wait: Option<(Pin<Box<Sleep>>, Instant)>,
}

impl Wire {
    /// Wraps an open connection.
    pub(crate) fn new(stream: Stream) -> (Self, Rc<RequestState>) {
        let state = Rc::<RequestState>::default();
        let wire = Self {
            stream,
            state: Rc::clone(&state),
            wait: None,
        };
        (wire, state)
    }

    /// Waits until the socket has an error after the end of the stream, or the time is over.
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if matches!(self.stream.take_error(), Ok(Some(_)) | Err(_)) {
                self.state.unread.set(true);
                return Poll::Ready(());
            }
            let now = Instant::now();
            let (look, end) = self.wait.get_or_insert_with(|| {
                let look = Box::pin(tokio::time::sleep(LOOK_INTERVAL));
                (look, now + RESET_WAIT)
            });
            if now >= *end {
                return Poll::Ready(());
            }
            if look.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            look.as_mut().reset(now + LOOK_INTERVAL);
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.wait.is_none() {
            let before = buf.filled().len();
            match Pin::new(&mut wire.stream).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() > before => {
                    wire.state
                        .note_read(buf.filled().get(before..).unwrap_or_default());
                    return Poll::Ready(Ok(()));
                }
                // The end of the stream; TLS may miss its own.
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                other => return other,
            }
            if !wire.state.is_open.get() {
                return Poll::Ready(Ok(()));
            }
        }
        wire.poll_reset(cx).map(Ok)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.stream).poll_write(cx, bytes);
        match &written {
            Poll::Ready(Ok(_)) => wire.state.is_open.set(true),
            Poll::Ready(Err(_)) if !wire.state.is_open.get() => wire.state.unread.set(true),
            Poll::Ready(Err(_)) | Poll::Pending => {}
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Sends a request to a server that reads this many bytes before it closes. Returns
    /// whether the request counts as unread.
    async fn is_unread(read_before: usize, closed_first: bool) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut server, _) = server.unwrap();
        let (mut wire, state) = Wire::new(Stream::Plain(client.unwrap()));
        if closed_first {
            drop(server);
            tokio::time::sleep(Duration::from_millis(20)).await;
            wire.write_all(b"request").await.unwrap();
        } else {
            wire.write_all(b"request").await.unwrap();
            let mut bytes = vec![0; read_before];
            server.read_exact(&mut bytes).await.unwrap();
            drop(server);
        }
        assert_eq!(wire.read(&mut [0; 10]).await.unwrap(), 0);
        state.is_unread()
    }

    #[test]
    fn only_a_request_to_a_closed_socket_is_unread() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(async {
            assert!(is_unread(0, true).await);
            assert!(!is_unread(7, false).await);
        });
    }
}
