//! A room thermometer: temperature and humidity wander around a base, the battery
//! runs down, and a device whose battery is empty retires. Owns the device; its settings
//! are in `config`, the length of its payloads in `padding`.

mod config;
mod padding;
#[cfg(test)]
mod tests;

use std::time::Duration;

use mockfleet_sdk::{About, Behaviour, Device, Error, Instant, Rng, Tick, Turn, round};
use serde::Serialize;

pub use config::Config;

mockfleet_sdk::export!(Thermometer);

/// Below this much charge, in %, the status is `low-battery`.
const LOW_BATTERY: f64 = 20.0;
/// How far the humidity strays from its base: its standard deviation, in %.
const HUMIDITY_DRIFT: f64 = 3.0;

/// One thermometer.
#[derive(Debug)]
pub struct Thermometer {
    id: String,
    config: Config,
    rng: Rng,
    born: Instant,
    last: Instant,
    /// How long the battery lasts from full to empty, in seconds.
    battery_life: f64,
    temperature: f64,
    humidity: f64,
    dead: bool,
}

/// What a thermometer sends on `telemetry`.
#[derive(Debug, Serialize)]
struct Reading<'a> {
    device: &'a str,
    uptime_ms: u64,
    temperature: f64,
    humidity: f64,
    battery: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Instant>,
}

impl Behaviour for Thermometer {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!()
            .channel("telemetry")
            .status("ok")
            .status("low-battery")
            .status("dead")
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        config.check(longest(device, &config)?)?;
        let mut rng = device.rng();
        Ok(Self {
            id: device.id.clone(),
            battery_life: config.battery_hours * 3_600.0 * rng.range(0.9, 1.1),
            temperature: rng.normal(config.base, config.drift),
            humidity: rng.normal(config.humidity, HUMIDITY_DRIFT),
            born: device.born,
            last: device.born,
            dead: false,
            rng,
            config,
        })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        if self.dead {
            return Err(Error::retired("the battery is empty"));
        }
        self.wander(tick.at);
        let battery = self.battery(tick.at);
        turn.status(match battery {
            ..=0.0 => "dead",
            ..LOW_BATTERY => "low-battery",
            _ => "ok",
        });
        if battery <= 0.0 {
            // This reading is the last; the next call says so.
            self.dead = true;
            turn.next_tick(Duration::ZERO);
        }
        let reading = Reading {
            device: &self.id,
            uptime_ms: tick.at.millis_since(self.born),
            temperature: round(self.temperature, 2),
            humidity: round(self.humidity, 2),
            battery: round(battery, 2),
            at: self.config.timestamp.then_some(tick.at),
        };
        let message = turn.json("telemetry", &reading)?;
        if let Some(size) = self.config.size {
            padding::pad(&mut message.payload, size);
        }
        Ok(())
    }
}

impl Thermometer {
    /// Moves temperature and humidity on to `now`: a random walk that is drawn back to
    /// its base (Ornstein-Uhlenbeck), stepped so that its spread does not depend on how
    /// often the device ticks.
    fn wander(&mut self, now: Instant) {
        let config = &self.config;
        let kept = 1.0 / (1.0 + now.since(self.last).as_secs_f64() / config.settle);
        let stirred = (1.0 - kept * kept).sqrt();
        self.last = now;

        let stray = (self.temperature - config.base) * kept;
        self.temperature = config.base + stray + self.rng.normal(0.0, config.drift) * stirred;
        let stray = (self.humidity - config.humidity) * kept;
        let humidity = config.humidity + stray + self.rng.normal(0.0, HUMIDITY_DRIFT) * stirred;
        self.humidity = humidity.clamp(0.0, 100.0);
    }

    /// The battery's charge, in %.
    fn battery(&self, now: Instant) -> f64 {
        let used = now.since(self.born).as_secs_f64() / self.battery_life * 100.0;
        (self.config.battery - used).max(0.0)
    }
}

/// The bytes of the longest reading that the device can send.
fn longest(device: &Device, config: &Config) -> Result<usize, Error> {
    let reading = Reading {
        device: &device.id,
        // 31 years.
        uptime_ms: 999_999_999_999,
        temperature: -1_000.25,
        humidity: 99.25,
        battery: 99.25,
        at: config.timestamp.then_some(device.born),
    };
    let written = serde_json::to_vec(&reading).map_err(Error::failed)?;
    Ok(written.len())
}
