//! When and for whom a value is made. Owns the moment's description and the scope of
//! names and files that specifications may refer to; must not know any generator.

use crate::contract::behaviour::{Device, Tick};
use crate::generate::common::value::Value;
use crate::time::Instant;

/// The moment that a value is made for. Cheap to copy.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// When: the time at which the tick was due, or of the event.
    pub now: Instant,
    /// Ticks that the device has had before this one.
    pub sequence: u64,
    /// Whose value it is.
    pub device: &'a Device,
    /// The device's status, and since when it has it.
    pub status: &'a str,
    /// When the device's status became what it is.
    pub status_since: Instant,
    /// The values of the names in the [`Scope`], in its order. A name that a generator
    /// [reads](super::Plan::reads) must have its value before the generator is asked.
    pub fields: &'a [Value],
}

impl<'a> Context<'a> {
    /// A tick of a device: no status, which it has since birth, and no fields.
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

    /// The same moment, with the device's status.
    #[must_use]
    pub const fn status(self, status: &'a str, since: Instant) -> Self {
        Self {
            status,
            status_since: since,
            ..self
        }
    }

    /// The same moment, with the values of the scope's names.
    #[must_use]
    pub const fn fields(self, fields: &'a [Value]) -> Self {
        Self { fields, ..self }
    }
}
