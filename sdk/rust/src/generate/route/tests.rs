//! Tests routes as their users see them.

use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::route::spec::{Route, RouteEnd};
use crate::generate::testing::{TestGenerator, problems_of};

/// 1 km to the north, in 100 s at 36 km/h.
fn north() -> Route {
    Route::new([(50.0, 8.0), (50.0 + 1_000.0 / 111_195.08, 8.0)], 36.0)
}

fn distances(route: Route, seconds: u64, count: usize) -> Vec<f64> {
    let mut life = TestGenerator::new(route).every(Span::from_micros(seconds * 1_000_000));
    let values = life.values(count);
    values
        .iter()
        .map(|value| value.part("distance").unwrap().as_number().unwrap().round())
        .collect()
}

fn latitudes(route: Route, seconds: u64, count: usize) -> Vec<f64> {
    let mut life = TestGenerator::new(route).every(Span::from_micros(seconds * 1_000_000));
    let metres =
        |value: &Value| (value.part("lat").unwrap().as_number().unwrap() - 50.0) * 111_195.08;
    life.values(count)
        .iter()
        .map(|value| metres(value).round())
        .collect()
}

#[test]
fn device_moves_at_its_speed_and_obeys_the_route_end() {
    assert_eq!(
        latitudes(north(), 30, 8),
        [0.0, 300.0, 600.0, 900.0, 800.0, 500.0, 200.0, 100.0]
    );
    assert_eq!(
        latitudes(north().end(RouteEnd::Return), 30, 5),
        [0.0, 300.0, 600.0, 900.0, 800.0]
    );
    assert_eq!(
        latitudes(north().end(RouteEnd::Stop), 30, 6),
        [0.0, 300.0, 600.0, 900.0, 1_000.0, 1_000.0]
    );
    let mut life =
        TestGenerator::new(north().end(RouteEnd::Stop)).every(Span::from_micros(60_000_000));
    assert_eq!(
        life.json(3),
        r#"[{"lat":50.0,"lon":8.0,"speed":0.0,"heading":0.0,"distance":0.0},{"lat":50.005396,"lon":8.0,"speed":36.0,"heading":0.0,"distance":600.0},{"lat":50.008993,"lon":8.0,"speed":24.0,"heading":0.0,"distance":1000.0}]"#
    );
}

#[test]
fn device_stops_at_a_waypoint_each_time_it_passes() {
    let stop = north()
        .end(RouteEnd::Return)
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
    let values = TestGenerator::new(still).values(10_000);
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
    let first = |seed| TestGenerator::seeded(north().spread(), seed).json(1);
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
}

#[cfg(feature = "files")]
#[test]
fn a_route_is_read_from_a_file() {
    let scope = crate::generate::planning::scope::Scope::new().files(|name| {
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
        let value = TestGenerator::start(&plan, 1).next().unwrap();
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
fn invalid_route_is_refused_with_paths() {
    let route = Route::new([(95.0, 8.0), (50.0, 200.0)], -1.0);
    assert_eq!(
        problems_of(&route),
        "speed: -1 is below zero; 0 and more is right\n\
         points.0.lat: 95 is no latitude; it lies between -90 and 90 degrees\n\
         points.1.lon: 200 is no longitude; it lies between -180 and 180 degrees"
    );
    assert_eq!(
        problems_of(&Route::new([(1.0, 1.0)], 1.0)),
        "points: a route has two at least, and here are fewer: 1"
    );
    assert_eq!(
        problems_of(&Route::new([(1.0, 1.0), (1.0, 1.0)], 1.0)),
        "points: they are all in one place; a route leads somewhere"
    );
}

#[cfg(feature = "files")]
mod files {
    use super::*;
    use crate::generate::planning::scope::Scope;
    use crate::generate::route::spec::RouteGap;

    fn scope(content: &'static str) -> Scope {
        Scope::new().files(move |_| Some(content.into()))
    }

    /// Twice 100 m to the north, 200 m apart: 10 s, a gap of 20 s, and 10 s at 36 km/h.
    const SEGMENTS: &str = r#"<gpx><trk>
        <trkseg><trkpt lat="0" lon="8"/><trkpt lat="0.00089932" lon="8"/></trkseg>
        <trkseg><trkpt lat="0.00269796" lon="8"/><trkpt lat="0.00359728" lon="8"/></trkseg>
        </trk></gpx>"#;

    fn latitudes(gap: RouteGap, end: RouteEnd, count: usize) -> Vec<f64> {
        let route = Route::file("x", 36.0).gap(gap).end(end);
        let plan = route.plan(&scope(SEGMENTS)).unwrap();
        let mut life = TestGenerator::start(&plan, 1).every(Span::from_micros(4_000_000));
        let values = life.values(count);
        let metres = |value: &Value| value.part("lat").unwrap().as_number().unwrap() * 111_195.08;
        values.iter().map(|value| metres(value).round()).collect()
    }

    #[test]
    fn gap_between_segments_is_jumped_paused_or_driven() {
        assert_eq!(
            latitudes(RouteGap::Jump, RouteEnd::Stop, 7),
            [0.0, 40.0, 80.0, 320.0, 360.0, 400.0, 400.0]
        );
        assert_eq!(
            latitudes(RouteGap::Pause, RouteEnd::Stop, 11),
            [
                0.0, 40.0, 80.0, 100.0, 100.0, 100.0, 100.0, 100.0, 320.0, 360.0, 400.0
            ]
        );
        assert_eq!(
            latitudes(RouteGap::Drive, RouteEnd::Stop, 11),
            [
                0.0, 40.0, 80.0, 120.0, 160.0, 200.0, 240.0, 280.0, 320.0, 360.0, 400.0
            ]
        );
        assert_eq!(
            latitudes(RouteGap::Pause, RouteEnd::Return, 21)[10..],
            [
                400.0, 360.0, 320.0, 300.0, 300.0, 300.0, 300.0, 300.0, 80.0, 40.0, 0.0
            ]
        );
        assert_eq!(RouteGap::default(), RouteGap::Jump);
    }

    #[test]
    fn feature_without_a_geometry_is_skipped() {
        const LINE: &str = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","geometry":null,"properties":{}},
            {"type":"Feature","geometry":{"type":"LineString","coordinates":[[8,50],[8.1,50]]}}]}"#;
        assert!(Route::file("x", 30.0).plan(&scope(LINE)).is_ok());
        const NONE: &str = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","geometry":null,"properties":{}}]}"#;
        let said = Route::file("x", 30.0).plan(&scope(NONE)).unwrap_err();
        assert_eq!(
            said.to_string(),
            "file: x has 0 points, and 1 feature without a geometry, which is skipped; a LineString with positions is right, two at least in one segment"
        );
    }
}
