//! Computes positions and headings along points on the globe.

use crate::generate::common::problems::Problems;

/// The mean radius of the earth, in metres (IUGG).
const EARTH_RADIUS_METRES: f64 = 6_371_008.8;

/// Latitude and longitude, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GeoPoint {
    pub(crate) lat: f64,
    pub(crate) lon: f64,
}

/// Points, and the distance of each from the first along the track.
#[derive(Debug)]
pub(crate) struct Track {
    points: Vec<GeoPoint>,
    metres: Vec<f64>,
    gaps: Vec<Gap>,
}

/// The way between two segments that is no part of the track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gap {
    /// The distance of both its ends from the start along the track, in metres.
    pub(crate) at: f64,
    /// The metres of the straight way.
    pub(crate) length: f64,
}

impl Track {
    /// Makes a track of segments, which have two points at least together. A closed one leads
    /// back to the first point. The way between two segments has no length unless
    /// `drives_gaps`.
    pub(crate) fn new(segments: Vec<Vec<GeoPoint>>, closed: bool, drives_gaps: bool) -> Self {
        let (mut points, mut metres, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
        let mut sum = 0.0;
        for segment in segments {
            for (number, point) in segment.into_iter().enumerate() {
                if let Some(before) = points.last() {
                    let length = distance(*before, point);
                    if number > 0 || drives_gaps {
                        sum += length;
                    } else {
                        gaps.push(Gap { at: sum, length });
                    }
                }
                points.push(point);
                metres.push(sum);
            }
        }
        if let (true, Some(first), Some(last)) = (closed, points.first(), points.last())
            && first != last
        {
            metres.push(sum + distance(*last, *first));
            points.push(*first);
        }
        Self {
            points,
            metres,
            gaps,
        }
    }

    /// The gaps between segments.
    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The position in a pause at a gap, and the heading there: at the end of the segment that
    /// the device leaves. `None` where no gap is.
    pub(crate) fn position_in_gap(&self, metres: f64, back: bool) -> Option<(GeoPoint, f64)> {
        let is_here = |gap: &&Gap| (gap.at - metres).abs() < 1e-6;
        let at = self.gaps.iter().find(is_here)?.at;
        if back {
            return Some(self.position_at(at));
        }
        let end = self.metres.partition_point(|point| *point < at);
        let (from, to) = (self.points.get(end.checked_sub(1)?)?, self.points.get(end)?);
        Some((*to, heading(*from, *to)))
    }

    /// Its length in metres.
    pub(crate) fn length(&self) -> f64 {
        self.metres.last().copied().unwrap_or(0.0)
    }

    /// The distance of a point from the first one along the track, in metres.
    pub(crate) fn distance_to(&self, point: usize) -> f64 {
        self.metres.get(point).copied().unwrap_or(0.0)
    }

    /// The position after this many metres, and the heading there: degrees from north,
    /// clockwise.
    ///
    /// Interpolates degrees between two points, which is right to a metre up to some
    /// kilometres.
    pub(crate) fn position_at(&self, metres: f64) -> (GeoPoint, f64) {
        let last = self.points.len().saturating_sub(1);
        let after = self.metres.partition_point(|point| *point <= metres);
        let after = after.clamp(1, last.max(1));
        let (Some(from), Some(to)) = (self.points.get(after - 1), self.points.get(after)) else {
            return (GeoPoint { lat: 0.0, lon: 0.0 }, 0.0);
        };
        let (begin, end) = (self.distance_to(after - 1), self.distance_to(after));
        let part = if end > begin {
            ((metres - begin) / (end - begin)).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let point = GeoPoint {
            lat: from.lat + (to.lat - from.lat) * part,
            lon: wrap_longitude(from.lon + wrap_longitude(to.lon - from.lon) * part),
        };
        // The sum may differ from the last point by a rounding error.
        let point = if part < 1.0 { point } else { *to };
        (point, heading(*from, *to))
    }
}

/// Degrees from -180 to 180.
fn wrap_longitude(degrees: f64) -> f64 {
    if degrees > 180.0 {
        degrees - 360.0
    } else if degrees < -180.0 {
        degrees + 360.0
    } else {
        degrees
    }
}

/// The distance in metres (haversine).
pub(crate) fn distance(from: GeoPoint, to: GeoPoint) -> f64 {
    let half = |from: f64, to: f64| libm::sin((to - from).to_radians() / 2.0);
    let (lat, lon) = (half(from.lat, to.lat), half(from.lon, to.lon));
    let cosines = libm::cos(from.lat.to_radians()) * libm::cos(to.lat.to_radians());
    2.0 * EARTH_RADIUS_METRES * libm::asin((lat * lat + cosines * lon * lon).sqrt().min(1.0))
}

/// The heading from one point to another, in degrees from north, clockwise.
fn heading(from: GeoPoint, to: GeoPoint) -> f64 {
    let (from_lat, to_lat) = (from.lat.to_radians(), to.lat.to_radians());
    let lon = (to.lon - from.lon).to_radians();
    let east = libm::sin(lon) * libm::cos(to_lat);
    let north = libm::cos(from_lat) * libm::sin(to_lat)
        - libm::sin(from_lat) * libm::cos(to_lat) * libm::cos(lon);
    libm::atan2(east, north).to_degrees().rem_euclid(360.0)
}

/// A point moved by metres to the north and to the east.
pub(crate) fn offset_by(point: GeoPoint, north: f64, east: f64) -> GeoPoint {
    let lat = (north / EARTH_RADIUS_METRES).to_degrees();
    let around = libm::cos(point.lat.to_radians()).max(1e-6);
    GeoPoint {
        lat: (point.lat + lat).clamp(-90.0, 90.0),
        lon: wrap_longitude(point.lon + (east / (EARTH_RADIUS_METRES * around)).to_degrees()),
    }
}

/// Reports a point that is not on the globe. Returns whether it is.
pub(crate) fn check_point(point: GeoPoint, problems: &mut Problems) -> bool {
    problems.require(
        (-90.0..=90.0).contains(&point.lat),
        "lat",
        format_args!(
            "{} is no latitude; it lies between -90 and 90 degrees",
            point.lat
        ),
    ) & problems.require(
        (-180.0..=180.0).contains(&point.lon),
        "lon",
        format_args!(
            "{} is no longitude; it lies between -180 and 180 degrees",
            point.lon
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: GeoPoint = GeoPoint {
        lat: 52.5200,
        lon: 13.4050,
    };
    const HAMBURG: GeoPoint = GeoPoint {
        lat: 53.5511,
        lon: 9.9937,
    };

    #[test]
    fn distances_and_headings_are_those_of_the_globe() {
        // A degree of a great circle: 2 pi r / 360.
        let north = distance(
            GeoPoint { lat: 0.0, lon: 0.0 },
            GeoPoint { lat: 1.0, lon: 0.0 },
        );
        assert!((north - 111_195.08).abs() < 0.01, "{north}");
        // 255.3 km, by the same formula in several calculators.
        assert!((distance(BERLIN, HAMBURG) - 255_300.0).abs() < 300.0);
        let look = |lat, lon| heading(GeoPoint { lat: 0.0, lon: 0.0 }, GeoPoint { lat, lon });
        assert_eq!(
            [
                look(1.0, 0.0),
                look(0.0, 1.0),
                look(-1.0, 0.0),
                look(0.0, -1.0)
            ],
            [0.0, 90.0, 180.0, 270.0]
        );
    }

    #[test]
    fn a_track_passes_through_its_points_and_over_the_date_line() {
        let track = Track::new(vec![vec![BERLIN, HAMBURG]], true, false);
        assert_eq!(track.position_at(0.0).0, BERLIN);
        assert_eq!(track.position_at(track.distance_to(1)).0, HAMBURG);
        assert_eq!(track.position_at(track.length() + 1.0).0, BERLIN);
        let east_of = |lon| GeoPoint { lat: 0.0, lon };
        let pacific = Track::new(vec![vec![east_of(179.0), east_of(-179.0)]], false, false);
        assert!((pacific.length() - 2.0 * 111_195.08).abs() < 0.1);
        assert!((pacific.position_at(pacific.length() * 0.75).0.lon - -179.5).abs() < 1e-9);
        let same = Track::new(vec![vec![BERLIN, BERLIN]], false, false);
        assert_eq!(same.position_at(5.0).0, BERLIN);
    }

    #[test]
    fn gap_between_segments_has_no_length() {
        let east_of = |lon| GeoPoint { lat: 0.0, lon };
        let segments = || {
            vec![
                vec![east_of(0.0), east_of(1.0)],
                vec![east_of(2.0), east_of(3.0)],
            ]
        };
        let degree = 111_195.08;
        let track = Track::new(segments(), false, false);
        assert!((track.length() - 2.0 * degree).abs() < 0.1);
        let gap = track.gaps()[0];
        assert!((gap.at - degree).abs() < 0.1 && (gap.length - degree).abs() < 0.1);
        assert_eq!(track.position_at(gap.at).0, east_of(2.0));
        let inside = |back| track.position_in_gap(gap.at, back);
        assert_eq!(inside(false), Some((east_of(1.0), 90.0)));
        assert_eq!(inside(true), Some((east_of(2.0), 90.0)));
        assert_eq!(track.position_in_gap(0.0, false), None);
        let driven = Track::new(segments(), false, true);
        assert!((driven.length() - 3.0 * degree).abs() < 0.1 && driven.gaps().is_empty());
    }

    #[test]
    fn a_place_is_moved_by_metres() {
        let point = offset_by(BERLIN, 30.0, 40.0);
        assert!((distance(BERLIN, point) - 50.0).abs() < 0.01);
        assert!(point.lat > BERLIN.lat && point.lon > BERLIN.lon);
    }
}
