//! Defines the specification of a route.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::common::span::Span;

/// A point of a route, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Waypoint {
    /// Latitude, north of the equator above zero.
    #[schemars(range(min = -90.0, max = 90.0))]
    pub lat: f64,
    /// Longitude, east of Greenwich above zero.
    #[schemars(range(min = -180.0, max = 180.0))]
    pub lon: f64,
    /// The duration of a stop here, each time the device passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Span>,
}

/// The behaviour at the end of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RouteEnd {
    /// Continues to the first point, and around again.
    #[default]
    Loop,
    /// Returns the same way, and again.
    Return,
    /// The device stays there.
    Stop,
}

/// The way from the end of a segment of a file to the start of the next one.
#[cfg(feature = "files")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RouteGap {
    /// The device is at the start of the next segment at once: the way between was not
    /// recorded.
    #[default]
    Jump,
    /// The device stays at the end of the segment for as long as the straight way takes at
    /// `speed`, and then is at the start of the next one.
    Pause,
    /// The device drives the straight way.
    Drive,
}

/// A position that moves along a route: an object of `lat` and `lon` (degrees), `speed`
/// (km/h), `heading` (degrees from north, clockwise) and `distance` (metres since the
/// first value).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Route {
    /// The route's points; two at least.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Waypoint>,
    /// The data file with the route, instead of `points`, by its name under `data` in the
    /// fleet file's group: GPX when it begins with `<`, else GeoJSON.
    #[cfg(feature = "files")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The way between two segments of the file: `<trkseg>` and `<rte>` of GPX, lines and parts
    /// of a `MultiLineString` of GeoJSON.
    #[cfg(feature = "files")]
    #[serde(default)]
    pub gap: RouteGap,
    /// The mean speed, in km/h.
    #[schemars(range(min = 0.0))]
    pub speed: f64,
    /// The standard deviation of the speed from value to value, in km/h. The speed does not
    /// fall below zero.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub speed_deviation: f64,
    /// The probability of a stop with each value, 0 to 1: traffic lights, breaks.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub stop_chance: f64,
    /// The duration of such a stop.
    #[serde(default = "half_a_minute")]
    pub stop_lasts: Span,
    /// The standard deviation of the reported position to the north and to the east, in
    /// metres.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub noise: f64,
    /// The behaviour at the end.
    #[serde(default)]
    pub end: RouteEnd,
    /// Starts each device at a random position instead of the first point.
    #[serde(default)]
    pub spread: bool,
    /// Decimals of the degrees, 0 to 15; 6 are 11 cm.
    #[serde(default = "six")]
    #[schemars(range(max = 15))]
    pub decimals: u8,
}

const fn half_a_minute() -> Span {
    Span::from_micros(30_000_000)
}

const fn six() -> u8 {
    6
}

impl Route {
    /// A route along these points, latitude and longitude in degrees, at this speed in
    /// km/h.
    #[must_use]
    pub fn new(points: impl IntoIterator<Item = (f64, f64)>, speed: f64) -> Self {
        let point = |(lat, lon)| Waypoint {
            lat,
            lon,
            stop: None,
        };
        Self {
            points: points.into_iter().map(point).collect(),
            #[cfg(feature = "files")]
            file: None,
            #[cfg(feature = "files")]
            gap: RouteGap::Jump,
            speed,
            speed_deviation: 0.0,
            stop_chance: 0.0,
            stop_lasts: half_a_minute(),
            noise: 0.0,
            end: RouteEnd::Loop,
            spread: false,
            decimals: six(),
        }
    }

    /// The route in this data file, at this speed in km/h.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn file(name: impl Into<String>, speed: f64) -> Self {
        Self {
            file: Some(name.into()),
            ..Self::new([], speed)
        }
    }

    /// Sets the way between two segments of the file.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn gap(self, gap: RouteGap) -> Self {
        Self { gap, ..self }
    }

    /// Stops at a point, counted from 0, for this time. Does nothing without such a point.
    #[must_use]
    pub fn stop_at(mut self, point: usize, length: impl Into<Span>) -> Self {
        if let Some(point) = self.points.get_mut(point) {
            point.stop = Some(length.into());
        }
        self
    }

    /// Sets the standard deviation of the speed, in km/h.
    #[must_use]
    pub fn speed_deviation(self, deviation: f64) -> Self {
        Self {
            speed_deviation: deviation,
            ..self
        }
    }

    /// Stops with this probability at each value, for this time.
    #[must_use]
    pub fn stops(self, chance: f64, length: impl Into<Span>) -> Self {
        Self {
            stop_chance: chance,
            stop_lasts: length.into(),
            ..self
        }
    }

    /// Sets the standard deviation of the reported position, in metres.
    #[must_use]
    pub fn noise(self, metres: f64) -> Self {
        Self {
            noise: metres,
            ..self
        }
    }

    /// The behaviour at the end.
    #[must_use]
    pub fn end(self, end: RouteEnd) -> Self {
        Self { end, ..self }
    }

    /// Starts each device at a random position.
    #[must_use]
    pub fn spread(self) -> Self {
        Self {
            spread: true,
            ..self
        }
    }
}
