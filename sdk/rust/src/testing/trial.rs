//! Runs one device on a clock of its own.
#![expect(clippy::panic, reason = "in a test, a panic is the answer")]

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::contract::about::About;
use crate::contract::behaviour::{Behaviour, Start, Tick};
use crate::contract::error::Error;
use crate::contract::event::Event;
use crate::contract::settings;
use crate::contract::turn::{Link, Message, Turn};
use crate::device_slot::DeviceSlot;
use crate::testing::setup::Setup;
use crate::time::Instant;

/// The shortest interval that a device can schedule, as in the host.
const MIN_TICK_INTERVAL: Duration = Duration::from_millis(1);

/// A message that the device sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The time of the start, the tick or the event.
    pub at: Instant,
    /// The message.
    pub message: Message,
}

/// One device on a clock of its own.
pub struct Trial<B> {
    slot: DeviceSlot<B>,
    about: About,
    every: Duration,
    now: Instant,
    /// The due time of the next tick.
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
    /// When the behaviour rejects the settings.
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

    /// Switches a device on, and starts it.
    ///
    /// # Errors
    /// The error of the behaviour, or of settings of the wrong shape.
    pub fn create(setup: &Setup) -> Result<Self, Error> {
        let mut trial = Self {
            slot: DeviceSlot::create(&setup.device(), &setup.config.to_string())?,
            about: B::about(),
            every: setup.every,
            now: setup.born,
            due: setup.born + setup.phase,
            sequence: 0,
            messages: Vec::new(),
            statuses: Vec::new(),
            links: Vec::new(),
            retired: None,
        };
        trial.start()?;
        Ok(trial)
    }

    /// Calls the device for its start, as the host does if its description requests that.
    fn start(&mut self) -> Result<(), Error> {
        if !self.about.start {
            return Ok(());
        }
        let start = Start::new(self.now, Some(self.due));
        let answer = self.slot.start(start);
        match self.apply(answer) {
            Err(Error::Retired(_)) => Ok(()),
            result => result,
        }
    }

    /// The settings' JSON Schema, as the host gets it.
    #[must_use]
    pub fn schema() -> Value {
        serde_json::from_str(&settings::schema::<B::Config>()).unwrap_or_default()
    }

    /// Moves the clock to the next tick and runs it. Does nothing once the device has
    /// retired.
    ///
    /// # Errors
    /// The error of the behaviour. The next tick is due as after a success.
    ///
    /// # Panics
    /// When the turn has a channel or a status that [`Behaviour::about`] does not name.
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
        let answer = self.slot.tick(tick, &mut turn);
        self.apply(answer.map(|()| turn))
    }

    /// Runs this many ticks; fewer when the device retires.
    ///
    /// # Panics
    /// When a tick fails, and as [`Trial::tick`].
    pub fn ticks(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.tick_or_panic();
        }
        self
    }

    /// Moves the clock by this time, and runs every tick that is due before its end.
    ///
    /// # Panics
    /// When a tick fails, and as [`Trial::tick`].
    pub fn run(&mut self, length: Duration) -> &mut Self {
        let end = self.now + length;
        while self.due < end && self.retired.is_none() {
            self.tick_or_panic();
        }
        self.now = end;
        self
    }

    /// Delivers an event to the device, now.
    ///
    /// # Errors
    /// The error of the behaviour.
    ///
    /// # Panics
    /// When [`Behaviour::about`] does not name the event: the host would not deliver it.
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
        let answer = self.slot.handle(self.now, event);
        self.apply(answer)
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

    /// The messages that the device has sent.
    #[must_use]
    pub fn messages(&self) -> &[Sent] {
        &self.messages
    }

    /// The payloads that the device has sent, in order.
    #[must_use]
    pub fn payloads(&self) -> Vec<&[u8]> {
        let messages = self.messages.iter();
        messages
            .map(|sent| sent.message.payload.as_slice())
            .collect()
    }

    /// The payloads that the device has sent on this channel, as JSON.
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

    /// The last reported status.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.statuses.last().map(|(_, status)| status.as_str())
    }

    /// Every change of status with its time.
    #[must_use]
    pub fn statuses(&self) -> &[(Instant, String)] {
        &self.statuses
    }

    /// Every connection change of the device with its time.
    #[must_use]
    pub fn links(&self) -> &[(Instant, Link)] {
        &self.links
    }

    /// The reason why the device retired, once it has.
    #[must_use]
    pub fn retired(&self) -> Option<&str> {
        self.retired.as_deref()
    }

    /// The time on the device's clock.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The due time of the next tick.
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    fn tick_or_panic(&mut self) {
        if let Err(Error::Failed(why)) = self.tick() {
            panic!("tick {} failed at {}: {why}", self.sequence - 1, self.now);
        }
    }

    fn apply(&mut self, answer: Result<Turn, Error>) -> Result<(), Error> {
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
            assert_declared("channel", &message.channel, &self.about.channels);
            self.messages.push(Sent {
                at: self.now,
                message,
            });
        }
        if let Some(status) = turn.status {
            assert_declared("status", &status, &self.about.statuses);
            self.statuses.push((self.now, status.into_owned()));
        }
        if let Some(link) = turn.link {
            self.links.push((self.now, link));
        }
        if let Some(after) = turn.next_tick {
            self.due = self.now + after.max(MIN_TICK_INTERVAL);
        }
        Ok(())
    }
}

fn assert_declared(kind: &str, name: &str, names: &[Cow<'static, str>]) {
    // The settings name them where the behaviour names none.
    assert!(
        names.is_empty() || names.iter().any(|known| known == name),
        "about() doesn't name the {kind} \"{name}\"; add .{kind}(\"{name}\")"
    );
}
