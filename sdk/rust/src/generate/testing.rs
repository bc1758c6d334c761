//! What the generators' tests have in common: one device on a clock that goes on by a
//! second with each value.

use crate::behaviour::{Device, Tick};
use crate::error::Error;
use crate::random::Rng;
use crate::time::Instant;

use super::{At, Generator, Plan, Scope, Span, Spec, Value};

/// 2026-11-24T07:30:00Z, a Tuesday.
pub(super) const BORN: Instant = Instant::from_micros(1_795_505_400_000_000);

/// One device's generator and its clock.
pub(super) struct Life {
    generator: Generator,
    device: Device,
    pub(super) now: Instant,
    pub(super) status_since: Instant,
    pace: Span,
    sequence: u64,
    pub(super) fields: Vec<Value>,
}

impl Life {
    pub(super) fn new(spec: impl Into<Spec>) -> Self {
        Self::seeded(spec, 42)
    }

    pub(super) fn seeded(spec: impl Into<Spec>, seed: u64) -> Self {
        Self::of(&spec.into().plan(&Scope::new()).unwrap(), seed)
    }

    pub(super) fn of(plan: &Plan, seed: u64) -> Self {
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
            pace: Span::from_micros(1_000_000),
            sequence: 0,
            fields: Vec::new(),
        }
    }

    /// So long from value to value.
    pub(super) fn paced(mut self, pace: Span) -> Self {
        self.pace = pace;
        self
    }

    /// The first value comes at this moment.
    pub(super) fn at(mut self, now: &str) -> Self {
        self.now = super::moment::parse(now).unwrap();
        self
    }

    fn moment(&self) -> At<'_> {
        let tick = Tick {
            at: self.now,
            sequence: self.sequence,
        };
        At::new(&self.device, tick)
            .status("on", self.status_since)
            .fields(&self.fields)
    }

    pub(super) fn next(&mut self) -> Result<Value, Error> {
        let mut generator = self.generator.clone();
        let value = generator.next(&self.moment());
        self.generator = generator;
        self.now = self.now + self.pace.into();
        self.sequence += 1;
        value
    }

    #[cfg(feature = "files")]
    pub(super) fn due(&self) -> Option<Instant> {
        self.generator.due(&self.moment())
    }

    pub(super) fn fault(&self) -> Option<&'static str> {
        self.generator.fault()
    }

    pub(super) fn values(&mut self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.next().unwrap()).collect()
    }

    pub(super) fn numbers(&mut self, count: usize) -> Vec<f64> {
        self.values(count)
            .iter()
            .map(|value| value.as_number().unwrap())
            .collect()
    }

    pub(super) fn json(&mut self, count: usize) -> String {
        serde_json::to_string(&self.values(count)).unwrap()
    }
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) const fn float(count: usize) -> f64 {
    count as f64
}

/// Mean and variance of so many values.
pub(super) fn moments(life: &mut Life, count: usize) -> (f64, f64) {
    let values = life.numbers(count);
    let count = float(count);
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    (mean, squares / count)
}

/// What is said about a specification, a line a problem.
pub(super) fn problems(spec: &(impl Clone + Into<Spec>)) -> String {
    spec.clone()
        .into()
        .plan(&Scope::new())
        .unwrap_err()
        .to_string()
}
