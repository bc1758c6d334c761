//! Computes the ticks of a device under the stages of its group.
//!
//! It computes the number of ticks that were due up to a time, and the time of the next tick.
//! A tick is due when the integral of the rate reaches the next whole number. Counts are
//! therefore exact under ramps and waves, and no burst occurs between stages. Every time
//! follows from the seed and the plan alone.
//!
//! Ticks are counted in parts, [`PARTS_PER_TICK`] for each, so that a device's phase is a
//! whole number too.

use std::time::Duration;

use crate::time::clock::{Micros, micros};
use crate::time::numbers::round_u64;
use crate::time::stage_shape::StageShape;
use mockfleet_config::{AfterStages, Shape, Stage, Transition, format_duration};
use mockfleet_metrics::as_f64;

/// Parts of a tick. A `u64` holds 34 years of them at 1,000 ticks a second.
pub(crate) const PARTS_PER_TICK: u64 = 1 << 24;

/// Due time of a tick that is never due.
const NEVER: Micros = Micros::MAX;

/// The stages of a group.
#[derive(Debug)]
pub(crate) struct Stages {
    list: Vec<StageSegment>,
    after: AfterStages,
    /// Segment after the stages, if they do not repeat.
    tail: StageSegment,
    /// Duration of all stages together.
    length: Micros,
}

/// A stage with its start and duration.
#[derive(Debug)]
struct StageSegment {
    start: Micros,
    length: Micros,
    period: Micros,
    shape: Shape,
    rate: Transition,
    devices: Transition,
    /// Parts of the whole stage for a device that is always active.
    parts: u64,
}

/// Target load of a group at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TargetLoad {
    /// Index of the stage, from 0; the number of stages after the last one.
    pub(crate) stage: usize,
    /// Time since the start of the stage.
    pub(crate) since: Micros,
    /// Ticks a second of an active device.
    pub(crate) rate: f64,
    /// Share of active devices.
    pub(crate) devices: f64,
}

impl Stages {
    /// Creates the stages of a schedule with the rate `own`. Returns `None` for a schedule
    /// without stages.
    pub(crate) fn new(stages: &[Stage], after: AfterStages, own: f64) -> Option<Self> {
        let last = stages.last()?;
        let mut list: Vec<StageSegment> = Vec::new();
        let mut start = 0;
        for stage in stages {
            list.push(StageSegment::new(stage, start));
            start += micros(stage.duration).max(1);
        }
        let (rate, devices) = match after {
            AfterStages::Return => (own, 1.0),
            AfterStages::Hold | AfterStages::Repeat => (last.rate_at_end(), last.devices_at_end()),
        };
        let tail = StageSegment::new(
            &Stage {
                duration: Duration::from_micros(NEVER - start),
                shape: Shape::Step,
                rate: Transition::constant(rate),
                devices: Transition::constant(devices),
            },
            start,
        );
        Some(Self {
            list,
            after,
            tail,
            length: start,
        })
    }

    /// Returns the number of stages, without the segment after them.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether the stages start again after the last one.
    pub(crate) fn repeats(&self) -> bool {
        self.after == AfterStages::Repeat
    }

    /// Returns the parts of a device that were due up to a time. The device is active while
    /// the share of active devices is above its `rank`, 0 to 1.
    pub(crate) fn parts(&self, at: Micros, rank: f64) -> u64 {
        let all = || {
            self.list
                .iter()
                .map(|segment| segment.all(rank))
                .sum::<u64>()
        };
        let (mut parts, at) = match at / self.length {
            0 => (0, at),
            _ if !self.repeats() => {
                let tail = self.tail.up_to(at - self.length, rank);
                return all().saturating_add(tail);
            }
            rounds => (all().saturating_mul(rounds), at % self.length),
        };
        for segment in &self.list {
            if at < segment.start + segment.length {
                return parts.saturating_add(segment.up_to(at - segment.start, rank));
            }
            parts = parts.saturating_add(segment.all(rank));
        }
        parts
    }

    /// Returns the latest time up to which at most this number of parts is due.
    pub(crate) fn moment(&self, parts: u64, rank: f64) -> Micros {
        let (mut left, mut before) = (parts, 0);
        if self.repeats() {
            let all: u64 = self.list.iter().map(|segment| segment.all(rank)).sum();
            let Some(rounds) = left.checked_div(all) else {
                return NEVER;
            };
            left -= rounds * all;
            before = rounds.saturating_mul(self.length);
        }
        for segment in self.list.iter().chain([&self.tail]) {
            let all = segment.all(rank);
            if left < all {
                return before.saturating_add(segment.start + segment.moment(left, rank));
            }
            left -= all;
        }
        NEVER
    }

    /// Returns when device `index` of `count` is switched on, or never. That is when the share
    /// of active devices covers it.
    pub(crate) fn born(&self, index: u32, count: u32) -> Micros {
        let rank = rank(index, count);
        let mut segments = self.list.iter().chain([&self.tail]);
        let born = segments.find_map(|segment| Some(segment.start + segment.first_active(rank)?));
        born.unwrap_or(NEVER)
    }

    /// Returns the target load at a time.
    pub(crate) fn target_load(&self, at: Micros) -> TargetLoad {
        let at = match self.repeats() {
            true => at % self.length,
            false => at,
        };
        let found = self
            .list
            .iter()
            .position(|segment| at < segment.start + segment.length)
            .and_then(|stage| Some((stage, self.list.get(stage)?)));
        let (stage, segment) = found.unwrap_or((self.list.len(), &self.tail));
        let since = at - segment.start;
        let level = segment
            .shape
            .level(segment.position(since % segment.period));
        TargetLoad {
            stage,
            since,
            rate: segment.rate.at(level),
            devices: segment.devices.at(level),
        }
    }

    /// Returns the index of the stage at a time.
    pub(crate) fn stage(&self, at: Micros) -> usize {
        let at = match self.repeats() {
            true => at % self.length,
            false => at,
        };
        let found = self
            .list
            .iter()
            .position(|segment| at < segment.start + segment.length);
        found.unwrap_or(self.list.len())
    }

    /// Returns the end of the stage at a time.
    pub(crate) fn end_of_stage(&self, at: Micros) -> Micros {
        let round = match self.repeats() {
            true => at - at % self.length,
            false => 0,
        };
        let segment = self.list.get(self.stage(at));
        segment.map_or(NEVER, |segment| {
            round.saturating_add(segment.start + segment.length)
        })
    }

    /// Returns the total duration of a stage in a run that ends at `end`, over all
    /// repetitions.
    pub(crate) fn lasted(&self, stage: usize, end: Micros) -> Micros {
        let Some(segment) = self.list.get(stage) else {
            return match self.repeats() {
                true => 0,
                false => end.saturating_sub(self.length),
            };
        };
        let (rounds, rest) = match self.repeats() {
            true => (end / self.length, end % self.length),
            false => (0, end),
        };
        rounds * segment.length + rest.saturating_sub(segment.start).min(segment.length)
    }

    /// Describes a stage in words: `ramp 0/s..50/s for 30s`.
    pub(crate) fn description(&self, stage: usize) -> String {
        let Some(segment) = self.list.get(stage) else {
            return match self.after {
                AfterStages::Return => "after the stages, the group's own rate".into(),
                AfterStages::Hold | AfterStages::Repeat => {
                    "after the stages, as the last one ended".into()
                }
            };
        };
        let shape = match segment.shape {
            Shape::Step => "step",
            Shape::Ramp => "ramp",
            Shape::Spike(_) => "spike",
            Shape::Sine(_) => "sine",
        };
        let mut description = format!(
            "{shape} {}",
            way(segment.rate, |rate| format!("{}/s", short(rate)))
        );
        if segment.devices != Transition::constant(1.0) {
            let percent = |share: f64| format!("{}%", short(share * 100.0));
            description.push_str(&format!(
                " with {} of devices",
                way(segment.devices, percent)
            ));
        }
        description.push_str(&format!(
            " for {}",
            format_duration(Duration::from_micros(segment.length))
        ));
        description
    }
}

impl StageSegment {
    fn new(stage: &Stage, start: Micros) -> Self {
        let length = micros(stage.duration).max(1);
        let period = match stage.shape {
            Shape::Step | Shape::Ramp => length,
            Shape::Spike(period) | Shape::Sine(period) => micros(period).max(1),
        };
        let mut segment = Self {
            start,
            length,
            period,
            shape: stage.shape,
            rate: stage.rate,
            devices: stage.devices,
            parts: 0,
        };
        segment.parts = segment.sum(length, &segment.shape(-1.0));
        segment
    }

    fn shape(&self, rank: f64) -> StageShape {
        StageShape::new(self.shape, self.rate, self.devices, rank)
    }

    /// Returns whether the device is active during the whole stage.
    fn is_whole(&self, rank: f64) -> bool {
        self.devices.from > rank && self.devices.to > rank
    }

    fn all(&self, rank: f64) -> u64 {
        match self.is_whole(rank) {
            true => self.parts,
            false => self.sum(self.length, &self.shape(rank)),
        }
    }

    fn up_to(&self, since: Micros, rank: f64) -> u64 {
        self.sum(since, &self.shape(rank)).min(self.all(rank))
    }

    fn sum(&self, since: Micros, shape: &StageShape) -> u64 {
        let seconds = as_f64(self.period) / 1e6;
        let waves = as_f64(since / self.period);
        let rest = shape.ticks(self.position(since % self.period));
        let ticks = match since / self.period {
            0 => rest,
            _ => shape.ticks(1.0) * waves + rest,
        };
        round_u64(ticks * seconds * as_f64(PARTS_PER_TICK))
    }

    fn moment(&self, parts: u64, rank: f64) -> Micros {
        let shape = self.shape(rank);
        let seconds = as_f64(self.period) / 1e6;
        let ticks = as_f64(parts) / as_f64(PARTS_PER_TICK) / seconds;
        let each = shape.ticks(1.0);
        let most = self.length / self.period;
        let (waves, rest) = if ticks < each || most == 0 {
            (0, ticks)
        } else {
            let waves = round_u64((ticks / each).floor()).min(most);
            (waves, (ticks - each * as_f64(waves)).max(0.0))
        };
        let position = shape.position(rest);
        let moment = waves * self.period + round_u64(position * as_f64(self.period));
        moment.min(self.length)
    }

    fn first_active(&self, rank: f64) -> Option<Micros> {
        let position = self.shape(rank).first_active()?;
        let first = round_u64(position * as_f64(self.period));
        (first < self.length).then_some(first)
    }

    fn position(&self, since: Micros) -> f64 {
        as_f64(since) / as_f64(self.period)
    }
}

/// Returns the rank of a device, 0 to 1: devices are switched on in order of their index.
pub(crate) fn rank(index: u32, count: u32) -> f64 {
    f64::from(index) / f64::from(count.max(1))
}

fn way(way: Transition, shown: impl Fn(f64) -> String) -> String {
    if way == Transition::constant(way.to) {
        return shown(way.to);
    }
    format!("{}..{}", shown(way.from), shown(way.to))
}

/// Formats a value with at most three decimals, without trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
