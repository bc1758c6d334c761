//! Sends requests to an object store, and bounds its responses.
//!
//! A server decides about its responses. None of them leads to another host, is unpacked, or has
//! more bytes than its request can need.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use http_body::Frame;
use http_body_util::StreamBody;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use reqwest::header::{HeaderMap, LOCATION, RANGE};
use reqwest::{Client, Url, redirect};

/// Timeout of a request: 128 MiB over a slow line take longer than the library's 30 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

/// Timeout of opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The redirects of one request that are followed.
const MAX_REDIRECTS: usize = 5;

/// Maximum size of a response with an error, 1 MiB.
const MAX_ERROR_BYTES: u64 = 1 << 20;

/// Maximum size of a response without a requested range, 16 MiB: a list of 1,000 keys, whose
/// letters may all be escaped, or credentials.
const MAX_RESPONSE_BYTES: u64 = 16 << 20;

/// The reason why a response of a store is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum ResponseError {
    #[error(
        "the store redirects to {to}, and only redirects to itself are followed; if that is the store, set AWS_ENDPOINT_URL to it"
    )]
    OtherHost { to: String },
    #[error("the store redirects more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    #[error("the store sends more than the {limit} bytes that this request can need")]
    TooLarge { limit: u64 },
}

/// Makes the clients of an object store.
#[derive(Debug)]
pub(crate) struct BoundedConnector;

impl HttpConnector for BoundedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        let client = Client::builder()
            .user_agent(concat!("mockfleet/", env!("CARGO_PKG_VERSION")))
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .https_only(allow_http.as_deref() != Some("true"))
            .redirect(redirect::Policy::custom(follow))
            .build();
        let client = client.map_err(|error| object_store::Error::Generic {
            store: "HTTP client",
            source: Box::new(error),
        })?;
        Ok(HttpClient::new(BoundedClient(client)))
    }
}

/// Follows redirects within a server. A redirect to another one would take the request there, with
/// the session token in its headers.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let from = attempt.previous().first().map(Url::origin);
    match from == Some(attempt.url().origin()) && attempt.previous().len() <= MAX_REDIRECTS {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

#[derive(Debug)]
struct BoundedClient(Client);

impl HttpService for BoundedClient {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let requested = requested_bytes(request.headers());
            let server = Url::parse(&request.uri().to_string()).map(|url| url.origin());
            let response = self.0.call(request).await?;
            if let Some(location) = location(&response) {
                let to = Url::parse(location).map(|url| url.origin());
                let refused = match to {
                    Ok(to) if Ok(&to) != server.as_ref() => ResponseError::OtherHost {
                        // The path may have secrets.
                        to: to.ascii_serialization(),
                    },
                    _ => ResponseError::TooManyRedirects,
                };
                return Err(HttpError::new(HttpErrorKind::Unknown, refused));
            }
            Ok(bounded(response, requested))
        })
    }
}

/// Returns the address of a redirect that was not followed.
fn location(response: &HttpResponse) -> Option<&str> {
    let location = response.headers().get(LOCATION)?;
    let is_redirect = response.status().is_redirection();
    location.to_str().ok().filter(|_| is_redirect)
}

/// Limits the body of a response.
fn bounded(response: HttpResponse, requested: Option<u64>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let limit = match (parts.status.is_success(), requested) {
        (false, _) => MAX_ERROR_BYTES,
        (true, Some(bytes)) => bytes,
        (true, None) => MAX_RESPONSE_BYTES,
    };
    let mut left = limit;
    let chunks = body.bytes_stream().map(move |chunk| {
        let chunk = chunk?;
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        match left.checked_sub(length) {
            Some(rest) => {
                left = rest;
                Ok(Frame::data(chunk))
            }
            None => {
                let refused = ResponseError::TooLarge { limit };
                Err(HttpError::new(HttpErrorKind::Decode, refused))
            }
        }
    });
    let body = StreamBody::new(Chunks(Mutex::new(chunks.boxed())));
    HttpResponse::from_parts(parts, HttpResponseBody::new(body))
}

/// Returns the number of bytes of a `bytes=FIRST-LAST` range.
fn requested_bytes(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    last.checked_sub(first)?.checked_add(1)
}

/// The chunks of a body, for any thread.
struct Chunks(Mutex<BoxStream<'static, Result<Frame<Bytes>, HttpError>>>);

impl Stream for Chunks {
    type Item = Result<Frame<Bytes>, HttpError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunks = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        chunks.poll_next_unpin(context)
    }
}
