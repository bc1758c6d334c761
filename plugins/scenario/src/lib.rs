//! A device without code: what it measures and sends, which states it can be in, and what
//! it answers, are settings in the fleet file.
//!
//! `config` is what is written there, `compile` checks it and makes of it a plan that the
//! devices of a cell share, `machine` is one device, `payload` writes what it sends.

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

use mockfleet_sdk::{About, Behaviour, Device, Error, Event, Instant, Tick, Turn, group};

use compile::Plan;
pub use config::Config;
use group_context::GroupContext;
use machine::StateMachine;

mockfleet_sdk::export!(Scenario);

thread_local! {
    /// The last scenario that was read here: the devices of a cell have the same one.
    static LAST_PLAN: RefCell<Option<(String, Rc<Plan>)>> = const { RefCell::new(None) };
}

/// One device.
#[derive(Debug)]
pub struct Scenario(StateMachine);

impl Behaviour for Scenario {
    type Config = Config;

    fn about() -> About {
        // Its channels and statuses are those of its settings.
        mockfleet_sdk::about!().link().downlink()
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        let plan = compile_plan(device, &config)?;
        Ok(Self(StateMachine::new(&plan, device)?))
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
        Ok(Self(StateMachine::new(&plan, device)?))
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
