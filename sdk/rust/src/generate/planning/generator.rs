//! Defines the traits of every kind of generator.
//!
//! A specification is checked into a shared plan. Each device has a small state beside it.

use std::fmt::Debug;

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::random::Rng;
use crate::time::Instant;

/// A specification: what a person writes.
pub(crate) trait Specification {
    /// What it becomes once it is checked.
    type Plan: GeneratorKind;

    /// Checks it. `None` only when something was noted as wrong.
    fn check(&self, check: &mut Check<'_>) -> Option<Self::Plan>;
}

/// A checked specification: immutable, and shared by all devices of a cell.
pub(crate) trait GeneratorKind: Debug {
    /// What each device keeps of it.
    type State: Debug + Clone;

    /// The state of a device at its birth.
    fn start(&self, rng: Rng) -> Self::State;

    /// The value at a moment.
    fn next(&self, state: &mut Self::State, context: &Context<'_>) -> Result<Value, Error>;

    /// The sensor fault that the last value has, of kinds that know any.
    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        let _ = state;
        None
    }

    /// When the value changes next by itself, of kinds that know it.
    fn due(&self, state: &Self::State, context: &Context<'_>) -> Option<Instant> {
        let _ = (state, context);
        None
    }
}
