//! Describes the time and the device that a value is made for.

use crate::contract::behaviour::{Device, Tick};
use crate::generate::common::number::micros_as_f64;
use crate::generate::common::value::Value;
use crate::time::Instant;

/// The time and the device that a value is made for. Cheap to copy.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The time at which the tick was due, or the time of the event.
    pub now: Instant,
    /// The number of ticks of the device before this one.
    pub sequence: u64,
    /// The device.
    pub device: &'a Device,
    /// The device's status.
    pub status: &'a str,
    /// The time of the last change of status.
    pub status_since: Instant,
    /// The values of the names in the [`Scope`](crate::generate::Scope), in its order. A
    /// name that a generator [reads](crate::generate::Plan::reads) must have its value
    /// before the generator is called.
    pub fields: &'a [Value],
}

impl<'a> Context<'a> {
    /// The context of a tick: no fields, and an empty status since the device was switched
    /// on.
    #[must_use]
    pub const fn new(device: &'a Device, tick: Tick) -> Self {
        Self {
            now: tick.at,
            sequence: tick.sequence,
            device,
            status: "",
            status_since: device.born,
            fields: &[],
        }
    }

    /// The same context with the device's status.
    #[must_use]
    pub const fn status(self, status: &'a str, since: Instant) -> Self {
        Self {
            status,
            status_since: since,
            ..self
        }
    }

    /// The same context with the values of the scope's names.
    #[must_use]
    pub const fn fields(self, fields: &'a [Value]) -> Self {
        Self { fields, ..self }
    }

    /// The seconds since the device was switched on: `age` of expressions.
    #[must_use]
    pub fn age(&self) -> f64 {
        self.seconds_since(self.device.born)
    }

    /// The seconds since the last change of status: `status_age` of expressions.
    #[must_use]
    pub fn status_age(&self) -> f64 {
        self.seconds_since(self.status_since)
    }

    /// The seconds from a moment to now.
    pub(crate) fn seconds_since(&self, moment: Instant) -> f64 {
        let micros = self.now.micros().saturating_sub(moment.micros());
        micros_as_f64(i64::try_from(micros).unwrap_or(i64::MAX)) / 1e6
    }
}
