//! Plots of routes and replays: what comes from data.

use std::time::Duration;

use mockfleet_sdk::generate::{Replay, ReplayEnd, Route, RouteEnd, Scope, Spec};

use crate::sampler::{Sampler, seconds};
use crate::svg::{Ink, Picture, Ticks};

/// A round through the middle of Berlin.
const POINTS: [(f64, f64); 9] = [
    (52.5163, 13.3777),
    (52.5145, 13.3501),
    (52.5128, 13.3220),
    (52.5053, 13.3330),
    (52.5020, 13.3430),
    (52.4985, 13.3610),
    (52.5035, 13.3750),
    (52.5096, 13.3759),
    (52.5130, 13.3785),
];

fn part(value: &mockfleet_sdk::generate::Value, name: &str) -> f64 {
    value.part(name).and_then(|part| part.as_number()).unwrap()
}

pub(crate) fn route() -> String {
    let route = || {
        Route::new(POINTS, 36.0)
            .stop_at(2, Duration::from_secs(90))
            .end(RouteEnd::Loop)
    };
    let noisy = route()
        .noise(25.0)
        .speed_deviation(4.0)
        .stops(0.02, Duration::from_secs(20));
    let (mut truth, mut sampler) = (Sampler::new(route(), 1), Sampler::new(noisy, 1));
    let way: Vec<_> = seconds(1_150, 1.0)
        .map(|at| truth.value(at, 0.0))
        .map(|value| (part(&value, "lon"), Some(part(&value, "lat"))))
        .collect();
    let found: Vec<_> = seconds(211, 5.0)
        .map(|at| (at, sampler.value(at, 0.0)))
        .collect();
    let places: Vec<_> = found
        .iter()
        .map(|(_, value)| (part(value, "lon"), Some(part(value, "lat"))))
        .collect();
    let speeds: Vec<_> = found
        .iter()
        .map(|(at, value)| (at / 60.0, Some(part(value, "speed"))))
        .collect();
    let mut picture = Picture::new("route: nine points in Berlin at 36 km/h");
    let mut panel = picture.panel(270.0, (13.315, 13.385), (52.496, 52.519));
    panel.axes(
        "positions each 5 s, noise 25 m",
        "degrees",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    panel.line(&way, Ink::Soft, "");
    panel.dots(&places, Ink::A, 2.0);
    panel.legend(&[("the route", Ink::Soft), ("reported", Ink::A)]);
    picture.put(panel);
    picture.below(270.0);
    let mut panel = picture.panel(90.0, (0.0, 17.5), (0.0, 50.0));
    panel.axes(
        "speed in km/h: speed-deviation 4, a stop of 90 s at the third point, some by chance",
        "minutes",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    panel.steps(&speeds, Ink::B);
    picture.put(panel);
    picture.below(90.0);
    picture.finish(14.0)
}

const TIDE: &str =
    "time,level\n0,1.2\n40,1.9\n60,2.7\n75,3.4\n80,3.6\n130,3.1\n170,2.2\n180,1.6\n200,1.3\n";

pub(crate) fn replay() -> String {
    let scope = Scope::new().files(|_| Some(TIDE.into()));
    let mut picture = Picture::new("replay: nine rows of a CSV file");
    let file = || Replay::new("tide.csv").column("level");
    let kinds: [(&str, Spec); 3] = [
        (
            "time = \"time\": original spacing, again and again",
            file().time("time").into(),
        ),
        (
            "every = \"20s\", end = \"hold\"",
            file()
                .every(Duration::from_secs(20))
                .end(ReplayEnd::Hold)
                .into(),
        ),
        (
            "a row a value, a value each 30 s, end = \"stop\"",
            file().end(ReplayEnd::Stop).into(),
        ),
    ];
    for (number, (name, spec)) in kinds.into_iter().enumerate() {
        let mut sampler = Sampler::of(&spec.plan(&scope).unwrap(), 1);
        let (count, every) = if number == 2 { (17, 30.0) } else { (481, 1.0) };
        let found: Vec<_> = seconds(count, every)
            .map(|at| (at, sampler.value(at, 0.0).as_number()))
            .collect();
        let mut panel = picture.panel(80.0, (0.0, 480.0), (1.0, 4.0));
        panel.axes(
            name,
            "seconds since birth",
            &Ticks::Numbers,
            &Ticks::Numbers,
        );
        if number == 2 {
            panel.dots(&found, Ink::of(number), 3.0);
        } else {
            panel.steps(&found, Ink::of(number));
        }
        picture.put(panel);
        picture.below(80.0);
    }
    picture.finish(14.0)
}
