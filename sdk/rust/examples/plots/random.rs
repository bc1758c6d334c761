//! Plots of what is drawn by chance.

use mockfleet_sdk::generate::{Bucket, Exponential, Markov, Normal, Poisson, Spec, Uniform, Walk};

use crate::sampler::{Sampler, classes, seconds, values};
use crate::svg::{Ink, Picture, Ticks};

const COUNT: u32 = 20_000;

/// Values in time at the left, how often each comes at the right.
pub(crate) fn distributions() -> String {
    let mut picture = Picture::new("uniform, normal, exponential");
    let kinds: [(&str, Spec, (f64, f64), Ink); 3] = [
        (
            "uniform: min 10, max 30",
            Uniform::new(10.0..=30.0).into(),
            (0.0, 40.0),
            Ink::A,
        ),
        (
            "normal: mean 20, deviation 4",
            Normal::new(20.0, 4.0).into(),
            (0.0, 40.0),
            Ink::B,
        ),
        (
            "exponential: mean 8",
            Exponential::new(8.0).into(),
            (0.0, 40.0),
            Ink::C,
        ),
    ];
    for (name, spec, range, ink) in kinds {
        let found = values(spec, 1, COUNT, 1.0, 1.0);
        let mut panel = picture.part(0.0, 0.6, 110.0, (0.0, 300.0), range);
        panel.axes(name, "values", &Ticks::Numbers, &Ticks::Numbers);
        panel.dots(&found[..300], ink, 1.8);
        picture.put(panel);
        let bars = classes(&found, range.0, range.1, 40);
        let top = bars.iter().map(|bar| bar.2).fold(0.0, f64::max) * 1.1;
        let mut panel = picture.part(0.68, 1.0, 110.0, range, (0.0, top));
        panel.axes(
            "how often, of 20,000",
            "value",
            &Ticks::Numbers,
            &Ticks::Words(vec![]),
        );
        panel.bars(&bars, ink);
        picture.put(panel);
        picture.below(110.0);
    }
    picture.finish(14.0)
}

pub(crate) fn arrivals() -> String {
    let mut picture = Picture::new("poisson: arrivals in time");
    let minute = std::time::Duration::from_secs(60);
    for (mean, ink) in [(3.0, Ink::A), (30.0, Ink::B)] {
        let found = values(Poisson::new(mean).per(minute), 2, COUNT, 60.0, 60.0);
        let high = mean + 5.0 * f64::sqrt(mean);
        let mut panel = picture.part(0.0, 0.6, 120.0, (0.0, 60.0), (0.0, high));
        panel.axes(
            &format!("mean {mean}, per 1m"),
            "minutes",
            &Ticks::Numbers,
            &Ticks::Numbers,
        );
        panel.bars(
            &found[1..60]
                .iter()
                .map(|(at, value)| (at - 0.5, at + 0.5, value.unwrap()))
                .collect::<Vec<_>>(),
            ink,
        );
        picture.put(panel);
        let width = if mean > 10.0 { 2.0 } else { 1.0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few classes"
        )]
        let count = (high / width).ceil() as u32;
        let bars = classes(&found[1..], 0.0, f64::from(count) * width, count);
        let top = bars.iter().map(|bar| bar.2).fold(0.0, f64::max) * 1.1;
        let mut panel = picture.part(
            0.68,
            1.0,
            120.0,
            (0.0, f64::from(count) * width),
            (0.0, top),
        );
        panel.axes(
            "how often, of 20,000",
            "arrivals",
            &Ticks::Numbers,
            &Ticks::Words(vec![]),
        );
        panel.bars(&bars, ink);
        picture.put(panel);
        picture.below(120.0);
    }
    picture.finish(14.0)
}

pub(crate) fn walk() -> String {
    let mut picture = Picture::new("walk: three devices each");
    let kinds = [
        (
            "start 20, step 0.5",
            Walk::new(20.0).step(0.5),
            (0.0, 50.0),
            None,
        ),
        (
            "the same, min 15, max 25",
            Walk::new(20.0).step(0.5).within(15.0..=25.0),
            (10.0, 30.0),
            Some([15.0, 25.0]),
        ),
        (
            "mean 20, pull 0.05, step 0.5, spread 6",
            Walk::default().around(20.0, 0.05).step(0.5).spread(6.0),
            (10.0, 30.0),
            None,
        ),
    ];
    for (name, walk, range, bounds) in kinds {
        let mut panel = picture.panel(130.0, (0.0, 600.0), range);
        panel.axes(name, "values", &Ticks::Numbers, &Ticks::Numbers);
        for bound in bounds.into_iter().flatten() {
            panel.level(bound);
        }
        for device in 0..3 {
            let found = values(
                walk.clone(),
                u64::try_from(device).unwrap() + 5,
                601,
                1.0,
                1.0,
            );
            panel.line(&found, Ink::of(device), "");
        }
        picture.put(panel);
        picture.below(130.0);
    }
    picture.finish(14.0)
}

pub(crate) fn bucket() -> String {
    let mut picture = Picture::new("bucket: one of several values");
    let names = ["red", "green", "blue", "grey"];
    let place = |text: &str| {
        names
            .iter()
            .zip(0_u32..)
            .find(|(name, _)| **name == text)
            .map(|(_, place)| f64::from(place))
    };
    let kinds = [
        ("by chance", Bucket::new(names), Ink::A),
        (
            "weights 4, 2, 1, 0.5",
            Bucket::new(names).weights([4.0, 2.0, 1.0, 0.5]),
            Ink::B,
        ),
        ("in sequence", Bucket::new(names).in_sequence(), Ink::C),
    ];
    for (name, bucket, ink) in kinds {
        let mut sampler = Sampler::new(bucket, 3);
        let found: Vec<(f64, Option<f64>)> = seconds(COUNT, 1.0)
            .map(|at| (at, sampler.value(at, 0.0).as_text().and_then(place)))
            .collect();
        let words = |shift: f64| {
            Ticks::Words(
                names
                    .iter()
                    .zip(0_u32..)
                    .map(|(name, at)| (f64::from(at) + shift, (*name).to_owned()))
                    .collect(),
            )
        };
        let mut panel = picture.part(0.0, 0.6, 90.0, (-1.0, 60.0), (-0.5, 3.5));
        panel.axes(name, "values", &Ticks::Numbers, &words(0.0));
        panel.dots(&found[..60], ink, 3.0);
        picture.put(panel);
        let bars: Vec<_> = classes(&found, 0.0, 4.0, 4)
            .into_iter()
            .map(|(from, to, share)| (from + 0.15, to - 0.15, share))
            .collect();
        let mut panel = picture.part(0.68, 1.0, 90.0, (0.0, 4.0), (0.0, 0.6));
        panel.axes("how often, of 20,000", "", &words(0.5), &Ticks::Numbers);
        panel.bars(&bars, ink);
        picture.put(panel);
        picture.below(90.0);
    }
    picture.finish(14.0)
}

pub(crate) fn markov() -> String {
    let mut picture = Picture::new("markov: a machine that idles, works and fails");
    let names = ["idle", "busy", "fault"];
    let chain = || {
        Markov::new("idle")
            .state("idle", [("busy", 0.10)])
            .state("busy", [("idle", 0.06), ("fault", 0.015)])
            .state("fault", [("idle", 0.04)])
    };
    let words = || {
        Ticks::Words(
            names
                .iter()
                .zip(0_u32..)
                .map(|(name, at)| (f64::from(at), (*name).to_owned()))
                .collect(),
        )
    };
    for device in 0..3 {
        let mut sampler = Sampler::new(chain(), device + 11);
        let found: Vec<_> = seconds(301, 1.0)
            .map(|at| {
                let value = sampler.value(at, 0.0);
                let place = names
                    .iter()
                    .zip(0_u32..)
                    .find(|(name, _)| value.as_text() == Some(**name));
                (at, place.map(|(_, place)| f64::from(place)))
            })
            .collect();
        let mut panel = picture.panel(64.0, (0.0, 300.0), (-0.3, 2.3));
        panel.axes(
            &format!("device {}", device + 1),
            "values",
            &Ticks::Numbers,
            &words(),
        );
        panel.steps(&found, Ink::of(usize::try_from(device).unwrap()));
        picture.put(panel);
        picture.below(64.0);
    }
    picture.finish(14.0)
}
