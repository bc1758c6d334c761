//! A vehicle: it drives along a route, parks at some of its waypoints, and answers
//! commands. Owns the vehicle; its settings are in `config`, the map in `route`, what it
//! says and hears in `messages`.

mod config;
mod messages;
mod route;
#[cfg(test)]
mod tests;

use std::time::Duration;

use mockfleet_sdk::{About, Behaviour, Device, Error, Event, Instant, Message, Rng, Tick, Turn};

pub use config::{Config, Waypoint};
use messages::{Command, Do, Fix, Reply};
use route::Place;

mockfleet_sdk::export!(Vehicle);

/// How much the speed varies: its standard deviation, as a share of the speed.
const SPEED_DRIFT: f64 = 0.1;

/// One vehicle.
#[derive(Debug)]
pub struct Vehicle {
    id: String,
    config: Config,
    rng: Rng,
    born: Instant,
    /// Up to when it has been driven or parked.
    now: Instant,
    place: Place,
    /// Metres since it was switched on.
    odometer: f64,
    motion: Motion,
}

#[derive(Debug, Clone, Copy)]
enum Motion {
    /// Metres a second.
    Driving(f64),
    /// Drives on by itself then.
    ParkedUntil(Instant),
    /// Stopped by command, until told to go.
    Held,
}

impl Behaviour for Vehicle {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!()
            .channel("telemetry")
            .channel("reply")
            .status("driving")
            .status("parked")
            .downlink()
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        let place = Place::start(&config.route);
        let length = route::length(&config.route);
        let (Some(place), 100.0..) = (place, length) else {
            return Err(Error::invalid_config(format_args!(
                "config.route is {length:.0} m long, the way back to its start included; it must be 100 m or longer"
            )));
        };
        let mut vehicle = Self {
            id: device.id.clone(),
            rng: device.rng(),
            born: device.born,
            now: device.born,
            place,
            odometer: 0.0,
            motion: Motion::Held,
            config,
        };
        vehicle.begin_anywhere(length);
        Ok(vehicle)
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        self.drive_on(tick.at);
        turn.status(self.status());
        if let Some(pause) = self.pause() {
            turn.next_tick(pause);
        }
        turn.json("telemetry", &self.fix()).map(drop)
    }

    fn handle(&mut self, at: Instant, event: Event, turn: &mut Turn) -> Result<(), Error> {
        let Event::Received(message) = event else {
            return Ok(());
        };
        self.drive_on(at);
        let before = self.status();
        let reply = self.obey(&message);
        turn.status(self.status());
        if self.status() != before {
            // Who drives off says so at once, and not when a parked vehicle would have.
            turn.next_tick(self.pause().unwrap_or_default());
        }
        turn.json("reply", &reply.with(self.fix())).map(drop)
    }
}

impl Vehicle {
    /// Puts the vehicle somewhere on its route, most often driving.
    fn begin_anywhere(&mut self, length: f64) {
        let mut metres = self.rng.range(0.0, length);
        while let Some(left) = self.place.advance(&self.config.route, metres) {
            metres = left;
        }
        if self.rng.chance(self.config.park_chance) {
            self.park(self.now);
        } else {
            self.go();
        }
    }

    /// Lives on to `until`: drives, and parks or leaves where it is time to.
    fn drive_on(&mut self, until: Instant) {
        if let Motion::ParkedUntil(end) = self.motion
            && end <= until
        {
            self.now = self.now.max(end);
            self.go();
        }
        if let Motion::Driving(speed) = self.motion {
            self.cover(speed * until.since(self.now).as_secs_f64(), until);
            self.vary_speed();
        }
        self.now = self.now.max(until);
    }

    /// Drives so many metres up to `until`, fewer when it parks on the way.
    fn cover(&mut self, mut metres: f64, until: Instant) {
        while let Some(left) = self.place.advance(&self.config.route, metres) {
            self.odometer += metres - left;
            metres = left;
            if self.rng.chance(self.config.park_chance) {
                return self.park(until);
            }
        }
        self.odometer += metres;
    }

    fn park(&mut self, from: Instant) {
        let stay = self.config.park_seconds * self.rng.range(0.5, 1.5);
        self.motion = Motion::ParkedUntil(from + Duration::from_secs_f64(stay));
    }

    fn go(&mut self) {
        self.motion = Motion::Driving(0.0);
        self.vary_speed();
    }

    fn vary_speed(&mut self) {
        if let Motion::Driving(speed) = &mut self.motion {
            let usual = self.config.speed / 3.6;
            *speed = self.rng.normal(usual, usual * SPEED_DRIFT).max(usual * 0.5);
        }
    }

    /// Does as told, and says whether it could.
    fn obey<'a>(&mut self, message: &Message) -> Reply<'a> {
        let command: Command = match message.json() {
            Ok(command) => command,
            Err(error) => return Reply::refused(&error),
        };
        match command.r#do {
            Do::Stop => self.motion = Motion::Held,
            Do::Go if !self.is_driving() => self.go(),
            Do::Go | Do::Locate => {}
        }
        Reply::done(command.r#do)
    }

    fn is_driving(&self) -> bool {
        matches!(self.motion, Motion::Driving(_))
    }

    fn status(&self) -> &'static str {
        if self.is_driving() {
            "driving"
        } else {
            "parked"
        }
    }

    /// How long a parked vehicle waits with its next tick; `None` when it drives, and
    /// ticks as the fleet file schedules it.
    fn pause(&self) -> Option<Duration> {
        let pause = Duration::from_secs_f64(self.config.parked_every);
        match self.motion {
            Motion::Driving(_) => None,
            Motion::ParkedUntil(end) => Some(pause.min(end.since(self.now))),
            Motion::Held => Some(pause),
        }
    }

    /// Where it is and what it does, as it says it.
    fn fix(&self) -> Fix<'_> {
        let speed = match self.motion {
            Motion::Driving(speed) => speed,
            _ => 0.0,
        };
        Fix::new(self, speed)
    }
}
