//! Simulates an electricity meter.
//!
//! The load follows a daily curve, the counter only grows, and each message carries the
//! samples since the one before.

mod config;
mod curve;
#[cfg(test)]
mod tests;

use mockfleet_sdk::{About, Behaviour, Device, Error, Instant, Rng, Tick, Turn, round};
use serde::Serialize;

pub use config::Config;

mockfleet_sdk::export!(Meter);

const HOURS_PER_DAY: f64 = 24.0;
const SECONDS_PER_DAY: f64 = 86_400.0;
/// The share of the evening peak from which the status is `peak`.
const PEAK: f64 = 0.75;
/// The mean and the standard deviation of the grid's voltage, in V.
const VOLTS: (f64, f64) = (230.0, 1.5);

/// One meter.
#[derive(Debug)]
pub struct Meter {
    id: String,
    config: Config,
    rng: Rng,
    born: Instant,
    last: Instant,
    /// The size of the household; 1 is usual.
    size: f64,
    /// The energy that has been drawn, in kWh.
    counter: f64,
}

/// The JSON on `telemetry`.
#[derive(Debug, Serialize)]
struct Reading<'a> {
    device: &'a str,
    uptime_ms: u64,
    kwh: f64,
    samples: Vec<Sample>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Instant>,
}

#[derive(Debug, Serialize)]
struct Sample {
    uptime_ms: u64,
    watts: f64,
    volts: f64,
}

impl Behaviour for Meter {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!()
            .channel("telemetry")
            .status("normal")
            .status("peak")
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        let mut rng = device.rng();
        Ok(Self {
            id: device.id.clone(),
            size: rng.range(0.6, 1.4),
            counter: config.counter,
            born: device.born,
            last: device.born,
            rng,
            config,
        })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        let samples = self.sample(tick.at);
        let share = curve::share_of_peak(self.hour(tick.at));
        turn.status(if share >= PEAK { "peak" } else { "normal" });
        let reading = Reading {
            device: &self.id,
            uptime_ms: tick.at.millis_since(self.born),
            kwh: round(self.counter, 3),
            samples,
            at: self.config.timestamp.then_some(tick.at),
        };
        turn.json("telemetry", &reading).map(drop)
    }
}

impl Meter {
    /// Takes samples of the time since the last message, evenly spaced, and counts their
    /// energy.
    fn sample(&mut self, now: Instant) -> Vec<Sample> {
        let count = self.config.samples.max(1);
        let length = now.since(self.last);
        let each = length.as_secs_f64() / f64::from(count);
        let hours = each / 3_600.0 * SECONDS_PER_DAY / self.config.day_seconds;
        let samples = (1..=count)
            .map(|part| {
                let at = self.last + length * part / count;
                let watts = self.draw(at);
                self.counter += watts / 1_000.0 * hours;
                Sample {
                    uptime_ms: at.millis_since(self.born),
                    watts: round(watts, 1),
                    volts: round(self.rng.normal(VOLTS.0, VOLTS.1), 1),
                }
            })
            .collect();
        self.last = self.last.max(now);
        samples
    }

    /// The load of the household at a time, in W; never below zero.
    fn draw(&mut self, at: Instant) -> f64 {
        let config = &self.config;
        let usual = config.base + config.peak * curve::share_of_peak(self.hour(at));
        usual * self.size * self.rng.normal(1.0, config.noise).max(0.0)
    }

    /// The time of day, in hours.
    fn hour(&self, at: Instant) -> f64 {
        let day = self.config.day_seconds;
        let hours = if self.config.timestamp {
            at.time_of_day().as_secs_f64() / day * HOURS_PER_DAY
        } else {
            self.config.hour + at.since(self.born).as_secs_f64() / day * HOURS_PER_DAY
        };
        hours.rem_euclid(HOURS_PER_DAY)
    }
}
