//! A broken sensor at work: when each fault is there, and what it makes of a value. How
//! faults are asked for is in `fault`.

use crate::error::Error;
use crate::random::Rng;
use crate::time::Instant;

use super::at::At;
use super::fault::Fault;
use super::kind::{Kind, micros_as_f64, number};
use super::plan::{Generator, Node};
use super::span::Span;
use super::value::Value;

/// When a fault is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) chance: f64,
    pub(super) lasts: Span,
    pub(super) after: Span,
    pub(super) until: Option<Span>,
}

#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) of: Node,
    pub(super) faults: Vec<(Fault, When)>,
    pub(super) decimals: Option<u8>,
}

/// What a device keeps of its faults.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    of: Generator,
    rng: Rng,
    faults: Box<[Present]>,
    label: Option<&'static str>,
}

/// One fault of a device.
#[derive(Debug, Clone, Default)]
struct Present {
    /// Since when it is there; `None` when it is not.
    since: Option<Instant>,
    /// What the sensor is stuck at.
    held: Option<Value>,
}

impl When {
    /// Whether the fault is there at a moment, and since when.
    fn since(&self, present: &mut Present, rng: &mut Rng, at: &At<'_>) -> Option<Instant> {
        let age = Span::from(at.now.since(at.device.born));
        if self.until.is_some_and(|until| age >= until) {
            *present = Present::default();
            return None;
        }
        let going = present
            .since
            .filter(|since| Span::from(at.now.since(*since)) < self.lasts);
        if going.is_none() {
            // Drawn even when it is certain: the chance of others does not depend on it.
            let begins = rng.chance(self.chance) && age >= self.after;
            let still = begins && present.since.is_some() && self.chance >= 1.0;
            if !still {
                *present = Present {
                    since: begins.then_some(at.now),
                    held: None,
                };
            }
        }
        present.since
    }
}

impl Kind for Wrapped {
    type State = Box<Broken>;

    fn start(&self, rng: Rng) -> Box<Broken> {
        Box::new(Broken {
            of: self.of.start(rng.stream("of")),
            rng: rng.stream("faults"),
            faults: vec![Present::default(); self.faults.len()].into(),
            label: None,
        })
    }

    fn next(&self, state: &mut Self::State, at: &At<'_>) -> Result<Value, Error> {
        let Broken {
            of,
            rng,
            faults,
            label,
        } = &mut **state;
        *label = None;
        let mut moment = *at;
        for ((fault, when), present) in self.faults.iter().zip(faults.iter_mut()) {
            if when.since(present, rng, at).is_some() {
                *label = Some(fault.label());
                if let Fault::SkewedClock(skewed) = fault {
                    moment.now = skewed.by.applied(moment.now);
                }
            }
        }
        let mut value = of.next(&moment)?;
        for ((fault, _), present) in self.faults.iter().zip(faults.iter_mut()) {
            if let Some(since) = present.since {
                value = touched(value, fault, present, since, rng, at)?;
            }
        }
        match (label, self.decimals) {
            (Some(_), Some(decimals)) => numbers(&value, &mut |value| value, Some(decimals)),
            _ => Ok(value),
        }
    }

    fn due(&self, state: &Self::State, at: &At<'_>) -> Option<Instant> {
        state.of.due(at)
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.label.or_else(|| state.of.fault())
    }
}

/// What a fault that is there makes of a value.
fn touched(
    value: Value,
    fault: &Fault,
    present: &mut Present,
    since: Instant,
    rng: &mut Rng,
    at: &At<'_>,
) -> Result<Value, Error> {
    match fault {
        Fault::Spike(spike) => {
            let up = rng.chance(0.5);
            numbers(
                &value,
                &mut |value| {
                    if up {
                        value + spike.by
                    } else {
                        value - spike.by
                    }
                },
                None,
            )
        }
        Fault::Drift(drift) => {
            let micros =
                i64::try_from(Span::from(at.now.since(since)).micros()).unwrap_or(i64::MAX);
            let strayed = drift.per_hour * (micros_as_f64(micros) / 3.6e9);
            numbers(&value, &mut |value| value + strayed, None)
        }
        Fault::Noise(noise) => numbers(
            &value,
            &mut |value| rng.normal(value, noise.deviation),
            None,
        ),
        Fault::StuckAt(_) => Ok(present.held.get_or_insert(value).clone()),
        Fault::Missing(_) => Ok(Value::Missing),
        Fault::Null(_) => Ok(Value::Null),
        Fault::OutOfRange(out) => numbers(&value, &mut |_| out.value, None),
        Fault::WrongType(_) => Ok(match &value {
            #[expect(clippy::cast_possible_wrap, reason = "a text is shorter than 2^63")]
            Value::Text(text) => Value::Integer(text.chars().count() as i64),
            Value::Missing => Value::Missing,
            other => Value::text(other.to_string()),
        }),
        Fault::SkewedClock(_) => Ok(value),
    }
}

/// Changes each number of a value, also those in lists and objects; whole numbers stay whole
/// when the change leaves them so.
fn numbers(
    value: &Value,
    change: &mut dyn FnMut(f64) -> f64,
    decimals: Option<u8>,
) -> Result<Value, Error> {
    match value {
        Value::Integer(_) | Value::Number(_) => {
            let old = value.as_number().unwrap_or(0.0);
            let new = change(old);
            let whole = matches!(value, Value::Integer(_)) && new.fract() == 0.0;
            number(new, if whole { Some(0) } else { decimals })
        }
        Value::Array(values) => {
            let values = values.iter().map(|value| numbers(value, change, decimals));
            values.collect::<Result<_, Error>>().map(Value::Array)
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Ok((name.clone(), numbers(value, change, decimals)?)));
            members.collect::<Result<_, Error>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}
