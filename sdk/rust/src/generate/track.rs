//! A track on the globe: points, the way between them, and where one is after so many
//! metres. Reads GeoJSON and GPX; must not know who moves on it.

use super::problems::Check;

/// The mean radius of the earth, in metres (IUGG).
const RADIUS: f64 = 6_371_008.8;

/// Latitude and longitude, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) lat: f64,
    pub(super) lon: f64,
}

/// Points and how far each is from the first, along the way.
#[derive(Debug)]
pub(super) struct Track {
    points: Vec<Place>,
    metres: Vec<f64>,
}

impl Track {
    /// `points` are two at least. With `round` the way leads back to the first one.
    pub(super) fn new(mut points: Vec<Place>, round: bool) -> Self {
        if let (true, Some(first)) = (round && points.first() != points.last(), points.first()) {
            points.push(*first);
        }
        let mut sum = 0.0;
        let mut metres = vec![0.0];
        for pair in points.windows(2) {
            if let [from, to] = pair {
                sum += distance(*from, *to);
                metres.push(sum);
            }
        }
        Self { points, metres }
    }

    /// Its length in metres.
    pub(super) fn length(&self) -> f64 {
        self.metres.last().copied().unwrap_or(0.0)
    }

    /// How far a point is from the first one, along the way, in metres.
    pub(super) fn metres(&self, point: usize) -> f64 {
        self.metres.get(point).copied().unwrap_or(0.0)
    }

    /// The place after so many metres, and the heading there: degrees from north, clockwise.
    ///
    /// Straight in degrees between two points, which is right to a metre where they are up
    /// to some kilometres apart.
    pub(super) fn at(&self, metres: f64) -> (Place, f64) {
        let last = self.points.len().saturating_sub(1);
        let after = self.metres.partition_point(|point| *point <= metres);
        let after = after.clamp(1, last.max(1));
        let (Some(from), Some(to)) = (self.points.get(after - 1), self.points.get(after)) else {
            return (Place { lat: 0.0, lon: 0.0 }, 0.0);
        };
        let (begin, end) = (self.metres(after - 1), self.metres(after));
        let part = if end > begin {
            ((metres - begin) / (end - begin)).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let place = Place {
            lat: from.lat + (to.lat - from.lat) * part,
            lon: turned(from.lon + turned(to.lon - from.lon) * part),
        };
        // The sum may miss the last point by a bit.
        let place = if part < 1.0 { place } else { *to };
        (place, heading(*from, *to))
    }
}

/// Degrees from -180 to 180.
fn turned(degrees: f64) -> f64 {
    if degrees > 180.0 {
        degrees - 360.0
    } else if degrees < -180.0 {
        degrees + 360.0
    } else {
        degrees
    }
}

/// The distance in metres (haversine).
pub(super) fn distance(from: Place, to: Place) -> f64 {
    let half = |from: f64, to: f64| libm::sin((to - from).to_radians() / 2.0);
    let (lat, lon) = (half(from.lat, to.lat), half(from.lon, to.lon));
    let cosines = libm::cos(from.lat.to_radians()) * libm::cos(to.lat.to_radians());
    2.0 * RADIUS * libm::asin((lat * lat + cosines * lon * lon).sqrt().min(1.0))
}

/// Where one looks from one place to another, in degrees from north, clockwise.
fn heading(from: Place, to: Place) -> f64 {
    let (from_lat, to_lat) = (from.lat.to_radians(), to.lat.to_radians());
    let lon = (to.lon - from.lon).to_radians();
    let east = libm::sin(lon) * libm::cos(to_lat);
    let north = libm::cos(from_lat) * libm::sin(to_lat)
        - libm::sin(from_lat) * libm::cos(to_lat) * libm::cos(lon);
    libm::atan2(east, north).to_degrees().rem_euclid(360.0)
}

/// A place moved by so many metres to the north and to the east.
pub(super) fn moved(place: Place, north: f64, east: f64) -> Place {
    let lat = (north / RADIUS).to_degrees();
    let around = libm::cos(place.lat.to_radians()).max(1e-6);
    Place {
        lat: (place.lat + lat).clamp(-90.0, 90.0),
        lon: turned(place.lon + (east / (RADIUS * around)).to_degrees()),
    }
}

/// Notes a place that is not on the globe.
pub(super) fn check_place(check: &mut Check<'_>, place: Place) -> bool {
    check.expect(
        (-90.0..=90.0).contains(&place.lat),
        "lat",
        format_args!(
            "{} is no latitude; it lies between -90 and 90 degrees",
            place.lat
        ),
    ) & check.expect(
        (-180.0..=180.0).contains(&place.lon),
        "lon",
        format_args!(
            "{} is no longitude; it lies between -180 and 180 degrees",
            place.lon
        ),
    )
}

/// The track of a data file: GPX when it begins with `<`, else GeoJSON.
#[cfg(feature = "files")]
pub(super) fn read(check: &mut Check<'_>, name: &str) -> Option<Vec<Place>> {
    let bytes = super::table::content(check, "file", name)?;
    let gpx = super::table::first(&bytes) == Some(b'<');
    let bytes = bytes.get(super::table::beginning(&bytes)..)?;
    let read = if gpx {
        from_gpx(bytes)
    } else {
        from_geojson(bytes)
    };
    match read {
        Ok(places) if places.len() >= 2 => Some(places),
        Ok(places) => {
            let what = if gpx {
                "a <trk> or <rte> with points"
            } else {
                "a LineString with positions"
            };
            check.wrong(
                "file",
                format_args!(
                    "{name} has {} points; {what} is right, two at least",
                    places.len()
                ),
            );
            None
        }
        Err(why) => {
            check.wrong("file", format_args!("{name}:{why}"));
            None
        }
    }
}

/// All positions of all lines, in order.
#[cfg(feature = "files")]
fn from_geojson(bytes: &[u8]) -> Result<Vec<Place>, String> {
    let json: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|why| format!("{}:{}: this is no JSON: {why}", why.line(), why.column()))?;
    let mut places = Vec::new();
    lines(&json, "", &mut places)?;
    Ok(places)
}

/// RFC 7946: collections hold features, features a geometry, geometries positions. Others
/// than lines are no tracks, and are passed over.
#[cfg(feature = "files")]
fn lines(json: &serde_json::Value, path: &str, places: &mut Vec<Place>) -> Result<(), String> {
    let member = |name: &str| json.get(name);
    let list = |name: &str| {
        member(name)
            .and_then(|list| list.as_array())
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    match json.get("type").and_then(|kind| kind.as_str()) {
        Some("FeatureCollection") => {
            for (number, feature) in list("features").iter().enumerate() {
                lines(feature, &format!("{path}features.{number}."), places)?;
            }
        }
        Some("GeometryCollection") => {
            for (number, geometry) in list("geometries").iter().enumerate() {
                lines(geometry, &format!("{path}geometries.{number}."), places)?;
            }
        }
        Some("Feature") => {
            if let Some(geometry) = member("geometry") {
                lines(geometry, &format!("{path}geometry."), places)?;
            }
        }
        Some("LineString") => {
            positions(list("coordinates"), &format!("{path}coordinates"), places)?
        }
        Some("MultiLineString") => {
            for (number, line) in list("coordinates").iter().enumerate() {
                let line = line.as_array().map(Vec::as_slice).unwrap_or_default();
                positions(line, &format!("{path}coordinates.{number}"), places)?;
            }
        }
        Some(_) => {}
        None => {
            return Err(format!(
                " {path}type is missing; this is no GeoJSON (RFC 7946)"
            ));
        }
    }
    Ok(())
}

#[cfg(feature = "files")]
fn positions(
    list: &[serde_json::Value],
    path: &str,
    places: &mut Vec<Place>,
) -> Result<(), String> {
    for (number, position) in list.iter().enumerate() {
        let degrees = |place: usize| position.get(place).and_then(serde_json::Value::as_f64);
        let place = match (degrees(0), degrees(1)) {
            (Some(lon), Some(lat)) => Place { lat, lon },
            _ => {
                return Err(format!(
                    " {path}.{number} is no position; [longitude, latitude] is right"
                ));
            }
        };
        if !on_globe(place) {
            return Err(format!(
                " {path}.{number} is not on the globe: longitude {}, latitude {}; GeoJSON has the longitude first",
                place.lon, place.lat
            ));
        }
        places.push(place);
    }
    Ok(())
}

#[cfg(feature = "files")]
fn on_globe(place: Place) -> bool {
    (-90.0..=90.0).contains(&place.lat) && (-180.0..=180.0).contains(&place.lon)
}

/// The points of all tracks; of the routes, if there are no tracks.
#[cfg(feature = "files")]
fn from_gpx(bytes: &[u8]) -> Result<Vec<Place>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| " this is not UTF-8; save the file as UTF-8".to_owned())?;
    let document = roxmltree::Document::parse(text)
        .map_err(|why| format!("{}:{}: this is no XML: {why}", why.pos().row, why.pos().col))?;
    let mut places = Vec::new();
    for kind in ["trkpt", "rtept"] {
        let points = document
            .descendants()
            .filter(|node| node.tag_name().name() == kind);
        for point in points {
            let degrees = |name| {
                point
                    .attribute(name)
                    .and_then(|text| text.trim().parse::<f64>().ok())
            };
            let place = degrees("lat")
                .zip(degrees("lon"))
                .map(|(lat, lon)| Place { lat, lon });
            match place.filter(|place| on_globe(*place)) {
                Some(place) => places.push(place),
                None => {
                    let at = document.text_pos_at(point.range().start);
                    return Err(format!(
                        "{}:{}: <{kind}> has no lat and lon that are on the globe; degrees are right, such as lat=\"52.5\" lon=\"13.4\"",
                        at.row, at.col
                    ));
                }
            }
        }
        if !places.is_empty() {
            break;
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Place = Place {
        lat: 52.5200,
        lon: 13.4050,
    };
    const HAMBURG: Place = Place {
        lat: 53.5511,
        lon: 9.9937,
    };

    #[test]
    fn distances_and_headings_are_those_of_the_globe() {
        // A degree of a great circle: 2 pi r / 360.
        let north = distance(Place { lat: 0.0, lon: 0.0 }, Place { lat: 1.0, lon: 0.0 });
        assert!((north - 111_195.08).abs() < 0.01, "{north}");
        // 255.3 km, by the same formula in several calculators.
        assert!((distance(BERLIN, HAMBURG) - 255_300.0).abs() < 300.0);
        let look = |lat, lon| heading(Place { lat: 0.0, lon: 0.0 }, Place { lat, lon });
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
        let track = Track::new(vec![BERLIN, HAMBURG], true);
        assert_eq!(track.at(0.0).0, BERLIN);
        assert_eq!(track.at(track.metres(1)).0, HAMBURG);
        assert_eq!(track.at(track.length() + 1.0).0, BERLIN);
        let pacific = Track::new(
            vec![
                Place {
                    lat: 0.0,
                    lon: 179.0,
                },
                Place {
                    lat: 0.0,
                    lon: -179.0,
                },
            ],
            false,
        );
        assert!((pacific.length() - 2.0 * 111_195.08).abs() < 0.1);
        assert!((pacific.at(pacific.length() * 0.75).0.lon - -179.5).abs() < 1e-9);
        let same = Track::new(vec![BERLIN, BERLIN], false);
        assert_eq!(same.at(5.0).0, BERLIN);
    }

    #[test]
    fn a_place_is_moved_by_metres() {
        let place = moved(BERLIN, 30.0, 40.0);
        assert!((distance(BERLIN, place) - 50.0).abs() < 0.01);
        assert!(place.lat > BERLIN.lat && place.lon > BERLIN.lon);
    }

    #[cfg(feature = "files")]
    #[test]
    fn geojson_and_gpx_are_read_and_what_is_wrong_is_said_with_its_place() {
        let two = [
            Place {
                lat: 52.5,
                lon: 13.4,
            },
            Place {
                lat: 53.5,
                lon: 10.0,
            },
        ];
        for text in [
            r#"{"type":"LineString","coordinates":[[13.4,52.5,34.0],[10.0,53.5]]}"#,
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[0,0]}},
               {"type":"Feature","geometry":{"type":"MultiLineString","coordinates":[[[13.4,52.5]],[[10.0,53.5]]]}}]}"#,
        ] {
            assert_eq!(from_geojson(text.as_bytes()).unwrap(), two);
        }
        let gpx = r#"<gpx xmlns="http://www.topografix.com/GPX/1/1"><rte><rtept lat="1" lon="1"/></rte>
            <trk><trkseg><trkpt lat="52.5" lon="13.4"><ele>34</ele></trkpt><trkpt lat="53.5" lon="10"/></trkseg></trk></gpx>"#;
        assert_eq!(from_gpx(gpx.as_bytes()).unwrap(), two);
        let swapped =
            from_geojson(br#"{"type":"LineString","coordinates":[[52.5,13.4],[13.4,152.5]]}"#);
        assert_eq!(
            swapped.unwrap_err(),
            " coordinates.1 is not on the globe: longitude 13.4, latitude 152.5; GeoJSON has the longitude first"
        );
        assert!(
            from_geojson(b"{\n\"type\":}")
                .unwrap_err()
                .starts_with("2:8: this is no JSON")
        );
        let wrong = from_gpx(b"<gpx>\n  <trkpt lat=\"x\" lon=\"1\"/></gpx>").unwrap_err();
        assert!(wrong.starts_with("2:3: <trkpt> has no lat"), "{wrong}");
        assert!(from_gpx(b"<gpx>").unwrap_err().contains("this is no XML"));
    }
}
