//! A closed way over the map, and a place on it. Owns the geometry; must not know who
//! travels, nor how fast.

use crate::config::Waypoint;

/// A degree of the earth's mean circumference, in metres: 2π × 6,371,008.8 m / 360.
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A place on a route, and the way ahead of it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The waypoint that lies behind.
    waypoint: usize,
    /// Metres from there.
    travelled: f64,
    leg: Leg,
}

/// The straight way from one waypoint to the next.
#[derive(Debug, Clone, Copy)]
struct Leg {
    from: Waypoint,
    /// Degrees to the next waypoint.
    north: f64,
    east: f64,
    /// Metres.
    length: f64,
    /// Degrees from north, clockwise.
    heading: f64,
}

impl Leg {
    /// As on a flat map, right within a few metres for legs up to some 100 km.
    fn new(from: Waypoint, to: Waypoint) -> Self {
        let north = to.lat - from.lat;
        // The short way round, over the date line if need be.
        let east = (to.lon - from.lon + 540.0).rem_euclid(360.0) - 180.0;
        let shrink = f64::midpoint(from.lat, to.lat).to_radians().cos();
        let (up, right) = (north * METRES_PER_DEGREE, east * shrink * METRES_PER_DEGREE);
        Self {
            from,
            north,
            east,
            length: up.hypot(right),
            heading: right.atan2(up).to_degrees().rem_euclid(360.0),
        }
    }
}

impl Place {
    /// The first waypoint of the route; `None` when there is none.
    pub(crate) fn start(route: &[Waypoint]) -> Option<Self> {
        Some(Self {
            waypoint: 0,
            travelled: 0.0,
            leg: leg(route, 0)?,
        })
    }

    /// Goes on by up to this many metres and no further than the next waypoint. Returns
    /// what is left of the metres on arriving there, and `None` on the way to it.
    pub(crate) fn advance(&mut self, route: &[Waypoint], metres: f64) -> Option<f64> {
        let left = self.travelled + metres - self.leg.length;
        if left < 0.0 {
            self.travelled += metres;
            return None;
        }
        self.waypoint = (self.waypoint + 1) % route.len().max(1);
        self.travelled = 0.0;
        if let Some(leg) = leg(route, self.waypoint) {
            self.leg = leg;
        }
        Some(left)
    }

    /// Degrees north and east.
    pub(crate) fn position(&self) -> Waypoint {
        let Leg {
            from,
            north,
            east,
            length,
            ..
        } = self.leg;
        let share = if length > 0.0 {
            self.travelled / length
        } else {
            0.0
        };
        let lon = from.lon + east * share;
        Waypoint {
            lat: from.lat + north * share,
            lon: if lon.abs() > 180.0 {
                lon - 360.0_f64.copysign(lon)
            } else {
                lon
            },
        }
    }

    /// Where the way ahead leads: degrees from north, clockwise.
    pub(crate) fn heading(&self) -> f64 {
        self.leg.heading
    }
}

/// The length of the closed route, in metres.
pub(crate) fn length(route: &[Waypoint]) -> f64 {
    (0..route.len())
        .filter_map(|waypoint| leg(route, waypoint))
        .map(|leg| leg.length)
        .sum()
}

fn leg(route: &[Waypoint], waypoint: usize) -> Option<Leg> {
    let from = *route.get(waypoint)?;
    let to = route.get(waypoint + 1).or_else(|| route.first())?;
    Some(Leg::new(from, *to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Waypoint {
        Waypoint { lat, lon }
    }

    fn near(a: f64, b: f64, by: f64) -> bool {
        (a - b).abs() < by
    }

    #[test]
    fn legs_have_their_length_and_heading() {
        // Brandenburg Gate to Victory Column: 1,878 m on the great circle, at 263.9 degrees.
        let leg = Leg::new(at(52.5163, 13.3777), at(52.5145, 13.3501));
        assert!(near(leg.length, 1_878.0, 2.0), "{}", leg.length);
        assert!(near(leg.heading, 263.9, 0.1), "{}", leg.heading);
        assert!(near(
            Leg::new(at(0.0, 0.0), at(1.0, 0.0)).heading,
            0.0,
            1e-9
        ));
        assert!(near(
            Leg::new(at(0.0, 0.0), at(0.0, 1.0)).heading,
            90.0,
            1e-9
        ));
        assert!(near(
            Leg::new(at(0.0, 0.0), at(-1.0, 0.0)).heading,
            180.0,
            1e-9
        ));
    }

    #[test]
    fn a_route_is_closed_and_stops_at_each_waypoint() {
        let route = [at(0.0, 0.0), at(0.001, 0.0)];
        assert!(near(length(&route), 222.39, 0.01));
        let mut place = Place::start(&route).unwrap();
        assert_eq!(place.advance(&route, 100.0), None);
        assert!(near(place.position().lat, 100.0 / METRES_PER_DEGREE, 1e-9));
        let left = place.advance(&route, 100.0).unwrap();
        assert!(near(left, 88.805, 0.001));
        assert_eq!(place.position(), at(0.001, 0.0));
        assert!(near(place.heading(), 180.0, 1e-9));
        assert!(place.advance(&route, 200.0).is_some());
        assert_eq!(place.position(), at(0.0, 0.0));
    }

    #[test]
    fn the_date_line_is_crossed_the_short_way() {
        let route = [at(0.0, 179.999), at(0.0, -179.999)];
        let mut place = Place::start(&route).unwrap();
        assert_eq!(place.advance(&route, 150.0), None);
        assert!(
            near(place.position().lon, -179.999_65, 1e-5),
            "{:?}",
            place.position()
        );
    }
}
