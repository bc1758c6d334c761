//! Sends one request and reads its response.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use mockfleet_config::PlaceholderValues;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{StatusCode, Url};

use crate::envelope::Envelope;
use crate::http::error::RequestError;
use crate::http::target::{Channel, Shared};

/// The bytes of a response that are read, 1 MiB: downlink messages are small, and an
/// endless response must not fill the memory of the host.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// The response of a server.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    /// The time of its headers.
    pub(crate) at: Instant,
    location: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Whether the body is above [`MAX_RESPONSE_BYTES`], and is not all of it.
    pub(crate) is_cut: bool,
}

impl Response {
    /// Returns whether the body is a message to the device. That of a refusal is only if
    /// the channel has it so.
    pub(crate) fn is_downlink(&self, channel: &Channel) -> bool {
        let is_wanted = self.status.is_success() || channel.plan.error_downlink;
        is_wanted && !self.body.is_empty() && !self.is_cut
    }

    /// Describes a response that is not a success.
    pub(crate) fn refusal(&self) -> String {
        let status = self.status;
        match &self.location {
            Some(location) if status.is_redirection() => {
                // The origin only: the path may differ for each device.
                let place = Url::parse(location).map_or_else(
                    |_| "another path".into(),
                    |url| url.origin().ascii_serialization(),
                );
                format!(
                    "the server redirects ({status}) to {place}; only 307 and 308 to itself are followed"
                )
            }
            _ => format!("the server answered {status}"),
        }
    }
}

/// Sends a request with these headers.
///
/// # Errors
/// When there is no complete response in time.
pub(crate) async fn send(
    shared: &Shared,
    channel: &Channel,
    names: &PlaceholderValues<'_>,
    headers: HeaderMap,
    path: Option<Rc<str>>,
    payload: Bytes,
) -> Result<Response, RequestError> {
    let target = &shared.server.target;
    let mut url = target.address.shown.trim_end_matches('/').to_owned();
    match path {
        Some(path) => url.push_str(&path),
        None => channel.plan.path.render(names, &mut url),
    }
    let timeout = channel.plan.timeout;
    let request = shared
        .client
        .request(channel.method.clone(), url)
        .headers(headers)
        .timeout(timeout)
        .body(payload);
    let response = request
        .send()
        .await
        .map_err(|error| RequestError::from_reqwest(&error, timeout))?;
    let at = Instant::now();
    let text = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (location, content_type) = (text(LOCATION), text(CONTENT_TYPE));
    let status = response.status();
    let body = body(response)
        .await
        .map_err(|error| RequestError::from_reqwest(&error, timeout))?;
    Ok(Response {
        status,
        at,
        location,
        content_type,
        is_cut: body.len() > MAX_RESPONSE_BYTES,
        body,
    })
}

/// Reads a response to its end, so that its connection can be reused.
///
/// A response above [`MAX_RESPONSE_BYTES`] is not read to its end, and its connection is
/// lost.
async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_RESPONSE_BYTES {
            break;
        }
    }
    Ok(body)
}

/// Returns the headers of an envelope. Those of the fleet file replace those of the
/// device.
///
/// # Errors
/// When a name or value is not a valid header.
pub(crate) fn headers(
    channel: &Channel,
    names: &PlaceholderValues<'_>,
    envelope: Option<&Envelope>,
) -> Result<HeaderMap, RequestError> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        match parsed {
            Some((name, value)) => {
                headers.insert(name, value);
                Ok(())
            }
            None => Err(RequestError::InvalidHeader(name.to_owned())),
        }
    };
    if let Some(envelope) = envelope {
        if let Some(content_type) = &envelope.content_type {
            add("content-type", content_type)?;
        }
        for (name, value) in &envelope.properties {
            add(name, value)?;
        }
    }
    let mut value = String::new();
    for (name, template) in &channel.plan.headers {
        value.clear();
        template.render(names, &mut value);
        add(name, &value)?;
    }
    Ok(headers)
}
