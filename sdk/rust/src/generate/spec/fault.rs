//! Sensor faults: a generator whose values go wrong now and then, as those of a broken
//! sensor do. Owns how they are asked for; what they do is in `broken`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::common::span::{Shift, Span};

/// The times at which a fault may be present.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultWindow {
    pub(crate) chance: f64,
    pub(crate) lasts: Span,
    pub(crate) after: Span,
    pub(crate) until: Option<Span>,
}

/// Writes the struct of each fault, with what all have in common: when it is there.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {
        /// What goes wrong with a sensor, told apart by `kind`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[doc = $doc])+ $name($name),)+
        }

        impl Fault {
            pub(crate) const fn label(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $label,)+
                }
            }

            pub(crate) const fn when(&self) -> FaultWindow {
                match self {
                    $(Self::$name(fault) => FaultWindow {
                        chance: fault.chance,
                        lasts: fault.lasts,
                        after: fault.after,
                        until: fault.until,
                    },)+
                }
            }
        }

        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields, rename_all = "kebab-case")]
            #[non_exhaustive]
            pub struct $name {
                $($(#[doc = $field_doc])+ pub $field: $type,)*
                /// How likely it begins with a value, 0 to 1.
                #[serde(default = "always")]
                #[schemars(range(min = 0.0, max = 1.0))]
                pub chance: f64,
                /// How long it lasts once it has begun. `0s`: for one value.
                #[serde(default)]
                pub lasts: Span,
                /// Does not begin before the device is so old.
                #[serde(default)]
                pub after: Span,
                /// Does not begin, and ends, when the device is so old. Absent: there is no
                /// such age.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub until: Option<Span>,
            }

            impl $name {
                /// With each value; the other methods make it rarer.
                #[must_use]
                #[allow(clippy::new_without_default, reason = "a fault is always said in full")]
                pub fn new($($field: impl Into<$type>),*) -> Self {
                    Self {
                        $($field: $field.into(),)*
                        chance: 1.0,
                        lasts: Span::default(),
                        after: Span::default(),
                        until: None,
                    }
                }

                /// Begins with a value with this probability, 0 to 1.
                #[must_use]
                pub fn chance(self, chance: f64) -> Self {
                    Self { chance, ..self }
                }

                /// Lasts so long once it has begun.
                #[must_use]
                pub fn lasts(self, length: impl Into<Span>) -> Self {
                    Self { lasts: length.into(), ..self }
                }

                /// Is there only from this age of the device.
                #[must_use]
                pub fn after(self, age: impl Into<Span>) -> Self {
                    Self { after: age.into(), ..self }
                }

                /// Is there only up to this age of the device.
                #[must_use]
                pub fn until(self, age: impl Into<Span>) -> Self {
                    Self { until: Some(age.into()), ..self }
                }
            }

            impl From<$name> for Fault {
                fn from(fault: $name) -> Self {
                    Self::$name(fault)
                }
            }
        )+
    };
}

faults! {
    /// Values jump, up or down.
    Spike = "spike" {
        /// How far: this is added to each number, or taken away, by chance.
        by: f64,
    }
    /// The value that the fault began with comes again and again.
    StuckAt = "stuck-at" {}
    /// Values stray further and further.
    Drift = "drift" {
        /// How far in an hour; below zero for down.
        per_hour: f64,
    }
    /// There is no value: the member is left out.
    Missing = "missing" {}
    /// Values are noisy.
    Noise = "noise" {
        /// The standard deviation of what is added to each number.
        deviation: f64,
    }
    /// The sensor reports a value that it cannot have measured.
    OutOfRange = "out-of-range" {
        /// The value.
        value: f64,
    }
    /// The value is `null`.
    Null = "null" {}
    /// The value has another type: a number, true and false become texts, a text the number
    /// of its characters, all else a text.
    WrongType = "wrong-type" {}
    /// The sensor's clock is wrong: its moment, and with it all that depends on the moment,
    /// is shifted.
    SkewedClock = "skewed-clock" {
        /// How far the clock is ahead or, with a minus, behind.
        by: Shift,
    }
}

const fn always() -> f64 {
    1.0
}
