//! Makes devices of scenarios for tests.

use std::time::Duration;

use mockfleet_sdk::Error;
use mockfleet_sdk::testing::{GroupContext, Setup, Trial, group_context};
use serde_json::Value;

use crate::Scenario;

/// A device that ticks each second, of a target that has all channels.
pub(super) fn device(config: Value) -> Trial<Scenario> {
    every_second();
    Trial::new(config)
}

pub(super) fn every_second() {
    group_context(GroupContext {
        interval: Some(Duration::from_secs(1)),
        ..GroupContext::default()
    });
}

/// The problems of a scenario, a line each.
pub(super) fn refusal(config: Value) -> Vec<String> {
    every_second();
    let setup = Setup {
        config,
        ..Setup::default()
    };
    match Trial::<Scenario>::create(&setup) {
        Err(Error::InvalidConfig(why)) => why.lines().map(str::to_owned).collect(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the scenario was accepted"),
    }
}
