//! Simulates a room thermometer.
//!
//! Temperature and humidity vary around their means, and the battery runs down. A device
//! with an empty battery retires.

mod config;
mod padding;
#[cfg(test)]
mod tests;

use std::time::Duration;

use mockfleet_sdk::{About, Behaviour, Device, Error, Instant, Rng, Tick, Turn, round};
use serde::Serialize;

pub use config::Config;

mockfleet_sdk::export!(Thermometer);

/// The charge, in %, below which the status is `low-battery`.
const LOW_BATTERY: f64 = 20.0;
/// The standard deviation of the humidity from its mean, in %.
const HUMIDITY_DRIFT: f64 = 3.0;

/// One thermometer.
#[derive(Debug)]
pub struct Thermometer {
    id: String,
    config: Config,
    rng: Rng,
    born: Instant,
    last: Instant,
    /// The life of a full battery, in seconds.
    battery_life: f64,
    temperature: f64,
    humidity: f64,
    dead: bool,
}

/// The JSON on `telemetry`.
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
        config.check(max_payload_bytes(device, &config)?)?;
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
        self.advance_to(tick.at);
        let battery = self.battery(tick.at);
        turn.status(match battery {
            ..=0.0 => "dead",
            ..LOW_BATTERY => "low-battery",
            _ => "ok",
        });
        if battery <= 0.0 {
            // This reading is the last; the next call retires the device.
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
    /// Moves temperature and humidity to `now`: a random walk that is pulled back to its
    /// mean (Ornstein-Uhlenbeck). Its spread does not depend on the interval of the ticks.
    fn advance_to(&mut self, now: Instant) {
        let config = &self.config;
        let retained = 1.0 / (1.0 + now.since(self.last).as_secs_f64() / config.settle);
        let noise_scale = (1.0 - retained * retained).sqrt();
        self.last = now;

        let deviation = (self.temperature - config.base) * retained;
        self.temperature =
            config.base + deviation + self.rng.normal(0.0, config.drift) * noise_scale;
        let deviation = (self.humidity - config.humidity) * retained;
        let humidity =
            config.humidity + deviation + self.rng.normal(0.0, HUMIDITY_DRIFT) * noise_scale;
        self.humidity = humidity.clamp(0.0, 100.0);
    }

    /// The battery's charge, in %.
    fn battery(&self, now: Instant) -> f64 {
        let used = now.since(self.born).as_secs_f64() / self.battery_life * 100.0;
        (self.config.battery - used).max(0.0)
    }
}

/// The bytes of the longest reading that the device can send.
fn max_payload_bytes(device: &Device, config: &Config) -> Result<usize, Error> {
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
