//! Describes load stages: their shapes and transitions.

use std::time::Duration;

/// A time of the run, and how the rate of a group, and the share of its devices that
/// are switched on, move in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long it takes.
    pub duration: Duration,
    /// How rate and devices go from where they begin.
    pub shape: Shape,
    /// Ticks a second of one device, 0 to 1000.
    pub rate: Transition,
    /// The share of devices that are switched on, 0 to 1.
    pub devices: Transition,
}

impl Stage {
    /// Ticks a second of one device when the stage is over.
    #[must_use]
    pub fn rate_at_end(&self) -> f64 {
        self.rate.at(self.level_at_end())
    }

    /// The share of devices that are on when the stage is over.
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

/// Where a value begins and where it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// Origin level 0 of the shape.
    pub from: f64,
    /// Origin level 1.
    pub to: f64,
}

impl Transition {
    /// No way at all: it stays where it is.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self {
            from: value,
            to: value,
        }
    }

    /// The value at a level of the shape.
    #[must_use]
    pub fn at(self, level: f64) -> f64 {
        self.from + (self.to - self.from) * level
    }
}

/// How a stage goes its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It is there at once.
    Step,
    /// Evenly, over the whole stage.
    Ramp,
    /// Evenly there and back, once a period.
    Spike(Duration),
    /// There and back like a tide, once a period.
    Sine(Duration),
}

impl Shape {
    /// How far on its way it is at `place`, 0 to 1 of its wave.
    #[must_use]
    pub fn level(self, place: f64) -> f64 {
        match self {
            Self::Step => 1.0,
            Self::Ramp => place,
            Self::Spike(_) => 1.0 - (2.0 * place - 1.0).abs(),
            // Not the system's: the same to the bit on every machine.
            Self::Sine(_) => (1.0 - libm::cos(std::f64::consts::TAU * place)) / 2.0,
        }
    }
}

/// What comes when the stages of a group are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterStages {
    /// The group's own rate, with all devices.
    Return,
    /// What the last stage ended with.
    Hold,
    /// The first stage again.
    Repeat,
}
