//! Plots of what follows the clock.

use std::time::Duration;

use mockfleet_sdk::generate::{
    Bulk, Counter, Curve, Format, Interpolation, Normal, Object, Origin, Profile, Spec, TimeOfDay,
    Timestamp, Walk, Wave,
};

use crate::sampler::{MONDAY, Sampler, seconds, values};
use crate::svg::{Ink, Picture, Ticks};

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn wave() -> String {
    let mut picture = Picture::new("wave: period 1m, between 0 and 10");
    let kinds = [
        ("sine", Wave::sine(0.0..=10.0, MINUTE)),
        ("triangle", Wave::triangle(0.0..=10.0, MINUTE)),
        (
            "square, duty 0.3",
            Wave::square(0.0..=10.0, MINUTE).duty(0.3),
        ),
        ("saw, phase 0.5", Wave::saw(0.0..=10.0, MINUTE).phase(0.5)),
    ];
    for (number, (name, wave)) in kinds.into_iter().enumerate() {
        let mut panel = picture.panel(70.0, (0.0, 180.0), (-1.0, 11.0));
        panel.axes(
            name,
            "seconds",
            &Ticks::Numbers,
            &Ticks::Words(vec![(0.0, "0".into()), (10.0, "10".into())]),
        );
        panel.line(&values(wave, 1, 721, 0.25, 1.0), Ink::of(number), "");
        picture.put(panel);
        picture.below(70.0);
    }
    picture.finish(14.0)
}

pub(crate) fn counter() -> String {
    let mut picture = Picture::new("constant and counter");
    let mut panel = picture.panel(140.0, (0.0, 60.0), (0.0, 30.0));
    panel.axes("", "values, one a second", &Ticks::Numbers, &Ticks::Numbers);
    let specs: [(&str, Spec); 4] = [
        (
            "constant 12",
            mockfleet_sdk::generate::Constant::new(12).into(),
        ),
        ("until 20", Counter::new().until(20).into()),
        (
            "from 24, step -2, until 0",
            Counter::new().from(24).step(-2).until(0).into(),
        ),
        (
            "every 10s",
            Counter::new().every(Duration::from_secs(10)).into(),
        ),
    ];
    let mut names = Vec::new();
    for (number, (name, spec)) in specs.into_iter().enumerate() {
        panel.steps(&values(spec, 1, 61, 1.0, 1.0), Ink::of(number));
        names.push((name, Ink::of(number)));
    }
    panel.legend(&names);
    picture.put(panel);
    picture.below(140.0);
    picture.finish(14.0)
}

/// The corners of the curve, in hours.
const CORNERS: [(u64, f64); 5] = [(0, 12.0), (6, 8.0), (9, 20.0), (15, 26.0), (20, 15.0)];

fn drawn(interpolation: Interpolation) -> Curve {
    let points = CORNERS.map(|(hour, value)| (Duration::from_secs(hour * 3_600), value));
    Curve::new(points)
        .interpolation(interpolation)
        .period(Duration::from_secs(86_400))
}

pub(crate) fn curve() -> String {
    let mut picture = Picture::new("curve: five points, period 1d");
    let mut panel = picture.panel(170.0, (0.0, 48.0), (5.0, 30.0));
    panel.axes(
        "interpolation",
        "hours since birth",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    let kinds = [
        ("linear", Interpolation::Linear, Ink::A),
        ("smooth", Interpolation::Smooth, Ink::C),
        ("step", Interpolation::Step, Ink::B),
    ];
    for (_, kind, ink) in kinds {
        panel.line(&values(drawn(kind), 1, 481, 360.0, 3_600.0), ink, "");
    }
    let corners = |shift: f64| {
        CORNERS.map(|(hour, value)| (f64::from(u32::try_from(hour).unwrap()) + shift, Some(value)))
    };
    panel.dots(&corners(0.0), Ink::Soft, 3.5);
    panel.dots(&corners(24.0), Ink::Soft, 3.5);
    panel.legend(&kinds.map(|(name, _, ink)| (name, ink)));
    picture.put(panel);
    picture.below(170.0);
    let mut panel = picture.panel(120.0, (0.0, 48.0), (5.0, 30.0));
    panel.axes(
        "smooth, jitter 0.8, spread 6h: three devices",
        "hours since birth",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    for device in 0..3 {
        let curve = drawn(Interpolation::Smooth)
            .jitter(0.8)
            .spread(Duration::from_secs(6 * 3_600));
        panel.line(
            &values(
                curve,
                u64::try_from(device).unwrap() + 1,
                289,
                600.0,
                3_600.0,
            ),
            Ink::of(device),
            "thin",
        );
    }
    picture.put(panel);
    picture.below(120.0);
    let mut panel = picture.panel(90.0, (0.0, 48.0), (0.0, 110.0));
    panel.axes(
        "origin = \"status\": the curve begins anew when the status changes (dashed)",
        "hours since birth",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    let heating = Curve::new(
        [(0, 20.0), (4, 85.0), (12, 100.0)]
            .map(|(hour, value)| (Duration::from_secs(hour * 3_600), value)),
    );
    let mut sampler = Sampler::new(heating.origin(Origin::Status), 1);
    let changes = [0.0, 9.0, 15.0, 33.0];
    let found: Vec<_> = seconds(481, 360.0)
        .map(|at| {
            let since = changes
                .iter()
                .copied()
                .filter(|change| change * 3_600.0 <= at)
                .fold(0.0, f64::max);
            (at / 3_600.0, sampler.value(at, since * 3_600.0).as_number())
        })
        .collect();
    for change in &changes[1..] {
        panel.line(
            &[(*change, Some(0.0)), (*change, Some(110.0))],
            Ink::Soft,
            "dash",
        );
    }
    panel.line(&found, Ink::D, "");
    picture.put(panel);
    picture.below(90.0);
    picture.finish(14.0)
}

pub(crate) fn profile() -> String {
    let at = TimeOfDay::new;
    let workday = [
        (at(0, 0), 0.3),
        (at(6, 0), 0.4),
        (at(7, 30), 1.8),
        (at(10, 0), 0.8),
        (at(17, 0), 1.0),
        (at(19, 30), 2.6),
        (at(23, 0), 0.6),
    ];
    let weekend = [
        (at(0, 0), 0.4),
        (at(8, 30), 0.6),
        (at(11, 0), 1.9),
        (at(18, 0), 2.2),
        (at(23, 30), 0.6),
    ];
    let load = Profile::daily(workday)
        .weekend(weekend)
        .interpolation(Interpolation::Smooth);
    let mut picture = Picture::new("profile: a household's load, in kW");
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let words = Ticks::Words(
        days.iter()
            .zip(0_u32..)
            .map(|(day, number)| (f64::from(number) + 0.5, (*day).to_owned()))
            .collect(),
    );
    let mut panel = picture.panel(150.0, (0.0, 7.0), (0.0, 3.2));
    panel.axes("a week, jitter 0.08", "", &words, &Ticks::Numbers);
    panel.line(
        &values(load.clone().jitter(0.08), 1, 7 * 288 + 1, 300.0, 86_400.0),
        Ink::A,
        "thin",
    );
    picture.put(panel);
    picture.below(150.0);
    let mut panel = picture.panel(120.0, (0.0, 24.0), (0.0, 3.2));
    panel.axes(
        "the same Monday in three time zones",
        "hours, UTC",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    let zones = [
        ("UTC", Ink::A),
        ("Asia/Tokyo", Ink::B),
        ("America/New_York", Ink::C),
    ];
    for (zone, ink) in zones {
        panel.line(
            &values(load.clone().zone(zone), 1, 289, 300.0, 3_600.0),
            ink,
            "",
        );
    }
    panel.legend(&zones);
    picture.put(panel);
    picture.below(120.0);
    picture.finish(14.0)
}

pub(crate) fn bulk() -> String {
    let sample = Object::new([
        ("at", Spec::from(Timestamp::new(Format::UnixMs))),
        (
            "watts",
            Spec::from(
                Walk::default()
                    .around(400.0, 0.2)
                    .step(60.0)
                    .within(50.0..=900.0),
            ),
        ),
        ("volts", Spec::from(Normal::new(230.0, 1.0))),
    ]);
    let mut sampler = Sampler::new(Bulk::new(30, MINUTE, sample), 4);
    let mut picture =
        Picture::new("bulk: 30 samples a message, a minute apart; a message each half hour");
    let mut panel = picture.panel(150.0, (0.0, 3.0), (0.0, 900.0));
    panel.axes(
        "watts of each sample; a message is sent at each dashed line",
        "hours since birth",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    for (message, at) in seconds(7, 1_800.0).enumerate().skip(1) {
        let value = sampler.value(at, 0.0);
        let samples: Vec<_> = (0..30)
            .map(|place| {
                let part = |name: &str| {
                    value
                        .part(&format!("{place}.{name}"))
                        .and_then(|part| part.as_number())
                        .unwrap()
                };
                #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
                let since = part("at") - (MONDAY / 1_000) as f64;
                (since / 3.6e6, Some(part("watts")))
            })
            .collect();
        panel.line(&samples, Ink::of(message + 1), "thin");
        panel.dots(&samples, Ink::of(message + 1), 2.0);
        panel.line(
            &[(at / 3_600.0, Some(0.0)), (at / 3_600.0, Some(900.0))],
            Ink::Soft,
            "dash thin",
        );
    }
    picture.put(panel);
    picture.below(150.0);
    picture.finish(14.0)
}
