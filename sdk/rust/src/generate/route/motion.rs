//! Moves a device along its route.
//!
//! The motion has stops, and the reported position the noise of a receiver.

use std::rc::Rc;
use std::time::Duration;

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::number::rounded;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
#[cfg(feature = "files")]
use crate::generate::route::spec::RouteGap;
use crate::generate::route::spec::{Route, RouteEnd, Waypoint};
use crate::generate::route::track::{self, GeoPoint, Track};
#[cfg(feature = "files")]
use crate::generate::route::track_file;
use crate::random::Rng;
use crate::time::Instant;

/// From m/s to km/h.
const KMH_PER_MPS: f64 = 3.6;

/// A checked route.
#[derive(Debug)]
pub(crate) struct RoutePlan {
    pub(crate) track: Track,
    /// The stops by distance from the start, in metres, and their durations.
    pub(crate) stops: Vec<(f64, Span)>,
    pub(crate) settings: Route,
    pub(crate) names: [Rc<str>; 5],
}

impl Specification for Route {
    type Plan = RoutePlan;

    fn check(&self, check: &mut Check<'_>) -> Option<RoutePlan> {
        check.require_not_negative("speed", self.speed);
        check.require_not_negative("speed-deviation", self.speed_deviation);
        check.require_probability("stop-chance", self.stop_chance);
        check.require_not_negative("noise", self.noise);
        check.require_decimals(Some(self.decimals));
        let segments = self.segments(check)?;
        let track = Track::new(segments, self.end == RouteEnd::Loop, self.drives_gaps());
        if !check.require(
            track.length() > 0.0,
            "points",
            "they are all in one place; a route leads somewhere",
        ) {
            return None;
        }
        let stop =
            |(number, point): (usize, &Waypoint)| Some((track.distance_to(number), point.stop?));
        let mut stops: Vec<_> = self.points.iter().enumerate().filter_map(stop).collect();
        if self.pauses_in_gaps() && self.speed > 0.0 {
            stops.extend(track.gaps().iter().map(|gap| {
                let seconds = gap.length / (self.speed / KMH_PER_MPS);
                let pause = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
                (gap.at, pause.into())
            }));
        }
        Some(RoutePlan {
            track,
            stops,
            settings: self.clone(),
            names: ["lat", "lon", "speed", "heading", "distance"].map(Rc::from),
        })
    }
}

impl Route {
    #[cfg(feature = "files")]
    fn drives_gaps(&self) -> bool {
        self.gap == RouteGap::Drive
    }

    #[cfg(not(feature = "files"))]
    const fn drives_gaps(&self) -> bool {
        false
    }

    #[cfg(feature = "files")]
    fn pauses_in_gaps(&self) -> bool {
        self.gap == RouteGap::Pause
    }

    #[cfg(not(feature = "files"))]
    const fn pauses_in_gaps(&self) -> bool {
        false
    }

    fn segments(&self, check: &mut Check<'_>) -> Option<Vec<Vec<GeoPoint>>> {
        #[cfg(feature = "files")]
        if let Some(file) = &self.file {
            check.require(
                self.points.is_empty(),
                "points",
                "file is there, too; one of the two is right",
            );
            let drives_gaps = self.drives_gaps();
            return check.collect(|scope, problems| {
                track_file::read(&scope.files, file, drives_gaps, problems)
            });
        }
        check.require(
            self.points.len() >= 2,
            "points",
            format_args!(
                "a route has two at least, and here are fewer: {}",
                self.points.len()
            ),
        );
        let places = check.each("points", &self.points, |check, point| {
            let place = GeoPoint {
                lat: point.lat,
                lon: point.lon,
            };
            check
                .collect(|_, problems| track::check_point(place, problems))
                .then_some(place)
        })?;
        (places.len() >= 2).then(|| vec![places])
    }
}

/// The position of a device.
#[derive(Debug, Clone)]
pub(crate) struct RouteState {
    rng: Rng,
    /// The time of the position; 0 before the first value.
    last: Instant,
    /// The metres travelled. `position` is the distance from the start of the route, which
    /// falls again on the way back.
    travelled: f64,
    position: f64,
    back: bool,
    /// The rest of a stop, in seconds.
    remaining_stop: f64,
}

impl RouteState {
    /// Moves for a time in seconds at a speed in m/s.
    fn advance(&mut self, route: &RoutePlan, mut seconds: f64, speed: f64) {
        let length = route.track.length();
        // Each iteration reaches a stop or an end, or uses up the time. The limit bounds a
        // route of a metre at an extreme speed.
        for _ in 0..10_000 {
            let resting = self.remaining_stop.min(seconds);
            self.remaining_stop -= resting;
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
            let next = route
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
                self.remaining_stop = stop;
            }
            if reach >= to_end {
                self.position = if self.back { 0.0 } else { length };
                match route.settings.end {
                    RouteEnd::Stop => return,
                    RouteEnd::Return => self.back = !self.back,
                    RouteEnd::Loop => {
                        self.position = 0.0;
                        let home = route.stops.iter().find(|(metres, _)| *metres == 0.0);
                        self.remaining_stop +=
                            home.map_or(0.0, |(_, stop)| Span::as_f64(*stop) / 1e6);
                    }
                }
            }
        }
    }
}

impl GeneratorKind for RoutePlan {
    type State = Box<RouteState>;

    fn start(&self, mut rng: Rng) -> Box<RouteState> {
        let share = if self.settings.spread {
            rng.unit()
        } else {
            0.0
        };
        Box::new(RouteState {
            rng,
            last: Instant::default(),
            travelled: 0.0,
            position: share * self.track.length(),
            back: false,
            remaining_stop: 0.0,
        })
    }

    fn next(&self, state: &mut Self::State, context: &Context<'_>) -> Result<Value, Error> {
        let settings = &self.settings;
        let first = state.last == Instant::default();
        let seconds = if first {
            0.0
        } else {
            Span::from(context.now.since(state.last)).as_f64() / 1e6
        };
        state.last = context.now;
        let mut speed = settings.speed;
        if settings.speed_deviation > 0.0 {
            speed = state.rng.normal(speed, settings.speed_deviation).max(0.0);
        }
        let before = state.travelled;
        state.advance(self, seconds, speed / KMH_PER_MPS);
        if settings.stop_chance > 0.0
            && state.rng.chance(settings.stop_chance)
            && state.remaining_stop <= 0.0
        {
            state.remaining_stop = settings.stop_lasts.as_f64() / 1e6;
        }
        // A device that pauses between two segments has not left the first one.
        let (mut place, mut heading) = (state.remaining_stop > 0.0)
            .then(|| self.track.position_in_gap(state.position, state.back))
            .flatten()
            .unwrap_or_else(|| self.track.position_at(state.position));
        if state.back {
            heading = (heading + 180.0).rem_euclid(360.0);
        }
        if settings.noise > 0.0 {
            let (north, east) = (
                state.rng.normal(0.0, settings.noise),
                state.rng.normal(0.0, settings.noise),
            );
            place = track::offset_by(place, north, east);
        }
        // The mean speed since the value before, stops included.
        let found = if seconds > 0.0 {
            (state.travelled - before) / seconds * KMH_PER_MPS
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

    fn known_parts(&self) -> KnownParts {
        let names = self.names.iter().cloned();
        KnownParts::members(names.map(|name| (name, KnownParts::Single)))
    }
}
