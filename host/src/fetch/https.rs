//! Fetches an address over HTTP, with a limit on its size.

use mockfleet_metrics::plural;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{Client, Response, StatusCode};

use crate::fetch::address::{self, Address};

const CONNECT: Duration = Duration::from_secs(10);
/// Longest time without a received byte.
const SILENCE: Duration = Duration::from_secs(30);

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
    runtime.block_on(whole(address, most, progress))
}

async fn whole(
    address: &Address,
    most: u64,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Bytes, String> {
    let client = Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        // An https:// address does not follow a redirect to an unencrypted one.
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
    if status.is_success() {
        return Ok(());
    }
    let host = address::shown(response.url());
    Err(match status {
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
