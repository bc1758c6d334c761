//! Simulates a vehicle.
//!
//! It drives along a route, parks at some of its waypoints, and answers commands.

mod config;
mod messages;
mod route;
#[cfg(test)]
mod tests;

use std::time::Duration;

use mockfleet_sdk::{About, Behaviour, Device, Error, Event, Instant, Message, Rng, Tick, Turn};

pub use config::{Config, Waypoint};
use messages::{Command, Do, Fix, Reply};
use route::RoutePosition;

mockfleet_sdk::export!(Vehicle);

/// The standard deviation of the speed, as a share of it.
const SPEED_DRIFT: f64 = 0.1;

/// One vehicle.
#[derive(Debug)]
pub struct Vehicle {
    id: String,
    config: Config,
    rng: Rng,
    born: Instant,
    /// The time up to which it has been simulated.
    now: Instant,
    position: RoutePosition,
    /// Metres since it was switched on.
    odometer: f64,
    motion: Motion,
}

#[derive(Debug, Clone, Copy)]
enum Motion {
    /// Drives at this speed, in metres a second.
    Driving(f64),
    /// Parks until this time, and then drives by itself.
    ParkedUntil(Instant),
    /// Parks by command, until the command `go`.
    ParkedByCommand,
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
        let position = RoutePosition::start(&config.route);
        let length = route::length(&config.route);
        let (Some(position), 100.0..) = (position, length) else {
            return Err(Error::invalid_config(format_args!(
                "config.route is {length:.0} m long, the way back to its start included; it must be 100 m or longer"
            )));
        };
        let mut vehicle = Self {
            id: device.id.clone(),
            rng: device.rng(),
            born: device.born,
            now: device.born,
            position,
            odometer: 0.0,
            motion: Motion::ParkedByCommand,
            config,
        };
        vehicle.start_at_random_position(length);
        Ok(vehicle)
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        self.advance_to(tick.at);
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
        self.advance_to(at);
        let before = self.status();
        let reply = self.execute(&message);
        turn.status(self.status());
        if self.status() != before {
            // A vehicle that drives off sends at once instead of at the next tick of a
            // parked one.
            turn.next_tick(self.pause().unwrap_or_default());
        }
        turn.json("reply", &reply.with(self.fix())).map(drop)
    }
}

impl Vehicle {
    /// Places the vehicle at a random position on its route, most often driving.
    fn start_at_random_position(&mut self, length: f64) {
        let mut metres = self.rng.range(0.0, length);
        while let Some(left) = self.position.advance(&self.config.route, metres) {
            metres = left;
        }
        if self.rng.chance(self.config.park_chance) {
            self.park(self.now);
        } else {
            self.go();
        }
    }

    /// Simulates the vehicle up to `until`: drives, parks, or leaves.
    fn advance_to(&mut self, until: Instant) {
        if let Motion::ParkedUntil(end) = self.motion
            && end <= until
        {
            self.now = self.now.max(end);
            self.go();
        }
        if let Motion::Driving(speed) = self.motion {
            self.drive(speed * until.since(self.now).as_secs_f64(), until);
            self.vary_speed();
        }
        self.now = self.now.max(until);
    }

    /// Drives this many metres up to `until`, fewer when it parks on the way.
    fn drive(&mut self, mut metres: f64, until: Instant) {
        while let Some(left) = self.position.advance(&self.config.route, metres) {
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

    /// Runs a command and returns the reply.
    fn execute<'a>(&mut self, message: &Message) -> Reply<'a> {
        let command: Command = match message.json() {
            Ok(command) => command,
            Err(error) => return Reply::refused(&error),
        };
        match command.r#do {
            Do::Stop => self.motion = Motion::ParkedByCommand,
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

    /// The time until the next tick of a parked vehicle; `None` when it drives, on the
    /// fleet file's schedule.
    fn pause(&self) -> Option<Duration> {
        let pause = Duration::from_secs_f64(self.config.parked_every);
        match self.motion {
            Motion::Driving(_) => None,
            Motion::ParkedUntil(end) => Some(pause.min(end.since(self.now))),
            Motion::ParkedByCommand => Some(pause),
        }
    }

    /// Its position and speed as JSON.
    fn fix(&self) -> Fix<'_> {
        let speed = match self.motion {
            Motion::Driving(speed) => speed,
            _ => 0.0,
        };
        Fix::new(self, speed)
    }
}
