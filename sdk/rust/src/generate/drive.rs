//! A device under way: where it is on its route, its stops, and what its receiver reports.
//! How a route is asked for is in `route`.

use std::rc::Rc;

use crate::error::Error;
use crate::random::Rng;
use crate::time::Instant;

use super::at::At;
use super::kind::{Kind, rounded};
use super::route::{Arrival, Route};
use super::span::Span;
use super::track::{self, Track};
use super::value::Value;

/// From m/s to km/h.
const KMH: f64 = 3.6;

/// A checked route.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) track: Track,
    /// How far into the route one stops, in metres, and for how long; by distance.
    pub(super) stops: Vec<(f64, Span)>,
    pub(super) settings: Route,
    pub(super) names: [Rc<str>; 5],
}

/// Where a device is.
#[derive(Debug, Clone)]
pub(super) struct Driving {
    rng: Rng,
    /// When it was there; the beginning of time before the first value.
    last: Instant,
    /// Metres travelled, and on the route's own length: back and forth it goes up and down.
    travelled: f64,
    position: f64,
    back: bool,
    /// What is left of a stop, in seconds.
    rest: f64,
}

impl Driving {
    /// Goes on for so many seconds at a speed in m/s.
    fn go(&mut self, drive: &Drive, mut seconds: f64, speed: f64) {
        let length = drive.track.length();
        // Each turn of the loop reaches a stop or an end, or uses the time up; a route of a
        // metre at the speed of light would turn too often for one value.
        for _ in 0..10_000 {
            let resting = self.rest.min(seconds);
            self.rest -= resting;
            seconds -= resting;
            if seconds <= 0.0 || speed <= 0.0 {
                return;
            }
            let ahead = |metres: f64| {
                if self.back {
                    self.position - metres
                } else {
                    metres - self.position
                }
            };
            let next = drive
                .stops
                .iter()
                .map(|(metres, stop)| (ahead(*metres), Span::as_f64(*stop) / 1e6))
                .filter(|(distance, _)| *distance > 1e-9)
                .min_by(|one, other| one.0.total_cmp(&other.0));
            let to_end = if self.back {
                self.position
            } else {
                length - self.position
            };
            let reach = next.map_or(to_end, |(distance, _)| distance.min(to_end));
            let way = (speed * seconds).min(reach);
            self.position += if self.back { -way } else { way };
            self.travelled += way;
            seconds -= way / speed;
            if way < reach {
                return;
            }
            if let Some((_, stop)) = next.filter(|(distance, _)| *distance <= reach) {
                self.rest = stop;
            }
            if reach >= to_end {
                self.position = if self.back { 0.0 } else { length };
                match drive.settings.end {
                    Arrival::Stop => return,
                    Arrival::Return => self.back = !self.back,
                    Arrival::Loop => {
                        self.position = 0.0;
                        let home = drive.stops.iter().find(|(metres, _)| *metres == 0.0);
                        self.rest += home.map_or(0.0, |(_, stop)| Span::as_f64(*stop) / 1e6);
                    }
                }
            }
        }
    }
}

impl Kind for Drive {
    type State = Box<Driving>;

    fn start(&self, mut rng: Rng) -> Box<Driving> {
        let share = if self.settings.spread {
            rng.unit()
        } else {
            0.0
        };
        Box::new(Driving {
            rng,
            last: Instant::default(),
            travelled: 0.0,
            position: share * self.track.length(),
            back: false,
            rest: 0.0,
        })
    }

    fn next(&self, state: &mut Self::State, at: &At<'_>) -> Result<Value, Error> {
        let settings = &self.settings;
        let first = state.last == Instant::default();
        let seconds = if first {
            0.0
        } else {
            Span::from(at.now.since(state.last)).as_f64() / 1e6
        };
        state.last = at.now;
        let mut speed = settings.speed;
        if settings.speed_deviation > 0.0 {
            speed = state.rng.normal(speed, settings.speed_deviation).max(0.0);
        }
        let before = state.travelled;
        state.go(self, seconds, speed / KMH);
        if settings.stop_chance > 0.0 && state.rng.chance(settings.stop_chance) && state.rest <= 0.0
        {
            state.rest = settings.stop_lasts.as_f64() / 1e6;
        }
        let (mut place, mut heading) = self.track.at(state.position);
        if state.back {
            heading = (heading + 180.0).rem_euclid(360.0);
        }
        if settings.noise > 0.0 {
            let (north, east) = (
                state.rng.normal(0.0, settings.noise),
                state.rng.normal(0.0, settings.noise),
            );
            place = track::moved(place, north, east);
        }
        // What it was since the value before: a stop counts into it.
        let found = if seconds > 0.0 {
            (state.travelled - before) / seconds * KMH
        } else {
            0.0
        };
        let decimals = Some(settings.decimals);
        let values = [
            rounded(place.lat, decimals),
            rounded(place.lon, decimals),
            rounded(found, Some(1)),
            rounded(heading, Some(1)),
            rounded(state.travelled, Some(1)),
        ];
        Ok(Value::Object(
            self.names.iter().cloned().zip(values).collect(),
        ))
    }
}
