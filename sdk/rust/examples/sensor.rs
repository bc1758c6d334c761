//! Runs a sensor natively whose values are those of generators, with a fault.
//!
//! cargo run -p mockfleet-sdk --features generate --example sensor

use std::time::Duration;

use mockfleet_sdk::generate::{Context, Faulty, Generator, Profile, StuckAt, TimeOfDay, Walk};
use mockfleet_sdk::testing::{Setup, Trial};
use mockfleet_sdk::{About, Behaviour, Device, Error, NoConfig, Tick, Turn};
use serde_json::json;

/// A room sensor: the temperature wanders, the number of people follows the day.
struct Room {
    device: Device,
    temperature: Generator,
    people: Generator,
}

impl Behaviour for Room {
    type Config = NoConfig;

    fn about() -> About {
        About::new("room", "0.1.0").channel("telemetry")
    }

    fn create(device: &Device, _: NoConfig) -> Result<Self, Error> {
        let rng = device.rng();
        let walk = Walk::new(21.0)
            .within(15.0..=30.0)
            .around(21.0, 0.05)
            .step(0.2)
            .decimals(2);
        // From its second hour on the sensor repeats one value.
        let stuck = StuckAt::new()
            .after(Duration::from_hours(1))
            .lasts(Duration::from_hours(1));
        let people = Profile::daily([
            (TimeOfDay::new(7, 0), 0.0),
            (TimeOfDay::new(10, 0), 8.0),
            (TimeOfDay::new(19, 0), 0.0),
        ]);
        Ok(Self {
            temperature: Faulty::new(walk)
                .fault(stuck)
                .start(rng.stream("temperature"))?,
            people: people.decimals(0).start(rng.stream("people"))?,
            device: device.clone(),
        })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        let context = Context::new(&self.device, tick);
        let reading = json!({
            "temperature": self.temperature.next(&context)?,
            "people": self.people.next(&context)?,
            "fault": self.temperature.fault(),
        });
        turn.json("telemetry", &reading).map(drop)
    }
}

mockfleet_sdk::export!(Room);

pub(crate) fn main() -> Result<(), Error> {
    let setup = Setup {
        every: Duration::from_mins(15),
        ..Setup::default()
    };
    let mut room = Trial::<Room>::create(&setup)?;
    room.run(Duration::from_hours(2));
    let readings = room.on("telemetry");
    for reading in &readings {
        println!("{reading}");
    }
    assert_eq!(readings.len(), 8);
    let stuck = readings
        .iter()
        .filter(|reading| reading["fault"] == "stuck-at");
    assert_eq!(stuck.count(), 4);
    Ok(())
}
