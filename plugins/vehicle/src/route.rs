//! Computes positions on a closed route.

use crate::config::Waypoint;

/// A degree of the earth's mean circumference, in metres: 2π × 6,371,008.8 m / 360.
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A position on a route, and the leg ahead.
#[derive(Debug, Clone)]
pub(crate) struct RoutePosition {
    /// The last waypoint.
    waypoint: usize,
    /// The metres from there.
    travelled: f64,
    leg: Leg,
}

/// The straight line from one waypoint to the next.
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
    /// Computes a leg on a flat map, right within a few metres up to some 100 km.
    fn new(from: Waypoint, to: Waypoint) -> Self {
        let north = to.lat - from.lat;
        // The shorter way, across the date line if needed.
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

impl RoutePosition {
    /// The first waypoint of the route; `None` when there is none.
    pub(crate) fn start(route: &[Waypoint]) -> Option<Self> {
        Some(Self {
            waypoint: 0,
            travelled: 0.0,
            leg: leg(route, 0)?,
        })
    }

    /// Moves by up to this many metres, to the next waypoint at most. Returns the remaining
    /// metres on arrival there, and `None` before it.
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
    pub(crate) fn coordinates(&self) -> Waypoint {
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

    /// The heading of the leg ahead: degrees from north, clockwise.
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
        let mut position = RoutePosition::start(&route).unwrap();
        assert_eq!(position.advance(&route, 100.0), None);
        assert!(near(
            position.coordinates().lat,
            100.0 / METRES_PER_DEGREE,
            1e-9
        ));
        let left = position.advance(&route, 100.0).unwrap();
        assert!(near(left, 88.805, 0.001));
        assert_eq!(position.coordinates(), at(0.001, 0.0));
        assert!(near(position.heading(), 180.0, 1e-9));
        assert!(position.advance(&route, 200.0).is_some());
        assert_eq!(position.coordinates(), at(0.0, 0.0));
    }

    #[test]
    fn the_date_line_is_crossed_the_short_way() {
        let route = [at(0.0, 179.999), at(0.0, -179.999)];
        let mut position = RoutePosition::start(&route).unwrap();
        assert_eq!(position.advance(&route, 150.0), None);
        assert!(
            near(position.coordinates().lon, -179.999_65, 1e-5),
            "{:?}",
            position.coordinates()
        );
    }
}
