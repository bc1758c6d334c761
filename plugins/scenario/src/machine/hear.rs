//! What a device hears: messages of the backend, and its connection coming and going.

use std::rc::Rc;

use mockfleet_sdk::generate::Value;
use mockfleet_sdk::{Error, Event, Instant, Message, Turn};

use super::Machine;
use crate::compile::{Builtin, Effects, Received, Trigger};
use crate::config::Connection;

impl Machine {
    /// Told of what happened between two ticks.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        event: Event,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        if self.ending.is_some() {
            return Ok(());
        }
        self.begin_round(now);
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
                let heard = self.received(&message, now, turn);
                // It would lie there until the next one.
                self.know(Builtin::Request, Value::Missing);
                self.know(Builtin::Value, Value::Missing);
                heard?;
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
            Some(transition) => self.take(transition, now, turn),
            None => Ok(()),
        }
    }

    /// Answers: what is to be remembered first, then the status, then what is sent.
    fn received(&mut self, message: &Message, now: Instant, turn: &mut Turn) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        let json = json(&message.payload);
        let channel = message.channel.as_str();
        self.know(Builtin::Request, Value::from(&json));
        let mut answers: Vec<&Effects> = Vec::new();
        for answer in &plan.answers {
            if self.fits(&answer.received, channel, &json, now)? {
                self.set(&answer.effects, now)?;
                answers.push(&answer.effects);
            }
        }
        let status = plan.statuses.get(self.status);
        let transitions = status.map_or(&[][..], |status| status.transitions.as_slice());
        for transition in transitions {
            if let Trigger::Received(wanted) = &transition.trigger
                && self.fits(wanted, channel, &json, now)?
            {
                self.take(transition, now, turn)?;
                break;
            }
        }
        let away = self.is_offline();
        for effects in answers {
            for number in &effects.send {
                self.send(*number, away, now, turn)?;
            }
        }
        Ok(())
    }

    fn fits(
        &mut self,
        wanted: &Received,
        channel: &str,
        json: &serde_json::Value,
        now: Instant,
    ) -> Result<bool, Error> {
        let Some(found) = wanted.find(channel, json) else {
            return Ok(false);
        };
        self.know(Builtin::Value, Value::from(found));
        wanted.holds(&self.at(now))
    }
}

/// What came, as JSON: a text that is none is a text, and bytes are nothing to look into.
fn json(payload: &[u8]) -> serde_json::Value {
    serde_json::from_slice(payload).unwrap_or_else(|_| match std::str::from_utf8(payload) {
        Ok(text) => text.into(),
        Err(_) => serde_json::Value::Null,
    })
}
