//! Runs the ticks and transitions of one device.

use std::rc::Rc;

use mockfleet_sdk::generate::{Context, Generator, Value};
use mockfleet_sdk::{Device, Error, Instant, Rng, Start, Tick, Turn};

use crate::compile::{Builtin, Link, Plan, Status, Target, Transition, Trigger};
use crate::store::Store;

/// One device.
#[derive(Debug)]
pub(crate) struct StateMachine {
    pub(crate) plan: Rc<Plan>,
    pub(crate) device: Device,
    pub(crate) rng: Rng,
    pub(crate) generators: Box<[Generator]>,
    pub(crate) values: Box<[Value]>,
    /// The number of its status, and the time since which it has it.
    pub(crate) status: usize,
    pub(crate) since: Instant,
    /// The number of sending ticks before the present call, for all that it computes.
    pub(crate) sequence: u64,
    /// The number of sending ticks so far.
    pub(crate) ticks: u64,
    /// The time of the last sending tick.
    pub(crate) sent: Option<Instant>,
    /// The time of the next sending; `None`: at the next tick of the fleet.
    pub(crate) due: Option<Instant>,
    /// The due times of transitions of its status, and their numbers.
    pub(crate) timers: Vec<(Instant, usize)>,
    /// Whether its connection is up, by the events so far.
    pub(crate) up: bool,
    pub(crate) store: Store,
    /// The reason why it retires at its next tick.
    pub(crate) ending: Option<String>,
    /// The last reported status.
    pub(crate) reported: Option<usize>,
    /// The pending change of its connection.
    pub(crate) link: Option<LinkAction>,
}

/// A change of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkAction {
    Reconnect,
    Vanish(std::time::Duration),
}

/// A year, which stands for no end. A status that ends sooner opens the connection.
const OFFLINE_DURATION: std::time::Duration = std::time::Duration::from_hours(366 * 24);

/// Transitions at most in one call; more are a cycle that takes no time.
pub(crate) const MAX_TRANSITIONS_PER_CALL: usize = 100;

impl StateMachine {
    /// Creates a device, which [`Self::start`] switches on.
    pub(crate) fn new(plan: &Rc<Plan>, device: &Device) -> Self {
        let rng = device.rng();
        let slots = plan.fields.slots.iter();
        let generators = slots.map(|slot| slot.plan.start(rng.stream(&slot.stream)));
        let mut machine = Self {
            generators: generators.collect(),
            rng: rng.stream("scenario"),
            values: plan.values.clone().into(),
            status: plan.start,
            since: device.born,
            sequence: 0,
            ticks: 0,
            sent: None,
            due: None,
            timers: Vec::new(),
            up: true,
            store: Store::default(),
            ending: None,
            reported: None,
            link: None,
            device: device.clone(),
            plan: Rc::clone(plan),
        };
        let known = [
            ("id".into(), Value::text(device.id.as_str())),
            ("group".into(), Value::text(device.group.as_str())),
            ("index".into(), Value::Integer(device.index.into())),
        ];
        machine.set_builtin(Builtin::Device, Value::Object(Rc::from(known)));
        machine
    }

    /// Begins the first status. Its timers count from now, whenever the first tick is due. A
    /// time of day that is now counts: the run before this one ended just before it.
    pub(crate) fn start(&mut self, start: Start, turn: &mut Turn) -> Result<(), Error> {
        let now = start.at;
        self.since = now;
        self.begin_call(now);
        self.begin_status(now)?;
        self.include_times_at(now);
        self.due = self.first_sending(start)?;
        self.run_timers(now, turn)?;
        self.finish(now, turn, false);
        if self.ending.is_none()
            && let Some(next) = self.next_call(now)
            && start.first_tick.is_none_or(|first| next < first)
        {
            turn.next_tick(next.since(now));
        }
        Ok(())
    }

    /// Runs a scheduled call, or one for a timer.
    pub(crate) fn tick(&mut self, now: Instant, turn: &mut Turn) -> Result<(), Error> {
        if let Some(why) = &self.ending {
            return Err(Error::retired(why));
        }
        self.begin_call(now);
        let sends = self.due.is_none_or(|due| due <= now);
        self.run_timers(now, turn)?;
        if sends && self.ending.is_none() {
            self.sample(now, turn)?;
        }
        self.forward(now, turn);
        self.finish(now, turn, true);
        Ok(())
    }

    /// Runs the transitions that are decided at a tick, and then sends its messages.
    fn sample(&mut self, now: Instant, turn: &mut Turn) -> Result<(), Error> {
        self.ticks += 1;
        self.sent = Some(now);
        // A failure below must not repeat this tick.
        self.schedule_next(now)?;
        let status = self.status;
        self.decide(now, turn)?;
        if self.ending.is_some() {
            return Ok(());
        }
        if self.status != status {
            self.schedule_next(now)?;
        }
        let plan = Rc::clone(&self.plan);
        let Some(status) = plan.statuses.get(self.status) else {
            return Ok(());
        };
        let offline = self.is_offline();
        for send in &status.sends {
            if self.sequence.is_multiple_of(u64::from(send.nth)) {
                self.send(send.message, offline, now, turn)?;
            }
        }
        Ok(())
    }

    /// Runs the first transition whose probability or condition decides for it.
    fn decide(&mut self, now: Instant, turn: &mut Turn) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        let Some(status) = plan.statuses.get(self.status) else {
            return Ok(());
        };
        for transition in &status.transitions {
            let happens = match &transition.trigger {
                Trigger::Probability(probability) => self.rng.chance(*probability),
                Trigger::When(condition) => {
                    self.make(&status.conditions, now)?;
                    condition.is_true(&self.context(now))?
                }
                _ => false,
            };
            if happens {
                return self.run_transition(transition, now, turn);
            }
        }
        Ok(())
    }

    /// Runs a transition.
    pub(crate) fn run_transition(
        &mut self,
        transition: &Transition,
        now: Instant,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        self.set(&transition.effects, now)?;
        let was_offline = self.is_offline();
        match transition.to {
            Target::Status(number) => self.enter(number, now)?,
            Target::End => {
                let status = self.plan.statuses.get(self.status);
                let name = status.map_or("", |status| status.name.as_str());
                let ending = format!("status {name} ended it {}", transition.description);
                self.ending = Some(ending);
            }
        }
        // The messages of the transition still use the connection that ends with the
        // status.
        let offline = was_offline && self.is_offline();
        for message in &transition.effects.send {
            self.send(*message, offline, now, turn)?;
        }
        Ok(())
    }

    /// Changes the status.
    fn enter(&mut self, number: usize, now: Instant) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        let before = plan
            .statuses
            .get(std::mem::replace(&mut self.status, number));
        self.since = now;
        self.begin_status(now)?;
        let was_offline = before.is_some_and(|status| matches!(status.link, Link::Offline));
        if was_offline && !self.is_offline() && self.link.is_none() {
            self.link = Some(LinkAction::Reconnect);
        }
        let Some(status) = plan.statuses.get(number) else {
            return Ok(());
        };
        let had_own = before.is_some_and(|status| status.every.is_some());
        if let Some(every) = &status.every {
            let length = self.draw(every, now)?;
            self.due = Some(now + length);
        } else if had_own {
            self.due = self.plan.interval.map(|interval| now + interval);
        }
        Ok(())
    }

    /// Starts the timers and the connection change of a status.
    fn begin_status(&mut self, now: Instant) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        let Some(status) = plan.statuses.get(self.status) else {
            return Ok(());
        };
        self.set_builtin(Builtin::Status, Value::text(status.name.as_str()));
        self.set_builtin(Builtin::StatusAge, Value::Number(0.0));
        self.link = match &status.link {
            Link::Online => None,
            Link::Offline => Some(LinkAction::Vanish(OFFLINE_DURATION)),
            Link::Reconnect => Some(LinkAction::Reconnect),
            Link::Vanish(length) => Some(LinkAction::Vanish(self.draw(length, now)?)),
        };
        self.start_timers(status, now)
    }

    /// Whether its status has no connection.
    pub(crate) fn is_offline(&self) -> bool {
        let status = self.plan.statuses.get(self.status);
        status.is_some_and(|status| matches!(status.link, Link::Offline))
    }

    /// Reports changes to the host, and schedules the next call. In an event only when it
    /// must, since that moves the tick.
    pub(crate) fn finish(&mut self, now: Instant, turn: &mut Turn, must_schedule: bool) {
        if self.reported != Some(self.status) {
            if let Some(status) = self.plan.statuses.get(self.status) {
                turn.status(status.name.clone());
            }
            self.reported = Some(self.status);
        }
        match self.link.take() {
            Some(LinkAction::Reconnect) => drop(turn.reconnect()),
            Some(LinkAction::Vanish(length)) => drop(turn.vanish(length)),
            None => {}
        }
        if self.ending.is_some() {
            turn.next_tick(std::time::Duration::ZERO);
        } else if must_schedule && let Some(next) = self.next_call(now) {
            turn.next_tick(next.since(now));
        }
    }

    /// Begins a call, in which no value has been made yet.
    pub(crate) fn begin_call(&mut self, now: Instant) {
        self.plan.made.borrow_mut().fill(false);
        self.sequence = self.ticks;
        let context = self.context(now);
        let (age, status_age) = (context.age(), context.status_age());
        self.set_builtin(Builtin::Age, Value::Number(age));
        self.set_builtin(Builtin::StatusAge, Value::Number(status_age));
        let tick = i64::try_from(self.sequence).unwrap_or(i64::MAX);
        self.set_builtin(Builtin::Sequence, Value::Integer(tick));
        if self.plan.uses_at {
            self.set_builtin(Builtin::At, Value::text(now.to_string()));
        }
    }

    /// Sets the value of a builtin.
    pub(crate) fn set_builtin(&mut self, builtin: Builtin, value: Value) {
        let position = self.plan.names.builtin(builtin);
        if let Some(place) = self.values.get_mut(position) {
            *place = value;
        }
    }

    /// The context of generators.
    pub(crate) fn context(&self, now: Instant) -> Context<'_> {
        let tick = Tick::new(now, self.sequence);
        let name = self.status().map_or("", |status| status.name.as_str());
        Context::new(&self.device, tick)
            .status(name, self.since)
            .fields(&self.values)
    }

    pub(crate) fn status(&self) -> Option<&Status> {
        self.plan.statuses.get(self.status)
    }
}
