//! Makes the fields of a message, writes its payload, and sends or keeps it.

use std::rc::Rc;

use mockfleet_sdk::generate::{Context, Value};
use mockfleet_sdk::{Error, Instant, Message, Tick, Turn};

use crate::compile::Effects;
use crate::machine::state_machine::StateMachine;

impl StateMachine {
    /// Sends a message, or keeps it while there is no connection. An offline device without
    /// a store makes none.
    pub(crate) fn send(
        &mut self,
        number: usize,
        offline: bool,
        now: Instant,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        if offline && plan.store.is_none() {
            return Ok(());
        }
        let message_here = plan
            .statuses
            .get(self.status)
            .and_then(|status| status.messages_here.get(number));
        let (Some(message), Some(message_here)) = (plan.messages.get(number), message_here) else {
            return Ok(());
        };
        self.make(&message_here.makes, now)?;
        let payload = message_here.payload.as_ref().unwrap_or(&message.payload);
        let mut made = Message::new(message.channel.as_str(), payload.write(&self.values)?);
        made.content_type(message.content_type.as_str());
        for (key, template) in &message.properties {
            made.property(key.as_str(), template.text(&self.values));
        }
        match &plan.store {
            Some(settings) if offline || !self.up => self.store.push(made, settings),
            _ => drop(turn.send(made)),
        }
        Ok(())
    }

    /// Sends kept messages, a batch at a time, once there is a connection.
    pub(crate) fn forward(&mut self, now: Instant, turn: &mut Turn) {
        let plan = Rc::clone(&self.plan);
        let Some(settings) = &plan.store else {
            return;
        };
        let early = self.store.next.is_some_and(|next| next > now);
        if self.store.is_empty() || early || !self.up || self.is_offline() {
            return;
        }
        for message in self.store.batch(now, settings) {
            turn.send(message);
        }
    }

    /// Makes the values of these slots, unless this call has made them.
    pub(crate) fn make(&mut self, slots: &[u16], now: Instant) -> Result<(), Error> {
        let Self {
            plan,
            device,
            generators,
            values,
            status,
            since,
            sequence,
            ..
        } = self;
        let mut made = plan.made.borrow_mut();
        let status = plan.statuses.get(*status);
        let name = status.map_or("", |status| status.name.as_str());
        let tick = Tick::new(now, *sequence);
        let moment = Context::new(device, tick).status(name, *since);
        for number in slots {
            let number = usize::from(*number);
            let (Some(slot), Some(generator)) =
                (plan.fields.slots.get(number), generators.get_mut(number))
            else {
                continue;
            };
            let Some(done) = made.get_mut(slot.position).filter(|done| !**done) else {
                continue;
            };
            let value = generator
                .next(&moment.fields(values))
                .map_err(|error| Error::failed(format_args!("field {}: {error}", slot.name)))?;
            if let Some(place) = values.get_mut(slot.position) {
                *place = value;
            }
            *done = true;
        }
        Ok(())
    }

    /// Sets the variables of an answer or a transition. All expressions use the values from
    /// before.
    pub(crate) fn set(&mut self, effects: &Effects, now: Instant) -> Result<(), Error> {
        let values: Result<Vec<(usize, Value)>, Error> = effects
            .set
            .iter()
            .map(|(position, expression)| {
                Ok((
                    *position,
                    Effects::remembered(expression.value(&self.context(now))?),
                ))
            })
            .collect();
        for (position, value) in values? {
            if let Some(place) = self.values.get_mut(position) {
                *place = value;
            }
        }
        Ok(())
    }
}
