//! Calls a behaviour by the rules of the contract.
//!
//! It reads the settings, provides an empty turn, and reports a status only when it
//! changed. The exports of a plugin and the test harness both use it, so tests run the
//! code of the plugin.

use std::borrow::Cow;
use std::ptr;

use crate::contract::behaviour::{Behaviour, Device, Start, Tick};
use crate::contract::error::Error;
use crate::contract::event::Event;
use crate::contract::turn::Turn;
use crate::time::Instant;

/// A device and its last reported status.
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

    pub(crate) fn start(&mut self, start: Start) -> Result<Turn, Error> {
        let mut turn = Turn::default();
        self.behaviour.start(start, &mut turn)?;
        self.report_change(&mut turn);
        Ok(turn)
    }

    /// Runs a scheduled call; `turn` is empty.
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

/// Whether both are equal. Most are the same static text, which need not be compared.
fn is_same(one: &Option<Cow<'static, str>>, other: &Option<Cow<'static, str>>) -> bool {
    match (one, other) {
        (Some(Cow::Borrowed(one)), Some(Cow::Borrowed(other))) if ptr::eq(*one, *other) => true,
        _ => one == other,
    }
}
