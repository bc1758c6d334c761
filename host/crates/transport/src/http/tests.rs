//! Sends requests to servers that answer with malice.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::envelope::Outcome;
use crate::tests::fleet::{TestFleet, run};

/// Starts a server that answers each request with these headers and this body.
fn serve(head: String, body: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 1000];
            while !request.ends_with(b"\r\n\r\n   ") {
                let read = socket.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            let head = format!("HTTP/1.1 {head}connection: close\r\n\r\n");
            // The client may close the connection before the end.
            let _ = socket
                .write_all(head.as_bytes())
                .and_then(|()| socket.write_all(&body));
        }
    });
    port
}

/// Sends two messages of a device, one after the other.
async fn two_messages(port: u16) -> TestFleet {
    let mut fleet = TestFleet::for_server(port, "", 1);
    fleet.send(0, 0, 3);
    fleet.send(0, 1, 3);
    fleet.until(|fleet| fleet.completed.len() == 2).await;
    fleet
}

#[test]
fn time_that_a_server_names_is_not_waited_for() {
    run(async {
        let head = "503 Busy\r\nretry-after: 86400\r\ncontent-length: 0\r\n".to_owned();
        let fleet = two_messages(serve(head, Vec::new())).await;
        let codes: Vec<_> = fleet.completed.iter().map(|end| end.code).collect();
        assert_eq!(codes, [Some(503), Some(503)]);
    });
}

#[test]
fn redirect_to_another_server_is_not_followed() {
    run(async {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.set_nonblocking(true).unwrap();
        let to = other.local_addr().unwrap();
        let head = format!("307 Moved\r\nlocation: http://{to}/there\r\ncontent-length: 0\r\n");
        let fleet = two_messages(serve(head, Vec::new())).await;
        assert!(fleet.completed.iter().all(|end| end.code == Some(307)));
        assert!(other.accept().is_err(), "the other server was called");
    });
}

#[test]
fn packed_response_stays_packed() {
    run(async {
        // A gzip stream of 10 MiB of zeros begins like this.
        let body = [&[0x1f, 0x8b, 8][..], &[0; 17]].concat();
        let head = "200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 20\r\n".to_owned();
        let fleet = two_messages(serve(head, body)).await;
        assert_eq!(fleet.received_bytes, [20, 20]);
    });
}

#[test]
fn response_above_one_mib_is_no_message() {
    run(async {
        let body = vec![b'x'; (1 << 20) + 1];
        let fleet = two_messages(serve("200 OK\r\n".to_owned(), body)).await;
        assert!(
            fleet
                .completed
                .iter()
                .all(|end| end.outcome == Outcome::Acked)
        );
        assert!(fleet.received.is_empty());
        assert!(
            fleet
                .warnings
                .iter()
                .all(|text| text.contains("above 1 MiB"))
        );
    });
}
