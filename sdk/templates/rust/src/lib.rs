//! A room sensor: its temperature varies, and it reports when it is hot.

use mockfleet_sdk::generate::{Context, Generator, Walk};
use mockfleet_sdk::{About, Behaviour, Device, Error, Event, Instant, Tick, Turn};

mockfleet_sdk::export!(Sensor);

struct Sensor {
    device: Device,
    temperature: Generator,
    limit: f64,
}

/// The settings under `config` in the fleet file.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// The first temperature, in °C.
    #[schemars(range(min = -40.0, max = 85.0))]
    base: f64,
    /// The temperature above which the sensor is hot, in °C.
    limit: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base: 21.0, limit: 22.0 }
    }
}

#[derive(serde::Serialize)]
struct Reading {
    temperature: f64,
    limit: f64,
}

#[derive(serde::Deserialize)]
struct Command {
    limit: f64,
}

impl Behaviour for Sensor {
    type Config = Settings;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry").status("ok").status("hot").downlink()
    }

    fn create(device: &Device, settings: Settings) -> Result<Self, Error> {
        let walk = Walk::new(settings.base).step(0.3).decimals(2);
        Ok(Self {
            temperature: walk.start(device.rng().stream("temperature"))?,
            limit: settings.limit,
            device: device.clone(),
        })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        let temperature = self.temperature.number(&Context::new(&self.device, tick))?;
        let reading = Reading { temperature, limit: self.limit };
        turn.json("telemetry", &reading)?;
        turn.status(if temperature > self.limit { "hot" } else { "ok" });
        Ok(())
    }

    /// A command from the backend: `{"limit": 25}`.
    fn handle(&mut self, _at: Instant, event: Event, _turn: &mut Turn) -> Result<(), Error> {
        if let Event::Received(message) = event {
            self.limit = message.json::<Command>()?.limit;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mockfleet_sdk::testing::Trial;
    use serde_json::json;

    use super::Sensor;

    #[test]
    fn sensor_with_a_lower_limit_becomes_hot() {
        let mut sensor = Trial::<Sensor>::new(json!({ "base": 21, "limit": 30 }));
        sensor.ticks(1);
        assert_eq!(sensor.on("telemetry"), [json!({ "temperature": 21.0, "limit": 30.0 })]);
        assert_eq!(sensor.status(), Some("ok"));

        sensor.receive("command", &json!({ "limit": 10 })).ticks(1);
        assert_eq!(sensor.status(), Some("hot"));
    }
}
