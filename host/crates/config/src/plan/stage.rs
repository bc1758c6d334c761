//! Describes load stages: their shapes and transitions.

use std::time::Duration;

/// A part of a run with its own target rate and share of active devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// The duration.
    pub duration: Duration,
    /// The curve of rate and devices.
    pub shape: Shape,
    /// Ticks a second of one device, 0 to 1000.
    pub rate: Transition,
    /// The share of devices that are switched on, 0 to 1.
    pub devices: Transition,
}

impl Stage {
    /// Returns the ticks a second of one device at the end of the stage.
    #[must_use]
    pub fn rate_at_end(&self) -> f64 {
        self.rate.at(self.level_at_end())
    }

    /// Returns the share of active devices at the end of the stage.
    #[must_use]
    pub fn devices_at_end(&self) -> f64 {
        self.devices.at(self.level_at_end())
    }

    fn level_at_end(&self) -> f64 {
        match self.shape {
            Shape::Step | Shape::Ramp => 1.0,
            Shape::Spike(period) | Shape::Sine(period) => {
                let waves = self.duration.as_secs_f64() / period.as_secs_f64();
                self.shape.level(waves.fract())
            }
        }
    }
}

/// A value that changes over a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// Value at level 0 of the shape.
    pub from: f64,
    /// Value at level 1 of the shape.
    pub to: f64,
}

impl Transition {
    /// Creates a transition that stays at one value.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self {
            from: value,
            to: value,
        }
    }

    /// Returns the value at a level of the shape.
    #[must_use]
    pub fn at(self, level: f64) -> f64 {
        self.from + (self.to - self.from) * level
    }
}

/// The curve of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The end value from the start of the stage on.
    Step,
    /// A linear change over the whole stage.
    Ramp,
    /// A linear change to the end value and back, once a period.
    Spike(Duration),
    /// A sine from the start value to the end value and back, once a period.
    Sine(Duration),
}

impl Shape {
    /// Returns the level, 0 to 1, at `place`, 0 to 1 of the stage or of its wave.
    #[must_use]
    pub fn level(self, place: f64) -> f64 {
        match self {
            Self::Step => 1.0,
            Self::Ramp => place,
            Self::Spike(_) => 1.0 - (2.0 * place - 1.0).abs(),
            // `libm` gives the same bits on every machine, unlike the system's library.
            Self::Sine(_) => (1.0 - libm::cos(std::f64::consts::TAU * place)) / 2.0,
        }
    }
}

/// The load after the last stage of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterStages {
    /// The group's configured rate, with all devices.
    Return,
    /// The values at the end of the last stage.
    Hold,
    /// The stages again, from the first one.
    Repeat,
}
