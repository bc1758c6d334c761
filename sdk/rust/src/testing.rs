//! Runs one device natively, on a clock of its own, so that a behaviour is tested
//! with plain `cargo test`. Owns the clock and what the device has said; must not
//! know WebAssembly, nor send anything anywhere.
//!
//! ```
//! # use mockfleet_sdk::{About, Behaviour, Device, Error, NoConfig, Tick, Turn};
//! # struct Counter(u64);
//! # impl Behaviour for Counter {
//! #     type Config = NoConfig;
//! #     fn about() -> About { mockfleet_sdk::about!().channel("telemetry") }
//! #     fn create(_: &Device, _: NoConfig) -> Result<Self, Error> { Ok(Self(0)) }
//! #     fn tick(&mut self, _: Tick, turn: &mut Turn) -> Result<(), Error> {
//! #         self.0 += 1;
//! #         turn.json("telemetry", &serde_json::json!({ "count": self.0 })).map(drop)
//! #     }
//! # }
//! use mockfleet_sdk::testing::Trial;
//! use serde_json::json;
//!
//! let mut device = Trial::<Counter>::new(json!({}));
//! device.ticks(3);
//! assert_eq!(device.messages().len(), 3);
//! assert_eq!(device.on("telemetry").last(), Some(&json!({ "count": 3 })));
//! ```
//!
//! A trial is stricter than the host: it panics, with a sentence, when a behaviour
//! does what its [`about`](Behaviour::about) doesn't say. In one thing it is laxer: it
//! doesn't hold the settings to their JSON Schema.
#![expect(clippy::panic, reason = "in a test, a panic is the answer")]

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::about::About;
use crate::behaviour::{Behaviour, Device, Tick};
use crate::error::Error;
use crate::event::Event;
use crate::seat::{self, Seat};
use crate::time::Instant;
use crate::turn::{Link, Message, Turn};

/// The shortest time from tick to tick that a device can ask for, as in the host.
const SHORTEST: Duration = Duration::from_millis(1);

/// Who the device is, and how often it ticks.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The device's id.
    pub id: String,
    /// Its group.
    pub group: String,
    /// Its position in the group.
    pub index: u32,
    /// The seed for all of its randomness.
    pub seed: u64,
    /// Its settings: a JSON object.
    pub config: Value,
    /// When it is switched on; its first tick is due then.
    pub born: Instant,
    /// From tick to tick, when the device doesn't say otherwise.
    pub every: Duration,
}

impl Setup {
    /// The device itself, to create a behaviour by hand.
    #[must_use]
    pub fn device(&self) -> Device {
        Device {
            id: self.id.clone(),
            group: self.group.clone(),
            index: self.index,
            seed: self.seed,
            born: self.born,
        }
    }
}

impl Default for Setup {
    /// `device-00000` of group `device`, seed 1, no settings, switched on at
    /// 2026-01-01T00:00:00Z, every second.
    fn default() -> Self {
        Self {
            id: "device-00000".into(),
            group: "device".into(),
            index: 0,
            seed: 1,
            config: Value::Object(serde_json::Map::new()),
            born: Instant::from_micros(1_767_225_600_000_000),
            every: Duration::from_secs(1),
        }
    }
}

/// What the fleet file says about the group that the devices of this thread are in; see
/// [`group`](crate::group).
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The channels of the target; `None`: there is none.
    pub channels: Option<Vec<String>>,
    /// Those on which it delivers messages.
    pub downlink: Option<Vec<String>>,
    /// From tick to tick.
    pub interval: Option<Duration>,
}

thread_local! {
    static DATA: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    static SURROUNDINGS: RefCell<Surroundings> = RefCell::default();
}

/// Gives the devices of this thread a data file, as the fleet file's `data` does.
pub fn data(name: impl Into<String>, content: impl Into<Vec<u8>>) {
    DATA.with_borrow_mut(|files| files.insert(name.into(), content.into()));
}

/// Says what the fleet file says about the group that the devices of this thread are in.
pub fn surroundings(here: Surroundings) {
    SURROUNDINGS.set(here);
}

pub(crate) fn with_data<T>(name: &str, read: impl FnOnce(&[u8]) -> T) -> Result<T, String> {
    DATA.with_borrow(|files| match files.get(name) {
        Some(content) => Ok(read(content)),
        None => {
            let names: Vec<&str> = files.keys().map(String::as_str).collect();
            Err(format!(
                "there is no data file {name:?}; testing::data was given {}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ))
        }
    })
}

pub(crate) fn with_surroundings<T>(read: impl FnOnce(&Surroundings) -> T) -> T {
    SURROUNDINGS.with_borrow(read)
}

/// A message that the device sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When: the time of the tick or the event.
    pub at: Instant,
    /// What.
    pub message: Message,
}

/// One device on a clock of its own.
pub struct Trial<B> {
    seat: Seat<B>,
    about: About,
    every: Duration,
    now: Instant,
    /// When the next tick is due.
    due: Instant,
    sequence: u64,
    messages: Vec<Sent>,
    statuses: Vec<(Instant, String)>,
    links: Vec<(Instant, Link)>,
    retired: Option<String>,
}

impl<B: Behaviour> Trial<B> {
    /// Switches a device on, with these settings and the rest of [`Setup::default`].
    ///
    /// # Panics
    /// When the behaviour refuses the settings.
    #[must_use]
    pub fn new(config: Value) -> Self {
        let setup = Setup {
            config,
            ..Setup::default()
        };
        match Self::create(&setup) {
            Ok(trial) => trial,
            Err(error) => panic!("the device was not created: {error}"),
        }
    }

    /// Switches a device on.
    ///
    /// # Errors
    /// What the behaviour says, or why the settings cannot be read.
    pub fn create(setup: &Setup) -> Result<Self, Error> {
        Ok(Self {
            seat: Seat::create(&setup.device(), &setup.config.to_string())?,
            about: B::about(),
            every: setup.every,
            now: setup.born,
            due: setup.born,
            sequence: 0,
            messages: Vec::new(),
            statuses: Vec::new(),
            links: Vec::new(),
            retired: None,
        })
    }

    /// The settings' JSON Schema, as the host gets it.
    #[must_use]
    pub fn schema() -> Value {
        serde_json::from_str(&seat::schema::<B>()).unwrap_or_default()
    }

    /// Moves the clock to the next tick that is due, and runs it. Does nothing once the
    /// device has retired.
    ///
    /// # Errors
    /// What the behaviour returned. Its next tick is due as if it had not failed.
    ///
    /// # Panics
    /// When the turn holds what [`Behaviour::about`] doesn't name.
    pub fn tick(&mut self) -> Result<(), Error> {
        if self.retired.is_some() {
            return Ok(());
        }
        self.now = self.due;
        self.due = self.due + self.every;
        let tick = Tick {
            at: self.now,
            sequence: self.sequence,
        };
        self.sequence += 1;
        let mut turn = Turn::default();
        let answer = self.seat.tick(tick, &mut turn);
        self.take(answer.map(|()| turn))
    }

    /// Runs so many ticks; fewer when the device retires.
    ///
    /// # Panics
    /// When one fails, or as [`Trial::tick`].
    pub fn ticks(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.must_tick();
        }
        self
    }

    /// Moves the clock on by this much, and runs every tick that is due before it gets
    /// there.
    ///
    /// # Panics
    /// When one fails, or as [`Trial::tick`].
    pub fn run(&mut self, length: Duration) -> &mut Self {
        let end = self.now + length;
        while self.due < end && self.retired.is_none() {
            self.must_tick();
        }
        self.now = end;
        self
    }

    /// Tells the device of an event, now.
    ///
    /// # Errors
    /// What the behaviour returned.
    ///
    /// # Panics
    /// When [`Behaviour::about`] doesn't name the event: the host would not deliver it.
    pub fn event(&mut self, event: Event) -> Result<(), Error> {
        let (wanted, name) = match &event {
            Event::Connected | Event::Disconnected(_) => (self.about.link, "link"),
            Event::Received(_) => (self.about.downlink, "downlink"),
            Event::Settled(_) => (self.about.receipts, "receipts"),
        };
        assert!(
            wanted,
            "about() doesn't name {name}, and the host would not deliver this event; add .{name}()"
        );
        if self.retired.is_some() {
            return Ok(());
        }
        let answer = self.seat.handle(self.now, event);
        self.take(answer)
    }

    /// Sends the device a JSON message, now.
    ///
    /// # Panics
    /// When the call fails, or as [`Trial::event`].
    pub fn receive(&mut self, channel: &str, value: &impl Serialize) -> &mut Self {
        let payload = match serde_json::to_vec(value) {
            Ok(payload) => payload,
            Err(error) => panic!("the message to the device cannot be written as JSON: {error}"),
        };
        let mut message = Message::new(channel, payload);
        message.content_type("application/json");
        match self.event(Event::Received(message)) {
            Err(Error::Failed(why)) => panic!("handle failed at {}: {why}", self.now),
            _ => self,
        }
    }

    /// What the device has sent so far.
    #[must_use]
    pub fn messages(&self) -> &[Sent] {
        &self.messages
    }

    /// The bytes that the device has sent so far, message by message.
    #[must_use]
    pub fn payloads(&self) -> Vec<&[u8]> {
        let messages = self.messages.iter();
        messages
            .map(|sent| sent.message.payload.as_slice())
            .collect()
    }

    /// What the device has sent on this channel so far, read as JSON.
    ///
    /// # Panics
    /// When a payload is not JSON.
    #[must_use]
    pub fn on(&self, channel: &str) -> Vec<Value> {
        let messages = self.messages.iter().map(|sent| &sent.message);
        messages
            .filter(|message| message.channel == channel)
            .map(|message| match message.json() {
                Ok(value) => value,
                Err(error) => panic!("{error}"),
            })
            .collect()
    }

    /// The status that the device last reported.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.statuses.last().map(|(_, status)| status.as_str())
    }

    /// Every change of status, and when it was.
    #[must_use]
    pub fn statuses(&self) -> &[(Instant, String)] {
        &self.statuses
    }

    /// What the device did with its connection, and when.
    #[must_use]
    pub fn links(&self) -> &[(Instant, Link)] {
        &self.links
    }

    /// Why the device retired, once it has.
    #[must_use]
    pub fn retired(&self) -> Option<&str> {
        self.retired.as_deref()
    }

    /// What time it is for the device.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// When the next tick is due.
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    fn must_tick(&mut self) {
        if let Err(Error::Failed(why)) = self.tick() {
            panic!("tick {} failed at {}: {why}", self.sequence - 1, self.now);
        }
    }

    fn take(&mut self, answer: Result<Turn, Error>) -> Result<(), Error> {
        let turn = match answer {
            Ok(turn) => turn,
            Err(Error::InvalidConfig(why)) => panic!("only create may refuse the settings: {why}"),
            Err(error) => {
                if let Error::Retired(why) = &error {
                    self.retired = Some(why.clone());
                }
                return Err(error);
            }
        };
        for message in turn.messages {
            declared("channel", &message.channel, &self.about.channels);
            self.messages.push(Sent {
                at: self.now,
                message,
            });
        }
        if let Some(status) = turn.status {
            declared("status", &status, &self.about.statuses);
            self.statuses.push((self.now, status.into_owned()));
        }
        if let Some(link) = turn.link {
            self.links.push((self.now, link));
        }
        if let Some(after) = turn.next_tick {
            self.due = self.now + after.max(SHORTEST);
        }
        Ok(())
    }
}

fn declared(kind: &str, name: &str, names: &[Cow<'static, str>]) {
    // A behaviour that names none has them from its settings.
    assert!(
        names.is_empty() || names.iter().any(|known| known == name),
        "about() doesn't name the {kind} \"{name}\"; add .{kind}(\"{name}\")"
    );
}
