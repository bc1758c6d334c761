//! MQTT 3.1.1. Owns the connections of one worker to one broker: which device speaks
//! over which, and their life from joining to goodbye. The packets are rumqttc's
//! codec; its event loop is not used, for three reasons: an outcome has to be tied to
//! its message (also across a reconnect), a connection that rests has to cost a few
//! hundred bytes instead of tens of KiB, and one write should carry everything that
//! is due.
//!
//! [`link`] is the state of one connection, [`connect`] opens it, [`session`] moves
//! its bytes, [`receive`] takes what the broker sends, [`hurt`] is what injected faults
//! do to it.

mod connect;
mod hurt;
mod link;
mod receive;
mod session;
mod stream;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::Instant;

use self::link::{Command, Link};
use self::session::Scratch;
use super::backoff::Backoff;
use super::pace::Pace;
use super::{
    Envelope, Inbox, LinkAction, Member, Outcome, Report, RunNames, Slot, TlsError, Transport, tls,
};
use mockfleet_config::{Connections, Mqtt, MqttChannel, Target};

/// A broker as all workers see it.
#[derive(Clone)]
pub struct BrokerTarget {
    target: Arc<Target>,
    mqtt: Arc<Mqtt>,
    /// By the route number of envelopes.
    channels: Arc<[MqttChannel]>,
    tls: Option<Arc<ClientConfig>>,
    names: RunNames,
}

impl BrokerTarget {
    /// Checks what can be checked before anything is sent.
    ///
    /// # Errors
    /// When CA or certificate files cannot be used.
    pub fn new(target: &Target, mqtt: &Mqtt, names: RunNames) -> Result<Self, TlsError> {
        let tls = target.address.encrypted.then(|| tls::client(&target.tls));
        Ok(Self {
            tls: tls.transpose()?,
            target: Arc::new(target.clone()),
            mqtt: Arc::new(mqtt.clone()),
            channels: mqtt.channels.values().cloned().collect(),
            names,
        })
    }
}

/// One worker's connections to a broker.
pub struct Broker {
    shared: Rc<Shared>,
    links: Vec<Rc<RefCell<Link>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// Index into `links`, by slot.
    link_of: Vec<Option<usize>>,
    /// Links with something new to send.
    dirty: Vec<usize>,
    /// Shared connections: their ids in the whole run.
    connections: Vec<u32>,
    /// Devices that joined, to spread them over shared connections.
    joined: usize,
}

/// What the links of one worker have in common.
struct Shared {
    broker: BrokerTarget,
    inbox: Inbox,
    pace: Pace,
    scratch: RefCell<Scratch>,
    closing: Cell<bool>,
}

/// Connections lost in a row with the same message open: what then is still
/// unconfirmed is taken to be the reason, and fails.
const TRIES: u32 = 5;

/// The longest that a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

impl Broker {
    /// The part of `worker` out of `workers` (counted from zero).
    #[must_use]
    pub fn new(broker: &BrokerTarget, worker: u32, workers: u32, inbox: Inbox) -> Self {
        let pace = broker.target.connect_rate.interval() * workers;
        let connections = match broker.mqtt.connections {
            Connections::PerDevice => Vec::new(),
            Connections::Shared(n) => (0..n.get()).filter(|c| c % workers == worker).collect(),
        };
        Self {
            shared: Rc::new(Shared {
                broker: broker.clone(),
                inbox,
                pace: Pace::new(pace),
                scratch: RefCell::new(Scratch::default()),
                closing: Cell::new(false),
            }),
            links: Vec::new(),
            tasks: Vec::new(),
            link_of: Vec::new(),
            dirty: Vec::new(),
            connections,
            joined: 0,
        }
    }

    fn link_of(&self, slot: Slot) -> Option<usize> {
        *self.link_of.get(usize::try_from(slot).ok()?)?
    }

    fn with_link(&mut self, slot: Slot, change: impl FnOnce(&mut Link)) {
        let Some(index) = self.link_of(slot) else {
            return;
        };
        if let Some(link) = self.links.get(index) {
            let mut link = link.borrow_mut();
            change(&mut link);
            if !std::mem::replace(&mut link.dirty, true) {
                self.dirty.push(index);
            }
        }
    }

    /// The link that a device speaks over; opened for the first that does.
    fn link_for(&mut self, member: &Member) -> usize {
        let nth = self.joined;
        self.joined += 1;
        let connection = match self.connections.len() {
            0 => member.index,
            shared => {
                let place = nth % shared;
                if place < self.links.len() {
                    return place;
                }
                self.connections.get(place).copied().unwrap_or_default()
            }
        };
        let names = self.shared.broker.names.of(member, connection);
        let mut client_id = String::new();
        self.shared
            .broker
            .mqtt
            .client_id
            .render(&names, &mut client_id);
        let will = self.shared.broker.mqtt.will.as_ref().map(|will| {
            let (mut topic, mut payload) = (String::new(), String::new());
            will.topic.render(&names, &mut topic);
            will.payload.render(&names, &mut payload);
            (topic, payload)
        });
        let link = Rc::new(RefCell::new(Link::new(client_id, will, connection)));
        self.tasks.push(tokio::task::spawn_local(live(
            Rc::clone(&self.shared),
            Rc::clone(&link),
        )));
        self.links.push(link);
        self.links.len() - 1
    }
}

impl Transport for Broker {
    fn join(&mut self, slot: Slot, member: Member) {
        let index = self.link_for(&member);
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        if self.link_of.len() <= place {
            self.link_of.resize(place + 1, None);
        }
        if let Some(entry) = self.link_of.get_mut(place) {
            *entry = Some(index);
        }
        if let Some(link) = self.links.get(index) {
            let mut link = link.borrow_mut();
            if link.is_up() {
                self.shared.inbox.put(Report::Up(slot));
            }
            link.join(slot, member, &self.shared.broker);
        }
        self.with_link(slot, |_| {});
    }

    fn submit(&mut self, envelope: Envelope) {
        self.with_link(envelope.slot, |link| link.queue.push_back(envelope));
    }

    fn flush(&mut self) {
        for index in self.dirty.drain(..) {
            if let Some(link) = self.links.get(index) {
                let mut link = link.borrow_mut();
                link.dirty = false;
                link.wake();
            }
        }
    }

    fn act(&mut self, slot: Slot, action: LinkAction) {
        if self.connections.is_empty() {
            self.with_link(slot, |link| {
                if !link.injure(action) {
                    link.command = Some(Command::Act(action));
                }
            });
            return;
        }
        if !matches!(action, LinkAction::Reconnect | LinkAction::Vanish(_)) {
            // The fleet file lets no fault break what is shared.
            return;
        }
        self.shared.inbox.put(Report::Trouble(format!(
            "target {}: devices that share a connection cannot close it; their link actions are ignored (connections = \"per-device\" allows them)",
            self.shared.broker.target.name
        )));
    }

    fn leave(&mut self, slot: Slot) {
        if self.connections.is_empty() {
            self.with_link(slot, |link| link.command = Some(Command::Leave));
        } else {
            self.with_link(slot, |link| link.leave(slot));
        }
    }

    fn drop_waiting(&mut self, why: &str) {
        for link in &self.links {
            link.borrow_mut().drop_queue(why, &self.shared.inbox);
        }
    }

    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async move {
            self.shared.closing.set(true);
            for link in &self.links {
                let mut link = link.borrow_mut();
                link.command = Some(Command::Leave);
                link.wake();
            }
            let until = Instant::now() + GOODBYE;
            for task in &mut self.tasks {
                if tokio::time::timeout_at(until, &mut *task).await.is_err() {
                    task.abort();
                }
            }
            for link in &self.links {
                link.borrow_mut().give_up(&self.shared.inbox);
            }
        })
    }
}

/// How a connection ended.
enum End {
    /// The device asked for it, or retired, or the run is over.
    Asked(Command),
    /// Lost, for this reason.
    Lost(Rc<str>),
    /// Taken away by an injected fault.
    Cut,
}

/// The life of a link: connect, move bytes, come back.
async fn live(shared: Rc<Shared>, link: Rc<RefCell<Link>>) {
    let mut backoff = Backoff::default();
    loop {
        hurt::wait(&shared, &link).await;
        if link.borrow().command == Some(Command::Leave) && link.borrow().is_idle(&shared) {
            return;
        }
        if !link.borrow_mut().is_in_a_rush() {
            shared.pace.turn().await;
        }
        let opened = tokio::select! {
            biased;
            () = hurt::cut(&link) => continue,
            opened = connect::open(&shared.broker, &link) => opened,
        };
        let end = match opened {
            Ok(session) => {
                backoff.reset();
                let end = session::run(&shared, &link, session).await;
                if let End::Lost(why) = &end {
                    shared.trouble(why);
                }
                end
            }
            Err(why) => {
                shared.trouble(&why);
                End::Lost(why.into())
            }
        };
        match end {
            End::Asked(Command::Leave) => return,
            End::Asked(Command::Act(LinkAction::Vanish(length))) => {
                stay_away(&shared, &link, length).await
            }
            End::Asked(Command::Act(_)) | End::Cut => {}
            End::Lost(_) => {
                if let Some(length) = rest(&shared, &link, backoff.next(), false).await {
                    stay_away(&shared, &link, length).await;
                }
            }
        }
        if shared.closing.get() {
            return;
        }
    }
}

/// Stays away as its device asked, until it asks for something else.
async fn stay_away(shared: &Shared, link: &RefCell<Link>, mut length: Duration) {
    while let Some(longer) = rest(shared, link, length, true).await {
        length = longer;
    }
}

/// Sleeps, unless the link is told to leave and has nothing left to send. A device that
/// stays `away` of its own will can end that; one that lost its connection has none to
/// open again, and waits like all others. Says how long to stay away where the device
/// asks for that.
async fn rest(
    shared: &Shared,
    link: &RefCell<Link>,
    length: Duration,
    away: bool,
) -> Option<Duration> {
    let sleep = tokio::time::sleep(length);
    tokio::pin!(sleep);
    std::future::poll_fn(|cx| {
        let mut link = link.borrow_mut();
        link.listen(cx);
        match link.command {
            Some(Command::Leave) if link.is_idle(shared) => Poll::Ready(None),
            Some(Command::Act(LinkAction::Vanish(length))) => {
                link.command = None;
                Poll::Ready(Some(length))
            }
            Some(Command::Act(LinkAction::Reconnect)) => {
                link.command = None;
                if away {
                    return Poll::Ready(None);
                }
                sleep.as_mut().poll(cx).map(|()| None)
            }
            _ => sleep.as_mut().poll(cx).map(|()| None),
        }
    })
    .await
}

impl Shared {
    fn trouble(&self, why: &str) {
        let target = &self.broker.target;
        let (name, url) = (&target.name, &target.address.shown);
        self.inbox
            .put(Report::Trouble(format!("target {name} ({url}): {why}")));
    }
}

impl Link {
    /// Settles everything that is still open when the run ends.
    fn give_up(&mut self, inbox: &Inbox) {
        let blame = self.blame();
        for open in self.writing.drain(..).chain(self.waiting.drain(..)) {
            let (outcome, why) = match open.sent_at {
                Some(_) => (
                    Outcome::Unconfirmed,
                    "the run ended before the broker confirmed it",
                ),
                None => (Outcome::Dropped, "the run ended before it could be sent"),
            };
            let why = format!("{blame}{why}");
            let mut settled = super::Settled::unsent(open.envelope, outcome, why.into());
            settled.sent_at = open.sent_at.map(Instant::into_std);
            inbox.settle(settled);
        }
        let never_up = if self.was_up {
            "the run ended before it could be sent"
        } else {
            "there was never a connection to the broker"
        };
        self.drop_queue(never_up, inbox);
    }

    /// Drops what has not become a packet.
    fn drop_queue(&mut self, why: &str, inbox: &Inbox) {
        let why = format!("{}{why}", self.blame());
        for envelope in self.queue.drain(..) {
            inbox.settle(super::Settled::unsent(
                envelope,
                Outcome::Dropped,
                why.as_str().into(),
            ));
        }
    }
}
