//! Computes when devices are due.
//!
//! This module owns the arithmetic of intervals and the order of ticks. `stages` changes
//! rates, and `rate_scale` scales the time of all schedules.
//!
//! The load is an open model: a tick is due at its time, independent of responses. A device
//! that is late by more than an interval runs its latest due tick once. The earlier ticks
//! count as missed.

use crate::time::clock::{Micros, micros};
use crate::time::numbers::part;
use crate::time::seed;
use crate::time::stages::{PARTS_PER_TICK, Stages};
use mockfleet_config::{Start, TickRate};

/// Shortest time between two ticks that a device can request, in microseconds.
pub(crate) const MIN_TICK_INTERVAL: Micros = 1_000;

/// The schedule of a group's devices.
///
/// Nominal times are microseconds of run time without stages. With stages they are parts of a
/// tick, which the stages convert to run times.
#[derive(Debug)]
pub(crate) struct TickSchedule {
    /// Interval in the unit of nominal times; `None` is flat out.
    every: Option<u64>,
    /// Interval in microseconds of run time, with and without stages.
    pace: Option<Micros>,
    spread: bool,
    /// Largest shift of a tick in either direction, as a share of the interval.
    jitter: f64,
    stages: Option<Stages>,
    /// Ticks a second of one device; 0 is flat out.
    rate: f64,
}

/// The properties of a device that its tick times depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DevicePhase {
    pub(crate) born: Micros,
    pub(crate) seed: u64,
    /// Rank of the device in the order of switching on, 0 to 1.
    pub(crate) rank: f64,
}

/// The nominal time of a tick, and its due time after stages and jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TickTime {
    pub(crate) nominal: u64,
    pub(crate) due: Micros,
}

/// The tick that a late device runs, and the number of ticks that it misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CatchUp {
    pub(crate) tick: TickTime,
    pub(crate) missed: u64,
}

impl TickSchedule {
    pub(crate) fn new(schedule: &mockfleet_config::Schedule) -> Self {
        let (every, rate) = match schedule.tick_rate {
            TickRate::Every(length) => (Some(micros(length).max(1)), length.as_secs_f64().recip()),
            TickRate::FlatOut => (None, 0.0),
        };
        let stages = Stages::new(&schedule.stages, schedule.after_stages, rate);
        Self {
            every: every.map(|every| {
                if stages.is_some() {
                    PARTS_PER_TICK
                } else {
                    every
                }
            }),
            pace: every,
            spread: schedule.start == Start::Spread,
            jitter: schedule.jitter,
            stages,
            rate,
        }
    }

    pub(crate) fn is_flat_out(&self) -> bool {
        self.every.is_none()
    }

    /// Returns the interval of one device without the effect of stages. It is one microsecond
    /// for flat out.
    pub(crate) fn interval(&self) -> Micros {
        self.pace.unwrap_or(1)
    }

    /// Returns the same schedule without stages.
    pub(crate) fn steady(&self) -> Self {
        Self {
            every: self.pace,
            pace: self.pace,
            stages: None,
            ..*self
        }
    }

    /// Returns the stages, if the schedule has any.
    pub(crate) fn stages(&self) -> Option<&Stages> {
        self.stages.as_ref()
    }

    /// Returns the ticks a second of one device, 0 for flat out. With stages it is the rate
    /// after them.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// Returns the first tick of a device.
    pub(crate) fn first(&self, owner: DevicePhase) -> TickTime {
        let phase = match self.every {
            Some(every) if self.spread => part(every, seed::unit(owner.seed, PHASE)),
            _ => 0,
        };
        let born = self.count(owner.born, owner);
        self.moment(born.saturating_add(phase), owner)
    }

    /// Returns the tick after another one. It follows after the interval, or after the time
    /// that the device requested. That counts from the due time, which the device received:
    /// jitter has moved it.
    pub(crate) fn following(
        &self,
        tick: TickTime,
        asked: Option<Micros>,
        owner: DevicePhase,
    ) -> TickTime {
        match asked {
            Some(length) => {
                let next = tick.due.saturating_add(length.max(MIN_TICK_INTERVAL));
                self.at(next, owner)
            }
            None => self.moment(tick.nominal.saturating_add(self.every.unwrap_or(0)), owner),
        }
    }

    /// Returns a tick at a given time. If the stages have rate 0 then, the tick is due as soon
    /// as the rate is above 0.
    pub(crate) fn at(&self, at: Micros, owner: DevicePhase) -> TickTime {
        let nominal = self.count(at, owner);
        TickTime {
            nominal,
            due: at.max(self.due(nominal, owner)),
        }
    }

    /// Returns the tick that a device runs at `now` when `moment` was its next tick. Ticks at
    /// or after `end` are not due.
    pub(crate) fn catch_up(
        &self,
        moment: TickTime,
        now: Micros,
        end: Micros,
        owner: DevicePhase,
    ) -> CatchUp {
        let mut latest = CatchUp {
            tick: moment,
            missed: 0,
        };
        let Some(every) = self.every else {
            return latest;
        };
        let reached = self.count(now.min(end.saturating_sub(1)), owner);
        let late = reached.saturating_sub(moment.nominal);
        // Stages round to a microsecond, so a tick may be due slightly before its last part is
        // reached.
        let slack = self.stages.as_ref().map_or(0, |_| every / 16);
        if late < every - slack {
            return latest;
        }
        // Jitter moves the latest tick by less than an interval, so check its neighbours.
        let whole = late / every;
        for missed in whole.saturating_sub(1)..=whole.saturating_add(1) {
            let nominal = moment.nominal.saturating_add(missed.saturating_mul(every));
            let candidate = self.moment(nominal, owner);
            if candidate.due <= now && candidate.due < end && missed > latest.missed {
                latest = CatchUp {
                    tick: candidate,
                    missed,
                };
            }
        }
        latest
    }

    /// Returns the number of ticks from `moment` on that are due before `end`.
    pub(crate) fn remaining(&self, moment: TickTime, end: Micros, owner: DevicePhase) -> u64 {
        if moment.due >= end {
            return 0;
        }
        self.catch_up(moment, end, end, owner).missed + 1
    }

    /// Returns the number of ticks from `moment` on with a nominal time before `at`, at most
    /// `ticks`.
    pub(crate) fn before(
        &self,
        moment: TickTime,
        ticks: u64,
        at: Micros,
        owner: DevicePhase,
    ) -> u64 {
        let (Some(every), true) = (self.every, moment.due < at) else {
            return 0;
        };
        let room = self.count(at, owner).saturating_sub(moment.nominal);
        room.div_ceil(every).clamp(1, ticks.max(1)).min(ticks)
    }

    /// Returns the tick that comes `ticks` after the one at `moment`.
    pub(crate) fn skip(&self, moment: TickTime, ticks: u64, owner: DevicePhase) -> TickTime {
        let length = self.every.unwrap_or(0).saturating_mul(ticks);
        self.moment(moment.nominal.saturating_add(length), owner)
    }

    /// Converts a run time to a nominal time.
    fn count(&self, at: Micros, owner: DevicePhase) -> u64 {
        match &self.stages {
            None => at,
            Some(stages) => stages.parts(at, owner.rank),
        }
    }

    /// Converts a nominal time to a run time.
    fn due(&self, nominal: u64, owner: DevicePhase) -> Micros {
        match &self.stages {
            None => nominal,
            Some(stages) => stages.moment(nominal, owner.rank),
        }
    }

    fn moment(&self, nominal: u64, owner: DevicePhase) -> TickTime {
        let Some(every) = self.every.filter(|_| self.jitter > 0.0) else {
            return TickTime {
                nominal,
                due: self.due(nominal, owner).max(owner.born),
            };
        };
        let offset = match self.stages {
            None => nominal.saturating_sub(owner.born),
            Some(_) => nominal,
        };
        let span = part(every, self.jitter);
        let moved = part(
            span.saturating_mul(2),
            seed::unit(owner.seed, offset ^ JITTER),
        );
        let moved = nominal.saturating_add(moved).saturating_sub(span);
        TickTime {
            nominal,
            due: self.due(moved, owner).max(owner.born),
        }
    }
}

/// Salts of the schedule's draws from a device's seed.
const PHASE: u64 = 0x70_6861_7365;
const JITTER: u64 = 0x6a69_7474_6572 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;
    const NEVER: Micros = Micros::MAX;

    fn schedule(spread: bool, jitter: f64) -> TickSchedule {
        TickSchedule {
            every: Some(SECOND),
            pace: Some(SECOND),
            spread,
            jitter,
            stages: None,
            rate: 1.0,
        }
    }

    fn owner(born: Micros, seed: u64) -> DevicePhase {
        DevicePhase {
            born,
            seed,
            rank: 0.0,
        }
    }

    /// Returns all due times before `end` of a device that is never late.
    fn moments(schedule: &TickSchedule, born: Micros, seed: u64, end: Micros) -> Vec<Micros> {
        let mut moment = schedule.first(owner(born, seed));
        let mut dues = Vec::new();
        while moment.due < end {
            dues.push(moment.due);
            moment = schedule.following(moment, None, owner(born, seed));
        }
        dues
    }

    #[test]
    fn together_means_at_birth_and_then_every_interval() {
        assert_eq!(
            moments(&schedule(false, 0.0), 5, 1, 3 * SECOND),
            [5, SECOND + 5, 2 * SECOND + 5]
        );
    }

    #[test]
    fn spread_gives_each_device_a_phase_within_the_first_interval() {
        let firsts: Vec<_> = (0..100)
            .map(|seed| schedule(true, 0.0).first(owner(0, seed)).due)
            .collect();
        assert!(firsts.iter().all(|due| *due < SECOND));
        assert!(firsts.iter().max().unwrap() - firsts.iter().min().unwrap() > SECOND / 2);
    }

    #[test]
    fn jitter_moves_ticks_within_bounds_and_does_not_add_up() {
        let dues = moments(&schedule(false, 0.05), 0, 9, 1_000 * SECOND);
        // Jitter may have moved the last tick to before the end.
        assert!((1_000..=1_001).contains(&dues.len()), "{}", dues.len());
        for (k, due) in dues.iter().enumerate() {
            let nominal = Micros::try_from(k).unwrap() * SECOND;
            assert!(due.abs_diff(nominal) <= SECOND / 20, "{k}: {due}");
        }
        assert!(dues.iter().any(|due| due % SECOND != 0));
    }

    #[test]
    fn a_device_that_is_on_time_misses_nothing() {
        let first = schedule(false, 0.0).first(owner(0, 1));
        let catch = schedule(false, 0.0).catch_up(first, SECOND - 1, NEVER, owner(0, 1));
        assert_eq!(
            catch,
            CatchUp {
                tick: first,
                missed: 0
            }
        );
    }

    #[test]
    fn a_late_device_runs_its_latest_due_tick_once() {
        let first = schedule(false, 0.0).first(owner(0, 1));
        let catch = schedule(false, 0.0).catch_up(first, 3 * SECOND + 1, NEVER, owner(0, 1));
        assert_eq!(catch.missed, 3);
        assert_eq!(catch.tick.due, 3 * SECOND);
    }

    #[test]
    fn ticks_at_the_end_are_not_due_any_more() {
        let first = schedule(false, 0.0).first(owner(0, 1));
        let catch = schedule(false, 0.0).catch_up(first, 9 * SECOND, 3 * SECOND, owner(0, 1));
        assert_eq!(catch.tick.due, 2 * SECOND);
        assert_eq!(
            schedule(false, 0.0).remaining(first, 3 * SECOND, owner(0, 1)),
            3
        );
    }

    #[test]
    fn ticks_run_and_missed_add_up_to_the_ticks_that_were_due() {
        for seed in 0..200 {
            let schedule = schedule(true, 0.5);
            let end = 50 * SECOND;
            let due = moments(&schedule, 0, seed, end).len();
            let mut moment = schedule.first(owner(0, seed));
            let (mut now, mut ran, mut missed) = (0, 0, 0);
            loop {
                now = (now + part(4 * SECOND, seed::unit(seed, now))).max(moment.due);
                if moment.due >= end {
                    break;
                }
                let catch = schedule.catch_up(moment, now, end, owner(0, seed));
                ran += 1;
                missed += catch.missed;
                moment = schedule.following(catch.tick, None, owner(0, seed));
            }
            assert_eq!(ran + missed, u64::try_from(due).unwrap(), "seed {seed}");
        }
    }

    #[test]
    fn next_tick_of_a_device_is_kept_and_the_schedule_resumes() {
        let schedule = schedule(false, 0.0);
        let at = |due| TickTime { nominal: due, due };
        let asked = schedule.following(at(5 * SECOND), Some(250_000), owner(0, 1));
        assert_eq!(asked.due, 5 * SECOND + 250_000);
        let after = schedule.following(asked, None, owner(0, 1));
        assert_eq!(after.due, 6 * SECOND + 250_000);
        assert_eq!(
            schedule.following(at(0), Some(0), owner(0, 1)).due,
            MIN_TICK_INTERVAL
        );
    }

    #[test]
    fn next_tick_of_a_device_counts_from_the_due_time_with_jitter() {
        let schedule = schedule(false, 0.5);
        let owner = owner(0, 9);
        let first = schedule.first(owner);
        let tick = schedule.following(first, None, owner);
        assert_ne!(tick.due, tick.nominal);
        let asked = schedule.following(tick, Some(250_000), owner);
        assert_eq!(asked.due, tick.due + 250_000);
    }
}
