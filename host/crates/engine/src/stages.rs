//! The stages of a group: how many ticks a device has had due up to a moment, and when
//! the next one is due. A tick is due when the integral of the rate reaches the next
//! whole number, so counts are exact under ramps and waves, nothing comes in bursts
//! where one stage ends and another begins, and every moment follows from the seed and
//! the plan alone.
//!
//! Ticks are counted in parts, [`TICK`] of them each, so that a device's place between
//! two of them is a whole number as well.

use std::time::Duration;

use super::clock::{Micros, micros};
use super::wave::Wave;
use mockfleet_config::{AfterStages, Shape, Stage, Transition};

/// Parts of a tick: a device that ticks a thousand times a second has room for 34
/// years of them.
pub(super) const TICK: u64 = 1 << 24;

/// No tick is due any more.
const NEVER: Micros = Micros::MAX;

/// The stages of a group.
#[derive(Debug)]
pub(crate) struct Stages {
    list: Vec<Leg>,
    after: AfterStages,
    /// What goes on when they are over, if they do not repeat.
    tail: Leg,
    /// All of them together.
    length: Micros,
}

/// A stage and where it lies.
#[derive(Debug)]
struct Leg {
    start: Micros,
    length: Micros,
    period: Micros,
    shape: Shape,
    rate: Transition,
    devices: Transition,
    /// Parts in all of it for a device that is on all the time.
    parts: u64,
}

/// What is asked of a group at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Asked {
    /// Which stage it is, from zero; as many as there are stages when they are over.
    pub(crate) stage: usize,
    /// How far it is.
    pub(crate) since: Micros,
    /// Ticks a second of a device that is on.
    pub(crate) rate: f64,
    /// The share of devices that are on.
    pub(crate) devices: f64,
}

impl Stages {
    /// The stages of a schedule whose own rate is `own`; `None` where it has none.
    pub(super) fn of(stages: &[Stage], after: AfterStages, own: f64) -> Option<Self> {
        let last = stages.last()?;
        let mut list: Vec<Leg> = Vec::new();
        let mut start = 0;
        for stage in stages {
            list.push(Leg::of(stage, start));
            start += micros(stage.duration).max(1);
        }
        let (rate, devices) = match after {
            AfterStages::Return => (own, 1.0),
            AfterStages::Hold | AfterStages::Repeat => (last.rate_at_end(), last.devices_at_end()),
        };
        let tail = Leg::of(
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

    /// How many stages there are, without what comes after them.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether they begin anew when they are over.
    pub(crate) fn repeats(&self) -> bool {
        self.after == AfterStages::Repeat
    }

    /// Parts that a device has had due up to a moment. `turn`, 0 to 1: it is on when
    /// more than this share of devices is.
    pub(super) fn parts(&self, at: Micros, turn: f64) -> u64 {
        let all = || self.list.iter().map(|leg| leg.all(turn)).sum::<u64>();
        let (mut parts, at) = match at / self.length {
            0 => (0, at),
            _ if !self.repeats() => {
                let tail = self.tail.up_to(at - self.length, turn);
                return all().saturating_add(tail);
            }
            rounds => (all().saturating_mul(rounds), at % self.length),
        };
        for leg in &self.list {
            if at < leg.start + leg.length {
                return parts.saturating_add(leg.up_to(at - leg.start, turn));
            }
            parts = parts.saturating_add(leg.all(turn));
        }
        parts
    }

    /// The moment up to which a device has had so many parts, and from which on it has
    /// more.
    pub(super) fn moment(&self, parts: u64, turn: f64) -> Micros {
        let (mut left, mut before) = (parts, 0);
        if self.repeats() {
            let all: u64 = self.list.iter().map(|leg| leg.all(turn)).sum();
            let Some(rounds) = left.checked_div(all) else {
                return NEVER;
            };
            left -= rounds * all;
            before = rounds.saturating_mul(self.length);
        }
        for leg in self.list.iter().chain([&self.tail]) {
            let all = leg.all(turn);
            if left < all {
                return before.saturating_add(leg.start + leg.moment(left, turn));
            }
            left -= all;
        }
        NEVER
    }

    /// When device `index` of `count` is switched on, if ever: once the share of
    /// devices says so, and no sooner than `interval` after the one before it. `before`
    /// devices of others are switched on first, from the start of the run.
    pub(super) fn born(&self, index: u32, count: u32, before: u32, interval: Duration) -> Micros {
        let turn = turn(index, count);
        let pace = |devices: f64| micros(interval.mul_f64(devices.max(0.0)));
        let mut reached: f64 = 0.0;
        for leg in self.list.iter().chain([&self.tail]) {
            let first = (reached * f64::from(count)).ceil();
            if let Some(on) = leg.first_on(turn) {
                let others = if leg.start == 0 {
                    f64::from(before)
                } else {
                    0.0
                };
                let paced = pace(f64::from(index) - first + others);
                return leg.start + on.max(paced);
            }
            reached = reached.max(leg.devices.from).max(leg.devices.to);
        }
        NEVER
    }

    /// What is asked at a moment.
    pub(crate) fn asked(&self, at: Micros) -> Asked {
        let at = match self.repeats() {
            true => at % self.length,
            false => at,
        };
        let found = self
            .list
            .iter()
            .position(|leg| at < leg.start + leg.length)
            .and_then(|stage| Some((stage, self.list.get(stage)?)));
        let (stage, leg) = found.unwrap_or((self.list.len(), &self.tail));
        let since = at - leg.start;
        let level = leg.shape.level(leg.place(since % leg.period));
        Asked {
            stage,
            since,
            rate: leg.rate.at(level),
            devices: leg.devices.at(level),
        }
    }

    /// Which stage a moment lies in.
    pub(super) fn stage(&self, at: Micros) -> usize {
        let at = match self.repeats() {
            true => at % self.length,
            false => at,
        };
        let found = self.list.iter().position(|leg| at < leg.start + leg.length);
        found.unwrap_or(self.list.len())
    }

    /// When the stage that a moment lies in is over.
    pub(super) fn end_of_stage(&self, at: Micros) -> Micros {
        let round = match self.repeats() {
            true => at - at % self.length,
            false => 0,
        };
        let leg = self.list.get(self.stage(at));
        leg.map_or(NEVER, |leg| round.saturating_add(leg.start + leg.length))
    }

    /// For how long of a run that is over at `end` a stage lasted, all rounds together.
    pub(crate) fn lasted(&self, stage: usize, end: Micros) -> Micros {
        let Some(leg) = self.list.get(stage) else {
            return match self.repeats() {
                true => 0,
                false => end.saturating_sub(self.length),
            };
        };
        let (rounds, rest) = match self.repeats() {
            true => (end / self.length, end % self.length),
            false => (0, end),
        };
        rounds * leg.length + rest.saturating_sub(leg.start).min(leg.length)
    }

    /// A stage in words: `ramp 0/s..50/s for 30s`.
    pub(crate) fn words(&self, stage: usize) -> String {
        let Some(leg) = self.list.get(stage) else {
            return match self.after {
                AfterStages::Return => "after the stages, the group's own rate".into(),
                AfterStages::Hold | AfterStages::Repeat => {
                    "after the stages, as the last one ended".into()
                }
            };
        };
        let shape = match leg.shape {
            Shape::Step => "step",
            Shape::Ramp => "ramp",
            Shape::Spike(_) => "spike",
            Shape::Sine(_) => "sine",
        };
        let mut words = format!(
            "{shape} {}",
            way(leg.rate, |rate| format!("{}/s", short(rate)))
        );
        if leg.devices != Transition::constant(1.0) {
            let percent = |share: f64| format!("{}%", short(share * 100.0));
            words.push_str(&format!(" with {} of devices", way(leg.devices, percent)));
        }
        words.push_str(&format!(" for {:?}", Duration::from_micros(leg.length)));
        words
    }
}

impl Leg {
    fn of(stage: &Stage, start: Micros) -> Self {
        let length = micros(stage.duration).max(1);
        let period = match stage.shape {
            Shape::Step | Shape::Ramp => length,
            Shape::Spike(period) | Shape::Sine(period) => micros(period).max(1),
        };
        let mut leg = Self {
            start,
            length,
            period,
            shape: stage.shape,
            rate: stage.rate,
            devices: stage.devices,
            parts: 0,
        };
        leg.parts = leg.sum(length, &leg.wave(-1.0));
        leg
    }

    fn wave(&self, turn: f64) -> Wave {
        Wave::of(self.shape, self.rate, self.devices, turn)
    }

    /// Whether it makes no difference to a device how many are on.
    fn is_whole(&self, turn: f64) -> bool {
        self.devices.from > turn && self.devices.to > turn
    }

    fn all(&self, turn: f64) -> u64 {
        match self.is_whole(turn) {
            true => self.parts,
            false => self.sum(self.length, &self.wave(turn)),
        }
    }

    fn up_to(&self, since: Micros, turn: f64) -> u64 {
        self.sum(since, &self.wave(turn)).min(self.all(turn))
    }

    fn sum(&self, since: Micros, wave: &Wave) -> u64 {
        let seconds = float(self.period) / 1e6;
        let waves = float(since / self.period);
        let rest = wave.ticks(self.place(since % self.period));
        let ticks = match since / self.period {
            0 => rest,
            _ => wave.ticks(1.0) * waves + rest,
        };
        whole(ticks * seconds * float(TICK))
    }

    fn moment(&self, parts: u64, turn: f64) -> Micros {
        let wave = self.wave(turn);
        let seconds = float(self.period) / 1e6;
        let ticks = float(parts) / float(TICK) / seconds;
        let each = wave.ticks(1.0);
        let most = self.length / self.period;
        let (waves, rest) = if ticks < each || most == 0 {
            (0, ticks)
        } else {
            let waves = whole((ticks / each).floor()).min(most);
            (waves, (ticks - each * float(waves)).max(0.0))
        };
        let place = wave.place(rest);
        let moment = waves * self.period + whole(place * float(self.period));
        moment.min(self.length)
    }

    fn first_on(&self, turn: f64) -> Option<Micros> {
        let place = self.wave(turn).first_on()?;
        let first = whole(place * float(self.period));
        (first < self.length).then_some(first)
    }

    fn place(&self, since: Micros) -> f64 {
        float(since) / float(self.period)
    }
}

/// When it is a device's turn to be switched on: the first of a group come first.
pub(super) fn turn(index: u32, count: u32) -> f64 {
    f64::from(index) / f64::from(count.max(1))
}

fn way(way: Transition, shown: impl Fn(f64) -> String) -> String {
    if way == Transition::constant(way.to) {
        return shown(way.to);
    }
    format!("{}..{}", shown(way.from), shown(way.to))
}

/// Three digits at most behind the point, and none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact below 2^53, and near enough above"
)]
fn float(n: u64) -> f64 {
    n as f64
}

/// The nearest whole number; what does not fit is the largest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer stays in bounds"
)]
fn whole(n: f64) -> u64 {
    n.round() as u64
}

#[cfg(test)]
mod tests;
