//! When devices are due. Owns the order of moments and the arithmetic of intervals;
//! knows nothing of what a device does when its moment comes.
//!
//! Open loop: a tick is due when it is due. A device that is behind by more than an
//! interval runs its latest due tick once, and the ones before it are missed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::clock::{Micros, micros};
use super::seed;
use crate::fleet::{self, Pace, Start};

/// Moments of a worker's devices, the next one first.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    heap: BinaryHeap<Reverse<(Micros, u32)>>,
}

impl Schedule {
    /// The device is due at `at`. A device is in the schedule at most once.
    pub(crate) fn arm(&mut self, at: Micros, slot: u32) {
        self.heap.push(Reverse((at, slot)));
    }

    /// When the next device is due.
    pub(crate) fn next(&self) -> Option<Micros> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next device that is due at `now`.
    pub(crate) fn pop(&mut self, now: Micros) -> Option<(Micros, u32)> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(due)| due)
    }

    /// Forgets all moments and returns whose they were.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = (Micros, u32)> {
        std::mem::take(&mut self.heap)
            .into_iter()
            .map(|Reverse(due)| due)
    }
}

/// The shortest time between two ticks of a device that asks for its next one.
pub(crate) const SHORTEST: Micros = 1_000;

/// The schedule of a group's devices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    /// `None` is flat out.
    every: Option<Micros>,
    spread: bool,
    /// The most that a tick moves, either way.
    jitter: f64,
}

/// One moment of a device: where it lies in the even beat, and where its jitter
/// puts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) nominal: Micros,
    pub(crate) due: Micros,
}

/// What a late device does: the tick that it runs, and those that are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Catch {
    pub(crate) moment: Moment,
    pub(crate) missed: u64,
}

impl Beat {
    pub(crate) fn of(schedule: &fleet::Schedule) -> Self {
        let every = match schedule.pace {
            Pace::Every(length) => Some(micros(length).max(1)),
            Pace::FlatOut => None,
        };
        Self {
            every,
            spread: schedule.start == Start::Spread,
            jitter: schedule.jitter,
        }
    }

    pub(crate) fn is_flat_out(&self) -> bool {
        self.every.is_none()
    }

    /// The time between two ticks of one device; a microsecond where it is flat out.
    pub(crate) fn interval(&self) -> Micros {
        self.every.unwrap_or(1)
    }

    /// Ticks a second of one device, unless flat out.
    pub(crate) fn rate(&self) -> f64 {
        self.every.map_or(0.0, |every| {
            Duration::from_micros(every).as_secs_f64().recip()
        })
    }

    /// The first tick of a device that is switched on at `born`.
    pub(crate) fn first(&self, born: Micros, seed: u64) -> Moment {
        let phase = match self.every {
            Some(every) if self.spread => scale(every, seed::unit(seed, PHASE)),
            _ => 0,
        };
        self.moment(born, born + phase, seed)
    }

    /// The tick after the one at `nominal`: an interval later, or after what the
    /// device asked for.
    pub(crate) fn following(
        &self,
        born: Micros,
        nominal: Micros,
        asked: Option<Micros>,
        seed: u64,
    ) -> Moment {
        match asked {
            Some(length) => {
                let nominal = nominal.saturating_add(length.max(SHORTEST));
                Moment {
                    nominal,
                    due: nominal,
                }
            }
            None => self.moment(born, nominal.saturating_add(self.every.unwrap_or(0)), seed),
        }
    }

    /// Which tick a device runs at `now`, having been due at `moment`; ticks at
    /// `end` or later are not due any more.
    pub(crate) fn catch_up(
        &self,
        born: Micros,
        moment: Moment,
        now: Micros,
        end: Micros,
        seed: u64,
    ) -> Catch {
        let Some(every) = self.every else {
            return Catch { moment, missed: 0 };
        };
        let mut latest = Catch { moment, missed: 0 };
        let late = now
            .min(end.saturating_sub(1))
            .saturating_sub(moment.nominal);
        if late < every {
            return latest;
        }
        // Jitter moves the last of them by less than an interval: look from there.
        let whole = late / every;
        for missed in whole.saturating_sub(1)..=whole.saturating_add(1) {
            let nominal = moment.nominal.saturating_add(missed.saturating_mul(every));
            let candidate = self.moment(born, nominal, seed);
            if candidate.due <= now && candidate.due < end && missed > latest.missed {
                latest = Catch {
                    moment: candidate,
                    missed,
                };
            }
        }
        latest
    }

    /// How many ticks from `moment` on are due before `end`.
    pub(crate) fn remaining(&self, born: Micros, moment: Moment, end: Micros, seed: u64) -> u64 {
        if moment.due >= end {
            return 0;
        }
        self.catch_up(born, moment, end, end, seed).missed + 1
    }

    fn moment(&self, born: Micros, nominal: Micros, seed: u64) -> Moment {
        let Some(every) = self.every.filter(|_| self.jitter > 0.0) else {
            return Moment {
                nominal,
                due: nominal,
            };
        };
        let offset = nominal.saturating_sub(born);
        let span = scale(every, self.jitter);
        let moved = scale(span.saturating_mul(2), seed::unit(seed, offset ^ JITTER));
        Moment {
            nominal,
            due: (nominal + moved).saturating_sub(span).max(born),
        }
    }
}

/// Purposes of a device's randomness in the schedule.
const PHASE: u64 = 0x70_6861_7365;
const JITTER: u64 = 0x6a69_7474_6572 << 16;

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "intervals are below 2^53 µs (285 years) and the factor is in 0..=1"
)]
fn scale(length: Micros, factor: f64) -> Micros {
    (length as f64 * factor) as Micros
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;
    const NEVER: Micros = Micros::MAX;

    fn beat(spread: bool, jitter: f64) -> Beat {
        Beat {
            every: Some(SECOND),
            spread,
            jitter,
        }
    }

    /// All moments before `end` of a device that is never late.
    fn moments(beat: Beat, born: Micros, seed: u64, end: Micros) -> Vec<Micros> {
        let mut moment = beat.first(born, seed);
        let mut dues = Vec::new();
        while moment.due < end {
            dues.push(moment.due);
            moment = beat.following(born, moment.nominal, None, seed);
        }
        dues
    }

    #[test]
    fn together_means_at_birth_and_then_every_interval() {
        assert_eq!(
            moments(beat(false, 0.0), 5, 1, 3 * SECOND),
            [5, SECOND + 5, 2 * SECOND + 5]
        );
    }

    #[test]
    fn spread_gives_each_device_a_phase_within_the_first_interval() {
        let firsts: Vec<_> = (0..100)
            .map(|seed| beat(true, 0.0).first(0, seed).due)
            .collect();
        assert!(firsts.iter().all(|due| *due < SECOND));
        assert!(firsts.iter().max().unwrap() - firsts.iter().min().unwrap() > SECOND / 2);
    }

    #[test]
    fn jitter_moves_ticks_within_bounds_and_does_not_add_up() {
        let dues = moments(beat(false, 0.05), 0, 9, 1_000 * SECOND);
        // The tick of the last moment may have moved to before it.
        assert!((1_000..=1_001).contains(&dues.len()), "{}", dues.len());
        for (k, due) in dues.iter().enumerate() {
            let nominal = Micros::try_from(k).unwrap() * SECOND;
            assert!(due.abs_diff(nominal) <= SECOND / 20, "{k}: {due}");
        }
        assert!(dues.iter().any(|due| due % SECOND != 0));
    }

    #[test]
    fn a_device_that_is_on_time_misses_nothing() {
        let first = beat(false, 0.0).first(0, 1);
        let catch = beat(false, 0.0).catch_up(0, first, SECOND - 1, NEVER, 1);
        assert_eq!(
            catch,
            Catch {
                moment: first,
                missed: 0
            }
        );
    }

    #[test]
    fn a_late_device_runs_its_latest_due_tick_once() {
        let first = beat(false, 0.0).first(0, 1);
        let catch = beat(false, 0.0).catch_up(0, first, 3 * SECOND + 1, NEVER, 1);
        assert_eq!(catch.missed, 3);
        assert_eq!(catch.moment.due, 3 * SECOND);
    }

    #[test]
    fn ticks_at_the_end_are_not_due_any_more() {
        let first = beat(false, 0.0).first(0, 1);
        let catch = beat(false, 0.0).catch_up(0, first, 9 * SECOND, 3 * SECOND, 1);
        assert_eq!(catch.moment.due, 2 * SECOND);
        assert_eq!(beat(false, 0.0).remaining(0, first, 3 * SECOND, 1), 3);
    }

    #[test]
    fn ticks_run_and_missed_add_up_to_the_ticks_that_were_due() {
        for seed in 0..200 {
            let beat = beat(true, 0.5);
            let end = 50 * SECOND;
            let due = moments(beat, 0, seed, end).len();
            let mut moment = beat.first(0, seed);
            let (mut now, mut ran, mut missed) = (0, 0, 0);
            loop {
                now = (now + scale(4 * SECOND, seed::unit(seed, now))).max(moment.due);
                if moment.due >= end {
                    break;
                }
                let catch = beat.catch_up(0, moment, now, end, seed);
                ran += 1;
                missed += catch.missed;
                moment = beat.following(0, catch.moment.nominal, None, seed);
            }
            assert_eq!(ran + missed, u64::try_from(due).unwrap(), "seed {seed}");
        }
    }

    #[test]
    fn a_device_that_asks_for_its_next_tick_gets_it_and_then_the_beat_again() {
        let beat = beat(false, 0.0);
        let asked = beat.following(0, 5 * SECOND, Some(250_000), 1);
        assert_eq!(asked.due, 5 * SECOND + 250_000);
        let after = beat.following(0, asked.nominal, None, 1);
        assert_eq!(after.due, 6 * SECOND + 250_000);
        assert_eq!(beat.following(0, 0, Some(0), 1).due, SHORTEST);
    }

    #[test]
    fn the_schedule_gives_devices_in_the_order_of_their_moments() {
        let mut schedule = Schedule::default();
        for (at, slot) in [(30, 1), (10, 2), (20, 3)] {
            schedule.arm(at, slot);
        }
        assert_eq!(schedule.pop(9), None);
        assert_eq!(schedule.pop(25), Some((10, 2)));
        assert_eq!(schedule.pop(25), Some((20, 3)));
        assert_eq!(schedule.pop(25), None);
        assert_eq!(schedule.next(), Some(30));
    }
}
