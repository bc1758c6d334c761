//! Handles received messages and changes of the connection.

use std::rc::Rc;

use mockfleet_sdk::generate::Value;
use mockfleet_sdk::{Error, Event, Instant, Message, Turn};

use crate::compile::{Builtin, Effects, Received, Trigger};
use crate::config::Connection;
use crate::machine::state_machine::StateMachine;

impl StateMachine {
    /// Handles an event between two ticks.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        event: Event,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        if self.ending.is_some() {
            return Ok(());
        }
        self.begin_call(now);
        let before = self.since;
        match event {
            Event::Connected => {
                self.up = true;
                self.store.next = None;
                self.connection(Connection::Up, now, turn)?;
            }
            Event::Disconnected(_) => {
                self.up = false;
                self.connection(Connection::Lost, now, turn)?;
            }
            Event::Received(message) => {
                let result = self.received(&message, now, turn);
                // The values of this message must not stay until the next one.
                self.set_builtin(Builtin::Request, Value::Missing);
                self.set_builtin(Builtin::Value, Value::Missing);
                result?;
            }
            _ => {}
        }
        let waited = self.store.next;
        self.forward(now, turn);
        let moved = self.since != before || self.store.next != waited;
        self.finish(now, turn, moved);
        Ok(())
    }

    fn connection(
        &mut self,
        change: Connection,
        now: Instant,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        let status = plan.statuses.get(self.status);
        let transitions = status.map_or(&[][..], |status| status.transitions.as_slice());
        let wanted = transitions.iter().find(
            |transition| matches!(transition.trigger, Trigger::Connection(known) if known == change),
        );
        match wanted {
            Some(transition) => self.run_transition(transition, now, turn),
            None => Ok(()),
        }
    }

    /// Runs the answers to a message: sets variables first, then changes the status, then
    /// sends.
    fn received(&mut self, message: &Message, now: Instant, turn: &mut Turn) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        let json = json(&message.payload);
        let channel = message.channel.as_str();
        self.set_builtin(Builtin::Request, Value::from(&json));
        let mut answers: Vec<&Effects> = Vec::new();
        for answer in &plan.answers {
            if self.matches(&answer.received, channel, &json, now)? {
                self.set(&answer.effects, now)?;
                answers.push(&answer.effects);
            }
        }
        let status = plan.statuses.get(self.status);
        let transitions = status.map_or(&[][..], |status| status.transitions.as_slice());
        for transition in transitions {
            if let Trigger::Received(wanted) = &transition.trigger
                && self.matches(wanted, channel, &json, now)?
            {
                self.run_transition(transition, now, turn)?;
                break;
            }
        }
        let offline = self.is_offline();
        for effects in answers {
            for number in &effects.send {
                self.send(*number, offline, now, turn)?;
            }
        }
        Ok(())
    }

    fn matches(
        &mut self,
        wanted: &Received,
        channel: &str,
        json: &serde_json::Value,
        now: Instant,
    ) -> Result<bool, Error> {
        let Some(found) = wanted.find(channel, json) else {
            return Ok(false);
        };
        self.set_builtin(Builtin::Value, Value::from(found));
        wanted.holds(&self.context(now))
    }
}

/// Parses a payload as JSON. Other UTF-8 becomes a text, and other bytes become null.
fn json(payload: &[u8]) -> serde_json::Value {
    serde_json::from_slice(payload).unwrap_or_else(|_| match std::str::from_utf8(payload) {
        Ok(text) => text.into(),
        Err(_) => serde_json::Value::Null,
    })
}
