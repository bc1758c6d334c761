//! Devices that are asked for values: the data of the plots. Knows no drawing.

use mockfleet_sdk::generate::{Context, Generator, Plan, Scope, Spec, Value};
use mockfleet_sdk::testing::Setup;
use mockfleet_sdk::{Device, Instant, Rng, Tick};

/// 2026-11-23T00:00:00Z, a Monday.
pub(crate) const MONDAY: u64 = 1_795_392_000_000_000;

/// One device and its generator.
pub(crate) struct Sampler {
    device: Device,
    generator: Generator,
    pub(crate) fields: Vec<Value>,
}

impl Sampler {
    pub(crate) fn new(spec: impl Into<Spec>, seed: u64) -> Self {
        Self::of(&spec.into().plan(&Scope::new()).unwrap(), seed)
    }

    pub(crate) fn of(plan: &Plan, seed: u64) -> Self {
        let setup = Setup {
            seed,
            born: Instant::from_micros(MONDAY),
            ..Setup::default()
        };
        Self {
            device: setup.device(),
            generator: plan.start(Rng::new(seed)),
            fields: Vec::new(),
        }
    }

    /// The value so many seconds after birth, in the status since some.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a plot"
    )]
    pub(crate) fn value(&mut self, seconds: f64, status_since: f64) -> Value {
        let moment = |seconds: f64| Instant::from_micros(MONDAY + (seconds * 1e6).round() as u64);
        let tick = Tick::new(moment(seconds), 0);
        let context = Context::new(&self.device, tick)
            .status("on", moment(status_since))
            .fields(&self.fields);
        self.generator.next(&context).unwrap()
    }

    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.generator.fault()
    }
}

/// Seconds from 0 on.
pub(crate) fn seconds(count: u32, every: f64) -> impl Iterator<Item = f64> {
    (0..count).map(move |number| f64::from(number) * every)
}

/// So many values at a pace in seconds; times are in units of so many seconds.
pub(crate) fn values(
    spec: impl Into<Spec>,
    seed: u64,
    count: u32,
    every: f64,
    unit: f64,
) -> Vec<(f64, Option<f64>)> {
    let mut sampler = Sampler::new(spec, seed);
    seconds(count, every)
        .map(|at| (at / unit, sampler.value(at, 0.0).as_number()))
        .collect()
}

/// How many values fall into each of so many classes: from, to and the share.
pub(crate) fn classes(
    values: &[(f64, Option<f64>)],
    low: f64,
    high: f64,
    count: u32,
) -> Vec<(f64, f64, f64)> {
    let width = (high - low) / f64::from(count);
    let share = 1.0 / f64::from(u32::try_from(values.len()).unwrap());
    (0..count)
        .map(|class| {
            let from = low + f64::from(class) * width;
            let inside = values.iter().filter(|(_, value)| {
                value.is_some_and(|value| value >= from && value < from + width)
            });
            (
                from,
                from + width,
                f64::from(u32::try_from(inside.count()).unwrap()) * share,
            )
        })
        .collect()
}
