//! A way through the world: a position that moves along a route, with speed, stops and the
//! noise of a GPS receiver.

use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::drive::Drive;
use super::kind::Specified;
use super::problems::Check;
use super::span::Span;
use super::track::{self, Place, Track};

/// A point of a route, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Waypoint {
    /// Latitude, north of the equator above zero.
    #[schemars(range(min = -90.0, max = 90.0))]
    pub lat: f64,
    /// Longitude, east of Greenwich above zero.
    #[schemars(range(min = -180.0, max = 180.0))]
    pub lon: f64,
    /// How long the device stops here each time it passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Span>,
}

/// What comes at the end of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// On to the first point, and around again.
    #[default]
    Loop,
    /// The same way back, and again.
    Return,
    /// The device stays there.
    Stop,
}

/// A position that moves along a route: an object of `lat` and `lon` (degrees), `speed`
/// (km/h), `heading` (degrees from north, clockwise) and `distance` (metres since the
/// first value).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// The route's points; two at least.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Waypoint>,
    /// The data file that has the route in place of `points`, by its name under `data` in
    /// the fleet file's group: GPX when it begins with `<`, else GeoJSON.
    #[cfg(feature = "files")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The mean speed, in km/h.
    #[schemars(range(min = 0.0))]
    pub speed: f64,
    /// How much the speed varies from value to value: its standard deviation, in km/h. It
    /// does not fall below zero.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub speed_deviation: f64,
    /// How likely the device stops somewhere with a value, 0 to 1: traffic lights, breaks.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub stop_chance: f64,
    /// How long such a stop lasts.
    #[serde(default = "half_a_minute")]
    pub stop_lasts: Span,
    /// How far the reported position is from the true one: the standard deviation to the
    /// north and to the east, in metres.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub noise: f64,
    /// What comes at the end.
    #[serde(default)]
    pub end: Arrival,
    /// Devices begin anywhere on the route, each by its own, and not at its first point.
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
    /// Along these points, latitude and longitude in degrees, at this speed in km/h.
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
            speed,
            speed_deviation: 0.0,
            stop_chance: 0.0,
            stop_lasts: half_a_minute(),
            noise: 0.0,
            end: Arrival::Loop,
            spread: false,
            decimals: six(),
        }
    }

    /// Along the route in this data file, at this speed in km/h.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn file(name: impl Into<String>, speed: f64) -> Self {
        Self {
            file: Some(name.into()),
            ..Self::new([], speed)
        }
    }

    /// Stops at a point, counted from 0, for so long. Without such a point nothing happens.
    #[must_use]
    pub fn stop_at(mut self, point: usize, length: impl Into<Span>) -> Self {
        if let Some(point) = self.points.get_mut(point) {
            point.stop = Some(length.into());
        }
        self
    }

    /// The speed varies with this standard deviation, in km/h.
    #[must_use]
    pub fn speed_deviation(self, deviation: f64) -> Self {
        Self {
            speed_deviation: deviation,
            ..self
        }
    }

    /// Stops with a value with this probability, for so long.
    #[must_use]
    pub fn stops(self, chance: f64, length: impl Into<Span>) -> Self {
        Self {
            stop_chance: chance,
            stop_lasts: length.into(),
            ..self
        }
    }

    /// The reported position is off by this standard deviation, in metres.
    #[must_use]
    pub fn noise(self, metres: f64) -> Self {
        Self {
            noise: metres,
            ..self
        }
    }

    /// What comes at the end.
    #[must_use]
    pub fn end(self, end: Arrival) -> Self {
        Self { end, ..self }
    }

    /// Devices begin anywhere on the route.
    #[must_use]
    pub fn spread(self) -> Self {
        Self {
            spread: true,
            ..self
        }
    }
}

impl Specified for Route {
    type Kind = Drive;

    fn check(&self, check: &mut Check<'_>) -> Option<Drive> {
        check.not_negative("speed", self.speed);
        check.not_negative("speed-deviation", self.speed_deviation);
        check.probability("stop-chance", self.stop_chance);
        check.not_negative("noise", self.noise);
        check.decimals(Some(self.decimals));
        let places = self.places(check)?;
        let track = Track::new(places, self.end == Arrival::Loop);
        if !check.expect(
            track.length() > 0.0,
            "points",
            "they are all in one place; a route leads somewhere",
        ) {
            return None;
        }
        let stop = |(number, point): (usize, &Waypoint)| Some((track.metres(number), point.stop?));
        let stops = self.points.iter().enumerate().filter_map(stop).collect();
        Some(Drive {
            track,
            stops,
            settings: self.clone(),
            names: ["lat", "lon", "speed", "heading", "distance"].map(Rc::from),
        })
    }
}

impl Route {
    fn places(&self, check: &mut Check<'_>) -> Option<Vec<Place>> {
        #[cfg(feature = "files")]
        if let Some(file) = &self.file {
            check.expect(
                self.points.is_empty(),
                "points",
                "file is there, too; one of the two is right",
            );
            return track::read(check, file);
        }
        check.expect(
            self.points.len() >= 2,
            "points",
            format_args!("{} points; a route has two at least", self.points.len()),
        );
        let places = check.each("points", &self.points, |check, point| {
            let place = Place {
                lat: point.lat,
                lon: point.lon,
            };
            track::check_place(check, place).then_some(place)
        })?;
        (places.len() >= 2).then_some(places)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::super::testing::{Life, problems};
    use super::*;

    /// 1 km to the north, in 100 s at 36 km/h.
    fn north() -> Route {
        Route::new([(50.0, 8.0), (50.0 + 1_000.0 / 111_195.08, 8.0)], 36.0)
    }

    fn distances(route: Route, seconds: u64, count: usize) -> Vec<f64> {
        let mut life = Life::new(route).paced(Span::from_micros(seconds * 1_000_000));
        let values = life.values(count);
        values
            .iter()
            .map(|value| value.part("distance").unwrap().as_number().unwrap().round())
            .collect()
    }

    fn latitudes(route: Route, seconds: u64, count: usize) -> Vec<f64> {
        let mut life = Life::new(route).paced(Span::from_micros(seconds * 1_000_000));
        let metres =
            |value: &Value| (value.part("lat").unwrap().as_number().unwrap() - 50.0) * 111_195.08;
        life.values(count)
            .iter()
            .map(|value| metres(value).round())
            .collect()
    }

    #[test]
    fn a_device_moves_at_its_speed_and_does_at_the_end_what_it_is_told() {
        assert_eq!(
            latitudes(north(), 30, 8),
            [0.0, 300.0, 600.0, 900.0, 800.0, 500.0, 200.0, 100.0]
        );
        assert_eq!(
            latitudes(north().end(Arrival::Return), 30, 5),
            [0.0, 300.0, 600.0, 900.0, 800.0]
        );
        assert_eq!(
            latitudes(north().end(Arrival::Stop), 30, 6),
            [0.0, 300.0, 600.0, 900.0, 1_000.0, 1_000.0]
        );
        let mut life = Life::new(north().end(Arrival::Stop)).paced(Span::from_micros(60_000_000));
        assert_eq!(
            life.json(3),
            r#"[{"lat":50.0,"lon":8.0,"speed":0.0,"heading":0.0,"distance":0.0},{"lat":50.005396,"lon":8.0,"speed":36.0,"heading":0.0,"distance":600.0},{"lat":50.008993,"lon":8.0,"speed":24.0,"heading":0.0,"distance":1000.0}]"#
        );
    }

    #[test]
    fn a_device_stops_where_it_is_told_each_time_it_passes() {
        let stop = north()
            .end(Arrival::Return)
            .stop_at(1, Span::from_micros(50_000_000));
        assert_eq!(
            distances(stop, 50, 8),
            [
                0.0, 500.0, 1_000.0, 1_000.0, 1_500.0, 2_000.0, 2_500.0, 3_000.0
            ]
        );
        let home = north().stop_at(0, Span::from_micros(100_000_000));
        assert_eq!(
            distances(home, 100, 5),
            [0.0, 1_000.0, 2_000.0, 2_000.0, 3_000.0]
        );
    }

    #[test]
    fn many_small_steps_lead_as_far_as_one_large_one() {
        let route = || {
            Route::new([(50.0, 8.0), (50.01, 8.0), (50.01, 8.02)], 50.0)
                .stop_at(1, Span::from_micros(7_500_000))
        };
        let large = distances(route(), 600, 6);
        let small = distances(route(), 1, 3_001);
        for (step, large) in large.iter().enumerate() {
            assert!((small[step * 600] - large).abs() <= 1.0, "{step}");
        }
    }

    #[test]
    fn noise_and_stops_by_chance_are_as_large_as_they_say() {
        let still = Route {
            speed: 0.0,
            ..north()
        }
        .noise(5.0);
        let values = Life::new(still).values(10_000);
        let squares = values.iter().map(|value| {
            let metres = (value.part("lat").unwrap().as_number().unwrap() - 50.0) * 111_195.08;
            metres * metres
        });
        let variance = squares.sum::<f64>() / 1e4;
        assert!(
            (variance - 25.0).abs() < 5.0 * (2.0_f64 * 625.0 / 1e4).sqrt(),
            "{variance}"
        );
        // Each second that it could drive in it stops with 0.1, for 9 s: 9 s of driving, on
        // average, to 9 s of standing.
        let halting = north().stops(0.1, Span::from_micros(9_000_000));
        let way = distances(halting, 1, 20_001).pop().unwrap();
        assert!((way / 200_000.0 - 0.5).abs() < 0.03, "{way}");
    }

    #[test]
    fn a_spread_fleet_begins_everywhere() {
        let first = |seed| Life::seeded(north().spread(), seed).json(1);
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[cfg(feature = "files")]
    #[test]
    fn a_route_is_read_from_a_file() {
        let scope = super::super::Scope::new().files(|name| {
            let text = r#"{"type":"LineString","coordinates":[[8,50],[8.1,50]]}"#;
            let gpx = r#" <gpx><trkpt lat="50" lon="8"/><trkpt lat="50" lon="7.9"/></gpx>"#;
            match name {
                "way" => Some(text.into()),
                "back" => Some(gpx.into()),
                _ => None,
            }
        });
        for (name, heading) in [("way", 90.0), ("back", 270.0)] {
            let plan = Route::file(name, 30.0).plan(&scope).unwrap();
            let value = Life::of(&plan, 1).next().unwrap();
            let found = value.part("heading").unwrap().as_number();
            assert_eq!(found.map(f64::round), Some(heading));
        }
        assert_eq!(
            Route::file("x.gpx", 30.0)
                .plan(&scope)
                .unwrap_err()
                .to_string(),
            "file: there is no data file \"x.gpx\"; name it under data in the fleet file's group"
        );
    }

    #[test]
    fn a_route_that_cannot_be_says_where() {
        let route = Route::new([(95.0, 8.0), (50.0, 200.0)], -1.0);
        assert_eq!(
            problems(&route),
            "speed: -1 is below zero; 0 and more is right\n\
             points.0.lat: 95 is no latitude; it lies between -90 and 90 degrees\n\
             points.1.lon: 200 is no longitude; it lies between -180 and 180 degrees"
        );
        assert_eq!(
            problems(&Route::new([(1.0, 1.0)], 1.0)),
            "points: 1 points; a route has two at least"
        );
        assert_eq!(
            problems(&Route::new([(1.0, 1.0), (1.0, 1.0)], 1.0)),
            "points: they are all in one place; a route leads somewhere"
        );
    }
}
