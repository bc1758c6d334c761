//! Defines the traits of every kind of generator.
//!
//! A specification is checked and becomes a shared plan. Each device has a small state of
//! its own.

use std::fmt::Debug;

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::random::Rng;
use crate::time::Instant;

/// A specification, as a person writes it.
pub(crate) trait Specification {
    /// The checked specification.
    type Plan: GeneratorKind;

    /// Checks the specification. `None` only after a problem was reported.
    fn check(&self, check: &mut Check<'_>) -> Option<Self::Plan>;
}

/// A checked specification: immutable, and shared by all devices of a cell.
pub(crate) trait GeneratorKind: Debug {
    /// The state of each device.
    type State: Debug + Clone;

    /// The state of a device that is switched on.
    fn start(&self, rng: Rng) -> Self::State;

    /// Makes the next value.
    fn next(&self, state: &mut Self::State, context: &Context<'_>) -> Result<Value, Error>;

    /// The sensor fault of the last value, for kinds with faults.
    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        let _ = state;
        None
    }

    /// The parts that its values have. Most kinds make single values.
    fn known_parts(&self) -> KnownParts {
        KnownParts::Single
    }

    /// The time of the next change of the value, for kinds that know it.
    fn due(&self, state: &Self::State, context: &Context<'_>) -> Option<Instant> {
        let _ = (state, context);
        None
    }
}
