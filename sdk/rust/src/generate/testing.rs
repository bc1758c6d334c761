//! Helps the tests of generators: one device whose clock advances with each value.

use crate::contract::behaviour::{Device, Tick};
use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::scope::Scope;
use crate::generate::spec::kinds::{Generator, Plan, Spec};
use crate::random::Rng;
use crate::time::Instant;

/// 2026-11-24T07:30:00Z, a Tuesday.
pub(crate) const BORN: Instant = Instant::from_micros(1_795_505_400_000_000);

/// One device's generator and its clock.
pub(crate) struct TestGenerator {
    generator: Generator,
    device: Device,
    pub(crate) now: Instant,
    pub(crate) status_since: Instant,
    every: Span,
    sequence: u64,
    pub(crate) fields: Vec<Value>,
}

impl TestGenerator {
    pub(crate) fn new(spec: impl Into<Spec>) -> Self {
        Self::seeded(spec, 42)
    }

    pub(crate) fn seeded(spec: impl Into<Spec>, seed: u64) -> Self {
        Self::start(&spec.into().plan(&Scope::new()).unwrap(), seed)
    }

    pub(crate) fn start(plan: &Plan, seed: u64) -> Self {
        Self {
            generator: plan.start(Rng::new(seed)),
            device: Device {
                id: "probe-00001".into(),
                group: "probe".into(),
                index: 1,
                seed,
                born: BORN,
            },
            now: BORN,
            status_since: BORN,
            every: Span::from_micros(1_000_000),
            sequence: 0,
            fields: Vec::new(),
        }
    }

    /// Sets the time from value to value.
    pub(crate) fn every(mut self, every: Span) -> Self {
        self.every = every;
        self
    }

    /// Sets the time of the first value.
    pub(crate) fn at(mut self, now: &str) -> Self {
        self.now = crate::generate::time::rfc3339::parse(now).unwrap();
        self
    }

    fn context(&self) -> Context<'_> {
        let tick = Tick {
            at: self.now,
            sequence: self.sequence,
        };
        Context::new(&self.device, tick)
            .status("on", self.status_since)
            .fields(&self.fields)
    }

    pub(crate) fn next(&mut self) -> Result<Value, Error> {
        let mut generator = self.generator.clone();
        let value = generator.next(&self.context());
        self.generator = generator;
        self.now = self.now + self.every.into();
        self.sequence += 1;
        value
    }

    #[cfg(feature = "files")]
    pub(crate) fn due(&self) -> Option<Instant> {
        self.generator.due(&self.context())
    }

    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.generator.fault()
    }

    pub(crate) fn values(&mut self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.next().unwrap()).collect()
    }

    pub(crate) fn numbers(&mut self, count: usize) -> Vec<f64> {
        self.values(count)
            .iter()
            .map(|value| value.as_number().unwrap())
            .collect()
    }

    pub(crate) fn json(&mut self, count: usize) -> String {
        serde_json::to_string(&self.values(count)).unwrap()
    }
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn as_f64(count: usize) -> f64 {
    count as f64
}

/// The mean and the variance of this many values.
pub(crate) fn mean_and_variance(generator: &mut TestGenerator, count: usize) -> (f64, f64) {
    let values = generator.numbers(count);
    let count = as_f64(count);
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    (mean, squares / count)
}

/// The problems of a specification, a line each.
pub(crate) fn problems_of(spec: &(impl Clone + Into<Spec>)) -> String {
    spec.clone()
        .into()
        .plan(&Scope::new())
        .unwrap_err()
        .to_string()
}
