//! The plot of sensor faults: the same sensor with each of them, beside the truth.

use std::time::Duration;

use mockfleet_sdk::generate::{
    Drift, Fault, Faulty, Missing, Noise, Null, OutOfRange, Shift, SkewedClock, Spike, StuckAt,
    Wave, WrongType,
};

use crate::sampler::{Sampler, seconds};
use crate::svg::{Ink, Picture, Ticks};

pub(crate) fn faulty() -> String {
    let mut picture = Picture::new("faulty: a sine of 2m with each sensor fault");
    let from = Duration::from_secs(60);
    let until = Duration::from_secs(180);
    let kinds: [(&str, Fault); 9] = [
        (
            "spike: by 15, chance 0.05",
            Spike::new(15.0).chance(0.05).into(),
        ),
        (
            "stuck-at: chance 0.02, lasts 20s",
            StuckAt::new()
                .chance(0.02)
                .lasts(Duration::from_secs(20))
                .into(),
        ),
        (
            "drift: per-hour 300, after 60s, until 180s",
            Drift::new(300.0).after(from).until(until).into(),
        ),
        (
            "noise: deviation 2, after 60s, until 180s",
            Noise::new(2.0).after(from).until(until).into(),
        ),
        (
            "out-of-range: value -10, chance 0.03, lasts 5s",
            OutOfRange::new(-10.0)
                .chance(0.03)
                .lasts(Duration::from_secs(5))
                .into(),
        ),
        (
            "missing: chance 0.04, lasts 6s: the member is left out",
            Missing::new()
                .chance(0.04)
                .lasts(Duration::from_secs(6))
                .into(),
        ),
        ("null: chance 0.1", Null::new().chance(0.1).into()),
        (
            "wrong-type: chance 0.1: the number comes as a text (pink)",
            WrongType::new().chance(0.1).into(),
        ),
        (
            "skewed-clock: by -15s, after 60s, until 180s",
            SkewedClock::new(Shift::from_micros(-15_000_000))
                .after(from)
                .until(until)
                .into(),
        ),
    ];
    for (name, fault) in kinds {
        let wave = || Wave::sine(5.0..=25.0, Duration::from_secs(120)).decimals(2);
        let mut truth = Sampler::new(wave(), 1);
        let mut sampler = Sampler::new(Faulty::new(wave()).fault(fault), 8);
        let (mut right, mut found, mut texts, mut touched) = (vec![], vec![], vec![], vec![]);
        for at in seconds(241, 1.0) {
            right.push((at, truth.value(at, 0.0).as_number()));
            let value = sampler.value(at, 0.0);
            let text = value.as_text().and_then(|text| text.parse().ok());
            found.push((at, value.as_number()));
            texts.push((at, text));
            if sampler.fault().is_some() {
                touched.push((at, value.as_number()));
            }
        }
        let mut panel = picture.panel(66.0, (0.0, 240.0), (-14.0, 44.0));
        panel.axes(
            name,
            "seconds",
            &Ticks::Numbers,
            &Ticks::Words(
                [-10, 10, 30]
                    .map(|at| (f64::from(at), at.to_string().replace('-', "\u{2212}")))
                    .to_vec(),
            ),
        );
        panel.line(&right, Ink::Soft, "");
        panel.line(&found, Ink::A, "");
        panel.dots(&touched, Ink::B, 2.0);
        panel.dots(&texts, Ink::D, 2.2);
        picture.put(panel);
        picture.below(66.0);
    }
    picture.finish(14.0)
}
