//! Tests requests on connections that the server closes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::envelope::Outcome;
use crate::tests::fleet::{TestFleet, run};

/// The server's step for one connection after its first request.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// Closes the connection when the test says so.
    Close,
    /// Reads the next request, and closes the connection without an answer.
    ReadAndClose,
    /// Answers all requests.
    Answer,
}

/// Reads a request with a body of 3 bytes. Returns false at the end of the connection.
fn read_request(socket: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1000];
    while !bytes.ends_with(b"\r\n\r\n   ") {
        match socket.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return false,
        }
    }
    true
}

/// Serves connections one after the other, on a thread of its own. Returns the port, and
/// the numbers of the connections that got a request.
fn serve(headers: &'static str, steps: Vec<Then>, closes: Receiver<()>) -> (u16, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests): (Sender<usize>, _) = channel();
    std::thread::spawn(move || {
        for (number, then) in steps.into_iter().enumerate() {
            let (mut socket, _) = listener.accept().unwrap();
            let mut is_first = true;
            while read_request(&mut socket) {
                sender.send(number).unwrap();
                if then == Then::ReadAndClose && !is_first {
                    break;
                }
                is_first = false;
                let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
                socket.write_all(answer.as_bytes()).unwrap();
                if then == Then::Close {
                    closes.recv().unwrap();
                    break;
                }
            }
        }
    });
    (port, requests)
}

#[test]
fn request_that_meets_a_closed_connection_arrives() {
    run(async {
        let (close, closes) = channel();
        let (port, requests) = serve("", vec![Then::Close, Then::Answer], closes);
        let mut fleet = TestFleet::for_server(port, "", 1);
        fleet.send(0, 0, 3);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        // The server closes the connection while this thread cannot see it.
        close.send(()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        fleet.send(0, 1, 3);
        fleet.until(|fleet| fleet.completed.len() == 2).await;
        assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Acked));
        assert_eq!(requests.try_iter().collect::<Vec<_>>(), [0, 1]);
    });
}

#[test]
fn request_that_the_server_has_read_is_not_sent_again() {
    run(async {
        let (_close, closes) = channel();
        let (port, requests) = serve("", vec![Then::ReadAndClose, Then::Answer], closes);
        let mut fleet = TestFleet::for_server(port, "", 1);
        fleet.send(0, 0, 3);
        fleet.send(0, 1, 3);
        fleet.until(|fleet| fleet.completed.len() == 2).await;
        let failed = &fleet.completed[1];
        assert_eq!(failed.outcome, Outcome::Failed);
        let why = failed.error.as_ref().unwrap().text().into_owned();
        assert!(
            why.contains("the connection was lost before the answer"),
            "{why}"
        );
        assert!(why.contains("a smaller idle-timeout helps"), "{why}");
        assert_eq!(requests.try_iter().collect::<Vec<_>>(), [0, 0]);
    });
}

#[test]
fn connection_is_not_used_up_to_its_announced_end() {
    for (headers, keys, connections) in [
        ("keep-alive: timeout=1\r\n", "", [0, 1]),
        ("", "idle-timeout = \"500ms\"", [0, 1]),
        ("keep-alive: timeout=5\r\n", "", [0, 0]),
    ] {
        run(async move {
            let (close, closes) = channel();
            let first = match connections {
                [0, 0] => Then::Answer,
                _ => Then::Close,
            };
            let (port, requests) = serve(headers, vec![first, Then::Answer], closes);
            let mut fleet = TestFleet::for_server(port, keys, 1);
            fleet.send(0, 0, 3);
            fleet.until(|fleet| fleet.completed.len() == 1).await;
            tokio::time::sleep(Duration::from_millis(600)).await;
            fleet.send(0, 1, 3);
            if first == Then::Close {
                // The new connection waits for the server to leave the first one.
                close.send(()).unwrap();
            }
            fleet.until(|fleet| fleet.completed.len() == 2).await;
            assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Acked));
            assert_eq!(requests.try_iter().collect::<Vec<_>>(), connections);
        });
    }
}
