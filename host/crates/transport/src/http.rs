//! HTTP/1.1. Owns one worker's requests to one server: a device's messages go one
//! after the other, devices side by side, over pooled keep-alive connections.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Method, Response};
use rustls::ClientConfig;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{
    Envelope, INJECTED, Inbox, LinkAction, Member, Outcome, Report, RunNames, Settled, Slot,
    TlsError, Transport, tls,
};
use mockfleet_config::{Http, HttpChannel, Target};

/// The most of an answer that is read: a device's downlink is small, and a server
/// that streams without end must not fill the host.
const ANSWER: usize = 1 << 20;

/// Redirects of one request.
const HOPS: usize = 5;

/// A server as all workers see it.
#[derive(Clone)]
pub struct HttpTarget {
    target: Arc<Target>,
    channels: Arc<[Channel]>,
    tls: Option<Arc<ClientConfig>>,
    names: RunNames,
}

struct Channel {
    name: String,
    plan: HttpChannel,
    method: Method,
}

impl HttpTarget {
    /// Checks what can be checked before anything is sent.
    ///
    /// # Errors
    /// When CA or certificate files cannot be used.
    pub fn new(target: &Target, http: &Http, names: RunNames) -> Result<Self, TlsError> {
        let tls = target.address.encrypted.then(|| tls::client(&target.tls));
        let channels = http.channels.iter().map(|(name, plan)| Channel {
            name: name.clone(),
            plan: plan.clone(),
            // The fleet file's check lets only tokens through.
            method: Method::from_bytes(plan.method.as_bytes()).unwrap_or(Method::POST),
        });
        Ok(Self {
            channels: channels.collect(),
            tls: tls.transpose()?,
            target: Arc::new(target.clone()),
            names,
        })
    }
}

/// One worker's requests to a server.
pub struct Server {
    shared: Rc<Shared>,
    lanes: Vec<Option<Rc<Lane>>>,
    dirty: Vec<Rc<Lane>>,
    running: Vec<JoinHandle<()>>,
}

struct Shared {
    server: HttpTarget,
    client: Client,
    inbox: Inbox,
}

/// The messages of one device, in their order.
struct Lane {
    member: Member,
    state: RefCell<LaneState>,
    /// Wakes it when a fault that kept it back is over.
    freed: Notify,
}

#[derive(Default)]
struct LaneState {
    queue: VecDeque<Envelope>,
    /// The one that is on its way, and since when.
    current: Option<(Envelope, Instant)>,
    running: bool,
    /// The injected fault that keeps its requests back, until it is over.
    cut: Option<&'static str>,
}

impl Server {
    /// One worker's part.
    ///
    /// # Errors
    /// When no client can be made with the target's TLS settings.
    pub fn new(server: &HttpTarget, inbox: Inbox) -> Result<Self, reqwest::Error> {
        let mut builder = Client::builder()
            .http1_only()
            .no_proxy()
            .connect_timeout(server.target.connect_timeout)
            .redirect(Policy::custom(redirect))
            .user_agent(concat!("mockfleet/", env!("CARGO_PKG_VERSION")));
        if let Some(tls) = &server.tls {
            builder = builder.tls_backend_preconfigured(ClientConfig::clone(tls));
        }
        Ok(Self {
            shared: Rc::new(Shared {
                server: server.clone(),
                client: builder.build()?,
                inbox,
            }),
            lanes: Vec::new(),
            dirty: Vec::new(),
            running: Vec::new(),
        })
    }

    fn ignore(&self) {
        let target = &self.shared.server.target;
        self.shared.inbox.put(Report::Trouble(format!(
            "target {}: HTTP devices have no connection of their own; their link actions are ignored",
            target.name
        )));
    }

    fn lane(&self, slot: Slot) -> Option<&Rc<Lane>> {
        self.lanes.get(usize::try_from(slot).ok()?)?.as_ref()
    }
}

/// Follows a redirect that keeps method and body (307, 308) and stays with the same
/// server; a message must not end up elsewhere, and a POST must not become a GET.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let origin = attempt.previous().last().map(|url| url.origin());
    let stays = origin.is_some_and(|origin| origin == attempt.url().origin());
    let keeps = matches!(attempt.status().as_u16(), 307 | 308);
    if stays && keeps && attempt.previous().len() <= HOPS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

impl Transport for Server {
    fn join(&mut self, slot: Slot, member: Member) {
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        if self.lanes.len() <= place {
            self.lanes.resize_with(place + 1, || None);
        }
        if let Some(lane) = self.lanes.get_mut(place) {
            *lane = Some(Rc::new(Lane {
                member,
                state: RefCell::default(),
                freed: Notify::new(),
            }));
        }
    }

    fn submit(&mut self, envelope: Envelope) {
        let Some(lane) = self.lane(envelope.slot).cloned() else {
            return;
        };
        let mut state = lane.state.borrow_mut();
        state.queue.push_back(envelope);
        if !std::mem::replace(&mut state.running, true) {
            drop(state);
            self.dirty.push(lane);
        }
    }

    fn flush(&mut self) {
        // Amortised: the list of finished ones is cleared when it has doubled.
        if self.running.len() == self.running.capacity() {
            self.running.retain(|task| !task.is_finished());
        }
        for lane in self.dirty.drain(..) {
            let task = run_lane(Rc::clone(&self.shared), lane);
            self.running.push(tokio::task::spawn_local(task));
        }
    }

    fn act(&mut self, slot: Slot, action: LinkAction) {
        let cut = match action {
            LinkAction::Cut { fault, .. } => Some(fault),
            LinkAction::Restore { .. } => None,
            LinkAction::Slow(_) => return,
            LinkAction::Reconnect | LinkAction::Vanish(_) => return self.ignore(),
        };
        if let Some(lane) = self.lane(slot) {
            lane.state.borrow_mut().cut = cut;
            lane.freed.notify_one();
        }
    }

    fn leave(&mut self, _slot: Slot) {}

    fn drop_waiting(&mut self, why: &str) {
        for lane in self.lanes.iter().flatten() {
            let mut state = lane.state.borrow_mut();
            let why = blamed(state.cut, why);
            for envelope in state.queue.drain(..) {
                let why = why.as_str().into();
                let settled = Settled::unsent(envelope, Outcome::Dropped, why);
                self.shared.inbox.settle(settled);
            }
        }
    }

    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        for task in self.running.drain(..) {
            task.abort();
        }
        self.drop_waiting("the run ended before it could be sent");
        for lane in self.lanes.iter().flatten() {
            let mut state = lane.state.borrow_mut();
            if let Some((envelope, sent_at)) = state.current.take() {
                let why = "the run ended before the server answered";
                self.shared.inbox.settle(Settled {
                    sent_at: Some(sent_at),
                    ..Settled::unsent(envelope, Outcome::Unconfirmed, why.into())
                });
            }
        }
        Box::pin(std::future::ready(()))
    }
}

/// Sends what a device has, until there is nothing more.
async fn run_lane(shared: Rc<Shared>, lane: Rc<Lane>) {
    loop {
        while lane.state.borrow().cut.is_some() {
            lane.freed.notified().await;
        }
        let (route, path, payload) = {
            let mut state = lane.state.borrow_mut();
            let Some(mut envelope) = state.queue.pop_front() else {
                state.running = false;
                return;
            };
            envelope.attempt += 1;
            let path = envelope.topic.clone();
            let parts = (envelope.route, path, envelope.payload.clone());
            state.current = Some((envelope, Instant::now()));
            parts
        };
        let answer = match shared.server.channels.get(usize::from(route)) {
            Some(channel) => request(&shared, &lane, channel, path, payload).await,
            None => Err(Failure::unsent("the channel is not in the fleet file")),
        };
        let current = lane.state.borrow_mut().current.take();
        let Some((envelope, sent_at)) = current else {
            return;
        };
        settle(&shared, &lane, envelope, sent_at, answer);
    }
}

/// A reason, with the injected fault that is behind it.
fn blamed(cut: Option<&str>, why: &str) -> String {
    match cut {
        Some(fault) => format!("{INJECTED}{fault}: {why}"),
        None => why.into(),
    }
}

/// What a server answered.
struct Answer {
    status: reqwest::StatusCode,
    at: Instant,
    location: Option<String>,
    content_type: Option<String>,
    body: Vec<u8>,
}

/// Why there is no answer.
struct Failure {
    why: String,
    /// Whether the request may have reached the server.
    sent: bool,
}

impl Failure {
    fn unsent(why: &str) -> Self {
        Self {
            why: why.into(),
            sent: false,
        }
    }
}

async fn request(
    shared: &Shared,
    lane: &Lane,
    channel: &Channel,
    path: Option<Rc<str>>,
    payload: bytes::Bytes,
) -> Result<Answer, Failure> {
    let names = shared.server.names.of(&lane.member, 0);
    let mut url = shared
        .server
        .target
        .address
        .shown
        .trim_end_matches('/')
        .to_owned();
    match path {
        Some(path) => url.push_str(&path),
        None => channel.plan.path.render(&names, &mut url),
    }
    let headers = headers(channel, &names, lane)?;
    let request = shared
        .client
        .request(channel.method.clone(), url)
        .headers(headers)
        .timeout(channel.plan.timeout)
        .body(payload);
    let response = request
        .send()
        .await
        .map_err(|error| failure(&error, channel))?;
    let at = Instant::now();
    let text = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (location, content_type) = (text(LOCATION), text(CONTENT_TYPE));
    Ok(Answer {
        status: response.status(),
        at,
        location,
        content_type,
        body: body(response)
            .await
            .map_err(|error| failure(&error, channel))?,
    })
}

/// Reads an answer to its end, so that its connection can be used again; a longer
/// one than [`ANSWER`] is cut, at the price of its connection.
async fn body(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER {
            body.truncate(ANSWER);
            break;
        }
    }
    Ok(body)
}

fn headers(
    channel: &Channel,
    names: &mockfleet_config::PlaceholderValues<'_>,
    lane: &Lane,
) -> Result<HeaderMap, Failure> {
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
            None => Err(Failure::unsent(&format!(
                "{name:?} is no valid HTTP header"
            ))),
        }
    };
    let state = lane.state.borrow();
    if let Some((envelope, _)) = &state.current {
        if let Some(kind) = &envelope.content_type {
            add("content-type", kind)?;
        }
        for (name, value) in &envelope.properties {
            add(name, value)?;
        }
    }
    // The fleet file has the last word.
    let mut value = String::new();
    for (name, template) in &channel.plan.headers {
        value.clear();
        template.render(names, &mut value);
        add(name, &value)?;
    }
    Ok(headers)
}

/// reqwest's error in a sentence, without the URL: it may carry secrets, and would
/// make ten thousand causes of one.
fn failure(error: &reqwest::Error, channel: &Channel) -> Failure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() && error.is_connect() {
        return Failure::unsent("no connection in time (connect-timeout)");
    }
    if error.is_timeout() {
        return Failure {
            why: format!(
                "no answer within {} s (timeout)",
                channel.plan.timeout.as_secs_f64()
            ),
            sent: true,
        };
    }
    if error.is_builder() {
        return Failure::unsent(&format!("it is no HTTP request: {cause}"));
    }
    if error.is_connect() {
        return Failure::unsent(&format!("no connection: {cause}"));
    }
    Failure {
        why: format!("the connection was lost before the answer: {cause}"),
        sent: true,
    }
}

fn settle(
    shared: &Shared,
    lane: &Lane,
    envelope: Envelope,
    sent_at: Instant,
    answer: Result<Answer, Failure>,
) {
    let slot = envelope.slot;
    let channel = shared.server.channels.get(usize::from(envelope.route));
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => {
            shared.trouble(&failure.why);
            shared.inbox.settle(Settled {
                sent_at: failure.sent.then_some(sent_at),
                ..Settled::unsent(envelope, Outcome::Failed, failure.why.into())
            });
            return;
        }
    };
    let good = answer.status.is_success();
    let error = (!good).then(|| refusal(&answer));
    if let Some(why) = &error {
        shared.trouble(why);
    }
    shared.inbox.settle(Settled {
        envelope,
        outcome: if good {
            Outcome::Acked
        } else {
            Outcome::Failed
        },
        code: Some(answer.status.as_u16()),
        error: error.map(Into::into),
        sent_at: Some(sent_at),
        acked_at: good.then_some(answer.at),
    });
    if let Some(channel) = channel.filter(|_| lane.member.listens && !answer.body.is_empty()) {
        shared.inbox.put(Report::Received {
            slot,
            channel: channel.name.as_str().into(),
            payload: answer.body.into(),
            content_type: answer.content_type,
        });
    }
}

fn refusal(answer: &Answer) -> String {
    let status = answer.status;
    match &answer.location {
        Some(location) if status.is_redirection() => {
            // Only where to: the path may differ for each device.
            let place = reqwest::Url::parse(location).map_or_else(
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

impl Shared {
    fn trouble(&self, why: &str) {
        let target = &self.server.target;
        let (name, url) = (&target.name, &target.address.shown);
        self.inbox
            .put(Report::Trouble(format!("target {name} ({url}): {why}")));
    }
}
