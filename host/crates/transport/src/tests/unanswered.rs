//! Tests requests that get no answer of HTTP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use crate::envelope::Outcome;
use crate::tests::fleet::{TestFleet, run};

/// Sends a request to a server that reads it, answers with these bytes, and closes the
/// connection. Returns the cause of its failure.
async fn failure(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4000]).unwrap();
        socket.write_all(answer).unwrap();
    });
    let mut fleet = TestFleet::for_server(port, "", 1);
    fleet.send(0, 0, 3);
    fleet.until(|fleet| fleet.completed.len() == 1).await;
    assert_eq!(fleet.completed[0].outcome, Outcome::Failed);
    let why = fleet.completed[0].error.as_ref().unwrap();
    why.text().into_owned()
}

#[test]
fn request_to_a_port_with_tls_is_explained() {
    run(async {
        let sure = "this is its port with TLS, so the url begins with https://";
        for answer in [
            &b"\x15\x03\x03\x00\x02\x02\x46"[..],
            b"\x15\x03\x01\x00\x02\x02\x0a",
        ] {
            let why = failure(answer).await;
            assert!(why.ends_with(sure), "{why}");
        }
        let why = failure(b"").await;
        let likely = "; if the server expects TLS, the url begins with https://";
        assert!(why.ends_with(likely), "{why}");
        let page = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 64\r\n\r\n\
            <h1>The plain HTTP request was sent to HTTPS port</h1>          ";
        let why = failure(page).await;
        assert!(why.ends_with("so the url begins with https://"), "{why}");
        let other = failure(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(other, "the server answered 400 Bad Request");
    });
}

#[test]
fn server_that_answered_before_is_not_asked_for_tls() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for answer in [&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], b""] {
                let (mut socket, _) = listener.accept().unwrap();
                let _ = socket.read(&mut [0; 4000]).unwrap();
                socket.write_all(answer).unwrap();
            }
        });
        let mut fleet = TestFleet::for_server(port, "", 1);
        fleet.send(0, 0, 3);
        fleet.send(0, 1, 3);
        fleet.until(|fleet| fleet.completed.len() == 2).await;
        let why = fleet.completed[1].error.as_ref().unwrap().text();
        assert!(why.starts_with("the connection was lost"), "{why}");
        assert!(!why.contains("https"), "{why}");
    });
}

/// Returns a port that answers no further connection, and the sockets that keep it so.
fn full_port() -> (u16, Vec<TcpStream>, tokio::net::TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let limit = Duration::from_millis(200);
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, limit) {
        waiting.push(stream);
    }
    (address.port(), waiting, listener)
}

#[test]
fn message_without_a_connection_was_never_sent() {
    run(async {
        let (port, _waiting, _listener) = full_port();
        let mut fleet = TestFleet::for_server(port, "timeout = \"1h\"", 2);
        fleet.send(0, 0, 3);
        fleet.send(0, 1, 3);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let why = fleet.transport.wait_cause(0);
        assert_eq!(why.text(), "there is no connection to the server yet");
        fleet.close().await;
        assert_eq!(fleet.completed.len(), 2);
        for end in &fleet.completed {
            assert_eq!((end.outcome, end.envelope.attempt), (Outcome::Dropped, 0));
            assert!(end.sent_at.is_none());
        }
        let why = fleet
            .completed
            .iter()
            .map(|end| end.error.as_ref().unwrap());
        let opened = "no connection to the server was opened";
        assert!(why.into_iter().any(|why| why.text().ends_with(opened)));
    });
}

#[test]
fn timeout_before_a_connection_is_no_time_of_sending() {
    run(async {
        let (port, _waiting, _listener) = full_port();
        let mut fleet = TestFleet::for_server(port, "timeout = \"100ms\"", 1);
        fleet.send(0, 0, 3);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        let end = &fleet.completed[0];
        assert_eq!(end.outcome, Outcome::Failed);
        assert!(end.sent_at.is_none());
        let why = end.error.as_ref().unwrap().text();
        assert_eq!(why, "no connection within 0.1 s (timeout)");
    });
}
