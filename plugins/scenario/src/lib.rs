//! Simulates a device without code, whose messages, statuses and answers are settings.
//!
//! `config` has the settings, `compile` checks them and makes a plan that the devices of
//! a cell share, `machine` runs one device, and `payload` writes its messages.

mod compile;
mod config;
mod cron;
mod group_context;
mod machine;
mod payload;
mod problems;
mod store;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;

use mockfleet_sdk::{About, Behaviour, Device, Error, Event, Instant, Start, Tick, Turn, group};

use compile::Plan;
pub use config::Config;
use group_context::GroupContext;
use machine::StateMachine;

mockfleet_sdk::export!(Scenario);

thread_local! {
    /// The last plan with the text of its settings: the devices of a cell have the same
    /// one.
    static LAST_PLAN: RefCell<Option<(String, Rc<Plan>)>> = const { RefCell::new(None) };
}

/// One device.
#[derive(Debug)]
pub struct Scenario(StateMachine);

impl Behaviour for Scenario {
    type Config = Config;

    fn about() -> About {
        // The settings name the channels and statuses.
        mockfleet_sdk::about!().link().downlink().start()
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        let plan = compile_plan(device, &config)?;
        Ok(Self(StateMachine::new(&plan, device)))
    }

    fn create_from(device: &Device, config: &str) -> Result<Self, Error> {
        let known = LAST_PLAN.with_borrow(|read| {
            let read = read.as_ref().filter(|(text, _)| text == config);
            read.map(|(_, plan)| Rc::clone(plan))
        });
        let plan = if let Some(plan) = known {
            plan
        } else {
            let plan = compile_plan(device, &mockfleet_sdk::read_config::<Self>(config)?)?;
            LAST_PLAN.set(Some((config.to_owned(), Rc::clone(&plan))));
            plan
        };
        Ok(Self(StateMachine::new(&plan, device)))
    }

    fn start(&mut self, start: Start, turn: &mut Turn) -> Result<(), Error> {
        self.0.start(start, turn)
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        self.0.tick(tick.at, turn)
    }

    fn handle(&mut self, at: Instant, event: Event, turn: &mut Turn) -> Result<(), Error> {
        self.0.handle(at, event, turn)
    }
}

fn compile_plan(device: &Device, config: &Config) -> Result<Rc<Plan>, Error> {
    let group = GroupContext {
        channels: group::channels(),
        downlink: group::downlink(),
        interval: group::interval(),
        born: device.born,
    };
    Plan::compile(config, &group)
}
