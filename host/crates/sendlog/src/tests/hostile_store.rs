//! Reads from stores whose servers answer with malice.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;

use crate::store::s3::Bucket;

/// Returns a bucket of a server that answers each request with this head. After it follows a body
/// without end, or none.
fn bucket(head: &str, is_endless: bool) -> Bucket {
    let head: Arc<str> = head.replacen("\r\n", "\r\nConnection: close\r\n", 1).into();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, head) = (stream.unwrap(), Arc::clone(&head));
            // The client may try again before it closes the connection, at any time.
            std::thread::spawn(move || respond(stream, &head, is_endless));
        }
    });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = AmazonS3Builder::new()
        .with_region("us-east-1")
        .with_endpoint(endpoint)
        .with_access_key_id("a")
        .with_secret_access_key("b");
    Bucket::connect(store, true, "bucket", "").unwrap()
}

fn respond(mut stream: TcpStream, head: &str, is_endless: bool) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        request.read_line(&mut line)?;
        let (name, value) = line.trim().split_once(": ").unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    request.take(length).read_to_end(&mut Vec::new())?;
    write!(stream, "HTTP/1.1 {head}")?;
    let chunk = vec![b'x'; 1 << 16];
    match is_endless {
        true => loop {
            stream.write_all(&chunk)?;
        },
        false => Ok(()),
    }
}

fn said(bucket: &Bucket) -> String {
    bucket.get_range("key", 0..10).unwrap_err().to_string()
}

#[test]
fn redirect_of_a_store_to_another_host_is_refused() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let to = format!("http://{}", other.local_addr().unwrap());
    let head = format!("307 Moved\r\nLocation: {to}/secret\r\nContent-Length: 0\r\n\r\n");
    let bucket = bucket(&head, false);
    let words = format!("the store redirects to {to}, and only redirects to itself are followed");
    for error in [said(&bucket), bucket.probe().unwrap_err().to_string()] {
        assert!(
            error.contains(&words) && !error.contains("secret"),
            "{error}"
        );
    }
    assert!(other.accept().is_err(), "the other server was called");
}

#[test]
fn redirects_of_a_store_to_itself_have_a_limit() {
    let bucket = bucket(
        "307 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    assert!(said(&bucket).contains("redirects more than 5 times"));
}

#[test]
fn body_without_end_is_cut_at_what_was_requested() {
    let head = "206 Partial\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 9999999999\r\n\
        ETag: \"a\"\r\nLast-Modified: Mon, 30 Nov 2026 00:00:00 GMT\r\n\r\n";
    let error = said(&bucket(head, true));
    assert!(error.contains("more than the 10 bytes"), "{error}");
}

#[test]
fn errors_and_lists_without_end_are_cut() {
    let refused = bucket("403 Forbidden\r\n\r\n", true);
    let error = said(&refused);
    assert!(error.contains("more than the 1048576 bytes"), "{error}");
    let list = bucket("200 OK\r\n\r\n", true);
    let error = list.sizes("sends").unwrap_err().to_string();
    assert!(error.contains("more than the 16777216 bytes"), "{error}");
}

#[test]
fn page_of_a_store_is_cut_in_its_error() {
    let page = "word ".repeat(10_000);
    let head = format!(
        "403 Forbidden\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    );
    let error = said(&bucket(&head, false));
    assert!(error.ends_with("…)") && error.len() < 600, "{error}");
}

#[test]
fn time_that_a_store_names_is_not_waited_for() {
    let busy = bucket(
        "503 Busy\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    assert!(said(&busy).contains("503"));
}
