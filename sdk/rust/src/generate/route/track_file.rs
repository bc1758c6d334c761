//! Reads tracks from GeoJSON and GPX files.

use mockfleet_datafile::{NOT_UTF8, find_nan, refuse_encoding, refuse_nan};

use crate::generate::common::problems::Problems;
use crate::generate::data::file_source::FileSource;
use crate::generate::route::track::GeoPoint;

/// The lines of a file, which the way between is no part of.
#[derive(Debug, Default, PartialEq)]
struct Lines {
    segments: Vec<Vec<GeoPoint>>,
    /// Features of GeoJSON whose geometry is null.
    without_geometry: usize,
}

/// The segments of a data file: GPX when it begins with `<`, else GeoJSON. Those of one point
/// are left out unless the way between segments `drives_gaps`.
pub(crate) fn read(
    files: &FileSource,
    name: &str,
    drives_gaps: bool,
    problems: &mut Problems,
) -> Option<Vec<Vec<GeoPoint>>> {
    let bytes = files.read(name, "file", problems)?;
    if let Some(why) = refuse_encoding(&bytes) {
        problems.report("file", format_args!("{name}: {why}"));
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let gpx = bytes.trim_ascii_start().first() == Some(&b'<');
    let read = if gpx {
        from_gpx(bytes)
    } else {
        from_geojson(bytes)
    };
    let lines = match read {
        Ok(lines) => lines,
        Err(why) => {
            problems.report("file", format_args!("{name}:{why}"));
            return None;
        }
    };
    let count: usize = lines.segments.iter().map(Vec::len).sum();
    let mut segments = lines.segments;
    segments.retain(|segment| segment.len() >= if drives_gaps { 1 } else { 2 });
    if segments.iter().map(Vec::len).sum::<usize>() >= 2 {
        return Some(segments);
    }
    let what = if gpx {
        "a <trk> or <rte> with points"
    } else {
        "a LineString with positions"
    };
    let skipped = match lines.without_geometry {
        0 => String::new(),
        1 => ", and 1 feature without a geometry, which is skipped".to_owned(),
        count => format!(", and {count} features without a geometry, which are skipped"),
    };
    problems.report(
        "file",
        format_args!(
            "{name} has {count} {}{skipped}; {what} is right, two at least in one segment",
            if count == 1 { "point" } else { "points" }
        ),
    );
    None
}

/// The lines of GeoJSON, in order.
fn from_geojson(bytes: &[u8]) -> Result<Lines, String> {
    let json: serde_json::Value = serde_json::from_slice(bytes).map_err(|why| {
        let place = |offset: usize| {
            let before = bytes.get(..offset).unwrap_or_default();
            let start = before.iter().rposition(|byte| *byte == b'\n');
            let breaks = before.iter().filter(|byte| **byte == b'\n').count();
            let column = offset - start.map_or(0, |start| start + 1) + 1;
            format!("{}:{column}", breaks + 1)
        };
        match find_nan(bytes) {
            Some((offset, word)) => format!("{}: {}", place(offset), refuse_nan(word)),
            None => format!("{}:{}: this is no JSON: {why}", why.line(), why.column()),
        }
    })?;
    let mut found = Lines::default();
    lines(&json, "", &mut found)?;
    Ok(found)
}

/// Collects the positions of lines (RFC 7946): collections have features, features a
/// geometry or null, geometries positions. Other geometries are ignored.
fn lines(json: &serde_json::Value, path: &str, found: &mut Lines) -> Result<(), String> {
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
                lines(feature, &format!("{path}features.{number}."), found)?;
            }
        }
        Some("GeometryCollection") => {
            for (number, geometry) in list("geometries").iter().enumerate() {
                lines(geometry, &format!("{path}geometries.{number}."), found)?;
            }
        }
        Some("Feature") => match member("geometry") {
            Some(geometry) if !geometry.is_null() => {
                lines(geometry, &format!("{path}geometry."), found)?;
            }
            _ => found.without_geometry += 1,
        },
        Some("LineString") => {
            let segment = positions(list("coordinates"), &format!("{path}coordinates"))?;
            found.segments.push(segment);
        }
        Some("MultiLineString") => {
            for (number, line) in list("coordinates").iter().enumerate() {
                let line = line.as_array().map(Vec::as_slice).unwrap_or_default();
                let segment = positions(line, &format!("{path}coordinates.{number}"))?;
                found.segments.push(segment);
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

fn positions(list: &[serde_json::Value], path: &str) -> Result<Vec<GeoPoint>, String> {
    let mut points = Vec::new();
    for (number, position) in list.iter().enumerate() {
        let degrees = |index: usize| position.get(index).and_then(serde_json::Value::as_f64);
        let point = match (degrees(0), degrees(1)) {
            (Some(lon), Some(lat)) => GeoPoint { lat, lon },
            _ => {
                return Err(format!(
                    " {path}.{number} is no position; [longitude, latitude] is right"
                ));
            }
        };
        if !on_globe(point) {
            return Err(format!(
                " {path}.{number} is not on the globe: longitude {}, latitude {}; GeoJSON has the longitude first",
                point.lon, point.lat
            ));
        }
        points.push(point);
    }
    Ok(points)
}

fn on_globe(point: GeoPoint) -> bool {
    (-90.0..=90.0).contains(&point.lat) && (-180.0..=180.0).contains(&point.lon)
}

/// The segments of all tracks; the routes if there are no tracks.
fn from_gpx(bytes: &[u8]) -> Result<Lines, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!(" {NOT_UTF8}"))?;
    let document = roxmltree::Document::parse(text)
        .map_err(|why| format!("{}:{}: this is no XML: {why}", why.pos().row, why.pos().col))?;
    let mut found = Lines::default();
    let mut segment = None;
    for kind in ["trkpt", "rtept"] {
        let nodes = document
            .descendants()
            .filter(|node| node.tag_name().name() == kind);
        for node in nodes {
            let degrees = |name| {
                node.attribute(name)
                    .and_then(|text| text.trim().parse::<f64>().ok())
            };
            let point = degrees("lat")
                .zip(degrees("lon"))
                .map(|(lat, lon)| GeoPoint { lat, lon });
            match point.filter(|point| on_globe(*point)) {
                Some(point) => {
                    let parent = node.parent().map(|parent| parent.id());
                    if segment != Some(parent) {
                        segment = Some(parent);
                        found.segments.push(Vec::new());
                    }
                    if let Some(points) = found.segments.last_mut() {
                        points.push(point);
                    }
                }
                None => {
                    let at = document.text_pos_at(node.range().start);
                    return Err(format!(
                        "{}:{}: <{kind}> has no lat and lon that are on the globe; degrees are right, such as lat=\"52.5\" lon=\"13.4\"",
                        at.row, at.col
                    ));
                }
            }
        }
        if !found.segments.is_empty() {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geojson_and_gpx_are_read_and_errors_name_their_place() {
        let two = [
            GeoPoint {
                lat: 52.5,
                lon: 13.4,
            },
            GeoPoint {
                lat: 53.5,
                lon: 10.0,
            },
        ];
        let text = r#"{"type":"LineString","coordinates":[[13.4,52.5,34.0],[10.0,53.5]]}"#;
        assert_eq!(from_geojson(text.as_bytes()).unwrap().segments, [two]);
        let text = r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[0,0]}},
            {"type":"Feature","geometry":null},
            {"type":"Feature","geometry":{"type":"MultiLineString","coordinates":[[[13.4,52.5],[10.0,53.5]],[[13.4,52.5],[10.0,53.5]]]}}]}"#;
        let found = from_geojson(text.as_bytes()).unwrap();
        assert_eq!(
            (found.segments, found.without_geometry),
            (vec![two.to_vec(); 2], 1)
        );
        let gpx = r#"<gpx xmlns="http://www.topografix.com/GPX/1/1"><rte><rtept lat="1" lon="1"/></rte>
            <trk><trkseg><trkpt lat="52.5" lon="13.4"><ele>34</ele></trkpt><trkpt lat="53.5" lon="10"/></trkseg>
            <trkseg/><trkseg><trkpt lat="52.5" lon="13.4"/><trkpt lat="53.5" lon="10"/></trkseg></trk>
            <trk><trkseg><trkpt lat="52.5" lon="13.4"/><trkpt lat="53.5" lon="10"/></trkseg></trk></gpx>"#;
        assert_eq!(from_gpx(gpx.as_bytes()).unwrap().segments, [two; 3]);
        let nan = from_geojson(b"{\"type\":\"LineString\",\n\"coordinates\":[[1,2,NaN]]}");
        assert!(nan.unwrap_err().starts_with("2:21: NaN is no JSON"));
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
