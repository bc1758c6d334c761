//! Defines the faults of a sensor.

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

/// Defines the struct of each fault, with the times that all have in common.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {
        /// A fault of a sensor, selected by `kind`.
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
                /// The probability that it begins with a value, 0 to 1.
                #[serde(default = "always")]
                #[schemars(range(min = 0.0, max = 1.0))]
                pub chance: f64,
                /// Its duration. `0s`: for one value.
                #[serde(default)]
                pub lasts: Span,
                /// The age of the device from which it may begin.
                #[serde(default)]
                pub after: Span,
                /// The age of the device at which it ends, and from which it does not
                /// begin. Absent: no such age.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub until: Option<Span>,
            }

            impl $name {
                /// A fault with each value; the other methods make it rarer.
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

                /// Sets the probability that it begins with a value, 0 to 1.
                #[must_use]
                pub fn chance(self, chance: f64) -> Self {
                    Self { chance, ..self }
                }

                /// Sets its duration.
                #[must_use]
                pub fn lasts(self, length: impl Into<Span>) -> Self {
                    Self { lasts: length.into(), ..self }
                }

                /// Sets the age of the device from which it may begin.
                #[must_use]
                pub fn after(self, age: impl Into<Span>) -> Self {
                    Self { after: age.into(), ..self }
                }

                /// Sets the age of the device at which it ends.
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
    /// Values jump up or down.
    Spike = "spike" {
        /// The size of a jump, which is added or subtracted at random.
        by: f64,
    }
    /// The sensor repeats the value with which the fault began.
    StuckAt = "stuck-at" {}
    /// Values drift away.
    Drift = "drift" {
        /// The drift in an hour; below zero for down.
        per_hour: f64,
    }
    /// There is no value: the member is left out.
    Missing = "missing" {}
    /// Values are noisy.
    Noise = "noise" {
        /// The standard deviation of the noise that is added to each number.
        deviation: f64,
    }
    /// The sensor reports a value that it cannot have measured.
    OutOfRange = "out-of-range" {
        /// The value.
        value: f64,
    }
    /// The value is `null`.
    Null = "null" {}
    /// The value has another type: a text becomes the number of its characters, any other
    /// value a text.
    WrongType = "wrong-type" {}
    /// The sensor's clock is shifted, and with it every value that depends on time.
    SkewedClock = "skewed-clock" {
        /// The time by which the clock is ahead or, with a minus, behind.
        by: Shift,
    }
}

const fn always() -> f64 {
    1.0
}
