//! Sends one request and reads its response.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use hyper::http::uri::InvalidUri;
use hyper::{Request, StatusCode};
use mockfleet_config::{PlaceholderValues, is_connection_header};
use url::{Position, Url};

use crate::envelope::Envelope;
use crate::http::connections::{self, HttpConnection};
use crate::http::error::RequestError;
use crate::http::open;
use crate::http::target::{Channel, Shared};

/// The bytes of a response that are read, 1 MiB: downlink messages are small, and an
/// endless response must not fill the memory of the host.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// The bytes of a page with an error in which its words are looked for, 4 KiB.
const MAX_PAGE_BYTES: usize = 4096;

/// The words of servers for a request without TLS on a port with TLS: nginx, Go and Caddy,
/// Apache, Tomcat.
const TLS_PAGES: [&str; 4] = [
    "sent to https port",
    "request to an https server",
    "speaking plain http",
    "requires tls",
];

/// The redirects of one request that are followed.
const MAX_REDIRECTS: usize = 5;

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

    /// Returns the URL of a redirect that keeps method and body (307, 308) and stays on the
    /// same server.
    ///
    /// A message must not go to another server, and a POST must not become a GET.
    fn followed(&self, from: &Url) -> Option<Url> {
        if !matches!(self.status.as_u16(), 307 | 308) {
            return None;
        }
        let to = from.join(self.location.as_ref()?).ok()?;
        (to.origin() == from.origin()).then_some(to)
    }

    /// Returns whether the server says that it expects TLS.
    fn asks_for_tls(&self) -> bool {
        let start = self.body.get(..MAX_PAGE_BYTES).unwrap_or(&self.body);
        let page = String::from_utf8_lossy(start).to_ascii_lowercase();
        let said = TLS_PAGES.iter().any(|words| page.contains(words));
        self.status == StatusCode::BAD_REQUEST && said
    }

    /// Describes a response that is not a success; `is_plain` is true without TLS.
    pub(crate) fn refusal(&self, is_plain: bool) -> String {
        let status = self.status;
        if is_plain && self.asks_for_tls() {
            return format!(
                "the server answered {status}, and that this is its port with TLS; so the url begins with https://"
            );
        }
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

/// Sends a request with these headers. `has_begun` is whether it was sent on an open
/// connection.
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
    has_begun: &Cell<bool>,
) -> Result<Response, RequestError> {
    let target = &shared.server.target;
    let mut url = target.address.shown.trim_end_matches('/').to_owned();
    match path {
        Some(path) => url.push_str(&path),
        None => channel.plan.path.render(names, &mut url),
    }
    let invalid = |error: url::ParseError| RequestError::InvalidRequest(error.to_string());
    let mut url = Url::parse(&url).map_err(invalid)?;
    let timeout = channel.plan.timeout;
    let exchanges = async {
        let mut redirects = 0;
        loop {
            let request = request(channel, &url, &headers, &payload)?;
            let response = exchange(shared, request, has_begun).await?;
            match response.followed(&url) {
                Some(next) if redirects < MAX_REDIRECTS => url = next,
                _ => return Ok(response),
            }
            redirects += 1;
        }
    };
    tokio::time::timeout(timeout, exchanges)
        .await
        .unwrap_or(Err(RequestError::Timeout(timeout)))
}

/// Makes a request to the path of a URL.
fn request(
    channel: &Channel,
    url: &Url,
    headers: &HeaderMap,
    payload: &Bytes,
) -> Result<Request<Full<Bytes>>, RequestError> {
    let mut request = Request::new(Full::new(payload.clone()));
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let invalid = |error: InvalidUri| RequestError::InvalidRequest(error.to_string());
    *request.uri_mut() = path.parse().map_err(invalid)?;
    *request.method_mut() = channel.method.clone();
    *request.headers_mut() = headers.clone();
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let host = HeaderValue::from_str(host)
        .map_err(|_| RequestError::InvalidRequest("its host is no header".into()))?;
    let own = request.headers_mut();
    own.entry(HOST).or_insert(host);
    own.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    let agent = concat!("mockfleet/", env!("CARGO_PKG_VERSION"));
    own.entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(agent));
    Ok(request)
}

/// Sends a request, and reads the response.
///
/// A server can close an idle connection while a request is on its way. If it has read
/// nothing of the request, this is sent once more, over a new connection.
async fn exchange(
    shared: &Shared,
    request: Request<Full<Bytes>>,
    has_begun: &Cell<bool>,
) -> Result<Response, RequestError> {
    if let Some(mut connection) = shared.idle.take() {
        let had_begun = has_begun.replace(true);
        match connection.sender.try_send_request(request.clone()).await {
            Ok(response) => return read(shared, connection, response).await,
            Err(mut error) => {
                let is_unsent = error.take_message().is_some();
                if !is_unsent && !connection.state.is_unread() {
                    return Err(RequestError::lost(error.error()).on_reused());
                }
                has_begun.set(had_begun);
            }
        }
    }
    let mut connection = open::open(&shared.server).await?;
    has_begun.set(true);
    let response = connection.sender.send_request(request).await;
    let response = response.map_err(|error| {
        let lost = RequestError::lost(&error);
        match shared.server.tls.is_none() && !shared.has_answered.get() {
            true => lost.without_tls(&connection.state),
            false => lost,
        }
    })?;
    read(shared, connection, response).await
}

/// Reads a response to its end, so that its connection can be used again.
///
/// A response above [`MAX_RESPONSE_BYTES`] is not read to its end, and its connection is
/// lost.
async fn read(
    shared: &Shared,
    connection: HttpConnection,
    response: hyper::Response<Incoming>,
) -> Result<Response, RequestError> {
    let at = Instant::now();
    shared.has_answered.set(true);
    let text = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (location, content_type) = (text(LOCATION), text(CONTENT_TYPE));
    let limit = connections::idle_limit(response.headers(), shared.server.idle_timeout);
    let status = response.status();
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| RequestError::lost(&error))?;
        if let Some(data) = frame.data_ref() {
            body.extend_from_slice(data);
        }
        if body.len() > MAX_RESPONSE_BYTES {
            break;
        }
    }
    let is_cut = body.len() > MAX_RESPONSE_BYTES;
    if !is_cut {
        shared.idle.put(connection, limit);
    }
    Ok(Response {
        status,
        at,
        location,
        content_type,
        is_cut,
        body,
    })
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
            if is_connection_header(name) {
                return Err(RequestError::ConnectionHeader(name.clone()));
            }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;
    use mockfleet_config::{Fleet, Protocol};

    use super::*;
    use crate::http::target::HttpTarget;

    #[test]
    fn device_sets_no_header_of_the_connection() {
        let text = "[targets.s]\nurl = \"http://127.0.0.1\"\n[targets.s.channels]\nt = { path = \"/\" }\n[[groups]]\nname = \"g\"\nplugin = \"builtin:meter\"\ncount = 1\nevery = \"1s\"\n";
        let fleet = Fleet::parse(text, "f.toml", Path::new("."), &[]).unwrap();
        let target = fleet.plan.targets.first().unwrap();
        let Protocol::Http(http) = &target.protocol else {
            panic!("the URL says http");
        };
        let target = HttpTarget::new(
            target,
            http,
            crate::RunNames {
                fleet: "f".into(),
                run: "r".into(),
            },
        )
        .unwrap();
        let names = PlaceholderValues {
            fleet: "f",
            run: "r",
            group: "g",
            device: "d",
            index: 0,
            connection: 0,
        };
        let headers_with = |name: &str| {
            let envelope = Envelope {
                device: 0,
                route: 0,
                seq: 0,
                copy: 0,
                attempt: 0,
                due: 0,
                payload: Bytes::new(),
                content_type: None,
                properties: vec![(name.to_owned(), "x".to_owned())],
                status: None,
                topic: None,
                fault: None,
                drops: 0,
            };
            headers(&target.channels[0], &names, Some(&envelope)).map_err(|error| error.to_string())
        };
        assert_eq!(headers_with("x-own").unwrap().len(), 1);
        for name in [
            "Host",
            "transfer-encoding",
            "Content-Length",
            "CONNECTION",
            "te",
        ] {
            let why = headers_with(name).unwrap_err();
            assert!(
                why.contains(name) && why.contains("belongs to the connection"),
                "{why}"
            );
        }
    }
}
