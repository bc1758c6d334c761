//! Fetches an address over HTTP, with a limit on its size.

use mockfleet_metrics::plural;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{CONTENT_ENCODING, HeaderName, LOCATION};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use crate::fetch::address::{self, Address};

const CONNECT: Duration = Duration::from_secs(10);
/// Longest time without a received byte.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest time of a whole transfer: 2 GiB at 600 KB a second.
const TRANSFER: Duration = Duration::from_secs(3_600);

/// The redirects of one request that are followed.
const MAX_REDIRECTS: usize = 5;

/// Returns the content of an address, of at most `most` bytes.
pub(crate) fn get(
    address: &Address,
    most: u64,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Bytes, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let in_time = async { tokio::time::timeout(TRANSFER, whole(address, most, progress)).await };
    runtime.block_on(in_time).unwrap_or_else(|_| {
        Err("it takes longer than an hour; download the file and name it".into())
    })
}

/// Follows redirects within a server: no server decides about another one.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let from = attempt.previous().first().map(Url::origin);
    match from == Some(attempt.url().origin()) && attempt.previous().len() <= MAX_REDIRECTS {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

async fn whole(
    address: &Address,
    most: u64,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Bytes, String> {
    let client = Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(redirect::Policy::custom(follow))
        .https_only(address.url().scheme() == "https")
        .user_agent(concat!("mockfleet/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| reason(&error))?;
    let response = client
        .get(address.url().clone())
        .send()
        .await
        .map_err(|error| unreached(&error))?;
    check(&response)?;
    let length = response.content_length();
    if length.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            format!(
                "it broke off after {}: {}; try again",
                plural(bytes.len(), "byte"),
                reason(&error)
            )
        })?;
        bytes.extend_from_slice(&chunk);
        let there = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if there > most {
            return Err(too_large(most));
        }
        progress(there, length);
    }
    Ok(bytes.into())
}

fn check(response: &Response) -> Result<(), String> {
    let status = response.status();
    let header = |name: HeaderName| response.headers().get(name)?.to_str().ok();
    let host = address::shown(response.url());
    if status.is_success() {
        return match header(CONTENT_ENCODING).filter(|coding| *coding != "identity") {
            None => Ok(()),
            Some(coding) => Err(format!(
                "{host} sends it packed ({coding:?}), which was not requested and is not unpacked; download the file and name it"
            )),
        };
    }
    Err(match status {
        _ if status.is_redirection() && header(LOCATION).is_some() => {
            let to = header(LOCATION).and_then(|to| response.url().join(to).ok());
            match to.filter(|to| to.origin() != response.url().origin()) {
                Some(to) => format!(
                    "{host} redirects to {}, and only redirects to the same server are followed; give that address if you trust it",
                    to.origin().ascii_serialization()
                ),
                None => format!("{host} redirects more than {MAX_REDIRECTS} times"),
            }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
            "HTTP {status} from {host}: it wants a login; give one in the address (https://USER:PASSWORD@…), or download the file and name it"
        ),
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            format!("HTTP {status} from {host}: nothing is there; check the address")
        }
        _ => {
            format!("HTTP {status} from {host}; try again later, or download the file and name it")
        }
    })
}

fn too_large(most: u64) -> String {
    format!("it is larger than {most} bytes, which is the most that is fetched")
}

fn unreached(error: &reqwest::Error) -> String {
    format!(
        "it cannot be reached: {}; check the address and the network, or download the file elsewhere and name it",
        reason(error)
    )
}

/// Returns the innermost cause: the outer ones contain the whole URL.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::addr_eq(cause, error) {
        return if error.is_timeout() {
            "no answer in time".into()
        } else {
            error
                .to_string()
                .split(" for url")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// Starts a server whose response depends on the path.
    fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                while lines
                    .next()
                    .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
                {}
                let path = first.split(' ').nth(1).unwrap();
                let (head, body) = ("Connection: close\r\n", answer(path));
                // The client may close the connection before the end.
                let _ = write!(
                    stream,
                    "HTTP/1.1 {}",
                    body.replacen("\r\n", &format!("\r\n{head}"), 1)
                );
            }
        });
        format!("http://127.0.0.1:{port}")
    }

    fn fetched(url: &str) -> Result<Bytes, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pinned = format!("{url}#sha256={}", "0".repeat(64));
        let address = Address::parse(&pinned).unwrap().unwrap();
        get(&address, 1_000, &mut |_, _| {})
    }

    #[test]
    fn redirect_within_the_server_is_followed() {
        let url = serve(|path| match path {
            "/there" => "200 OK\r\nContent-Length: 2\r\n\r\nok".into(),
            "/moved" => "302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".into(),
            _ => "302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n".into(),
        });
        assert_eq!(fetched(&format!("{url}/moved")).unwrap(), "ok");
        let said = fetched(&format!("{url}/again")).unwrap_err();
        assert!(said.ends_with("redirects more than 5 times"), "{said}");
    }

    #[test]
    fn redirect_to_another_server_is_refused() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.set_nonblocking(true).unwrap();
        let to = format!("http://{}", other.local_addr().unwrap());
        let at = to.clone();
        let url = serve(move |_| {
            format!("307 Moved\r\nLocation: {at}/secret?a=b\r\nContent-Length: 0\r\n\r\n")
        });
        let said = fetched(&format!("{url}/x")).unwrap_err();
        let words = format!(
            "{url}/x redirects to {to}, and only redirects to the same server are followed; give that address if you trust it"
        );
        assert_eq!(said, words);
        assert!(other.accept().is_err(), "the other server was called");
    }

    #[test]
    fn packed_and_endless_responses_are_refused() {
        let url = serve(|path| match path {
            "/packed" => "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok".into(),
            "/long" => "200 OK\r\nContent-Length: 1001\r\n\r\n".into(),
            "/endless" => format!("200 OK\r\n\r\n{}", "x".repeat(1_001)),
            // No time that a server names is waited for.
            _ => "503 Busy\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n".into(),
        });
        let said = |path: &str| fetched(&format!("{url}{path}")).unwrap_err();
        assert!(said("/packed").contains("sends it packed (\"gzip\")"));
        for path in ["/long", "/endless"] {
            assert!(said(path).contains("larger than 1000 bytes"), "{path}");
        }
        assert!(said("/busy").contains("HTTP 503"));
    }
}
