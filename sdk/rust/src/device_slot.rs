//! Calls a behaviour the way the contract asks: reads its settings, hands it an
//! empty turn, reports a status only when it changed. The plugin's exports and the
//! test harness both go through here, so that what is tested is what runs. Must not
//! know either of them.

use std::borrow::Cow;
use std::ptr;

use crate::contract::behaviour::{Behaviour, Device, Tick};
use crate::contract::error::Error;
use crate::contract::event::Event;
use crate::contract::turn::Turn;
use crate::time::Instant;

/// A device, and the status that it last reported.
pub(crate) struct DeviceSlot<B> {
    behaviour: B,
    status: Option<Cow<'static, str>>,
}

impl<B: Behaviour> DeviceSlot<B> {
    /// Switches a device on; `config` is a JSON object.
    pub(crate) fn create(device: &Device, config: &str) -> Result<Self, Error> {
        Ok(Self {
            behaviour: B::create_from(device, config)?,
            status: None,
        })
    }

    /// Calls on schedule; `turn` is an empty one.
    pub(crate) fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        self.behaviour.tick(tick, turn)?;
        self.report_change(turn);
        Ok(())
    }

    pub(crate) fn handle(&mut self, at: Instant, event: Event) -> Result<Turn, Error> {
        let mut turn = Turn::default();
        self.behaviour.handle(at, event, &mut turn)?;
        self.report_change(&mut turn);
        Ok(turn)
    }

    fn report_change(&mut self, turn: &mut Turn) {
        if is_same(&turn.status, &self.status) {
            turn.status = None;
        } else if turn.status.is_some() {
            self.status.clone_from(&turn.status);
        }
    }
}

/// Whether both say the same. Mostly they are the same words of the program, which need
/// not be read.
fn is_same(one: &Option<Cow<'static, str>>, other: &Option<Cow<'static, str>>) -> bool {
    match (one, other) {
        (Some(Cow::Borrowed(one)), Some(Cow::Borrowed(other))) if ptr::eq(*one, *other) => true,
        _ => one == other,
    }
}
