//! Counts ticks by the stage in which they were due.

use std::time::Duration;

use crate::group::device_group::Group;
use crate::time::clock::Micros;
use crate::time::tick_schedule::{CatchUp, DevicePhase, TickTime};
use mockfleet_metrics::as_f64;
use mockfleet_metrics::{Counters, StageCounters, StageProgress, StageResult};

impl Group {
    /// Counts the tick that a device runs, and the ticks that it missed. It was due at `from`.
    pub(crate) fn count_tick(
        &self,
        number: u32,
        counters: &mut Counters,
        from: TickTime,
        catch: &CatchUp,
        owner: DevicePhase,
    ) {
        let Some(stages) = self.schedule.stages() else {
            return;
        };
        self.count_missed(number, counters, from, catch.missed, owner);
        let stage = stages.stage(catch.tick.due);
        if let Some(count) = counters.groups.entry(number).or_default().stage(stage) {
            count.ran += 1;
        }
    }

    /// Counts `ticks` missed ticks from `moment` on, each in its stage.
    pub(crate) fn count_missed(
        &self,
        number: u32,
        counters: &mut Counters,
        mut moment: TickTime,
        mut ticks: u64,
        owner: DevicePhase,
    ) {
        let Some(stages) = self.schedule.stages() else {
            return;
        };
        let book = counters.groups.entry(number).or_default();
        while ticks > 0 {
            let end = stages.end_of_stage(moment.due);
            let here = self.schedule.before(moment, ticks, end, owner).max(1);
            if let Some(count) = book.stage(stages.stage(moment.due)) {
                count.missed += here;
            }
            ticks -= here;
            moment = self.schedule.skip(moment, here, owner);
        }
    }

    /// Counts a device that is switched on, or that has ended for good. The configured rate of
    /// the group changes with it.
    pub(crate) fn count_active(&self, number: u32, counters: &mut Counters, on: bool) {
        if self.schedule.stages().is_none() {
            counters.asked += if on {
                self.schedule.rate()
            } else {
                -self.schedule.rate()
            };
            return;
        }
        let book = counters.groups.entry(number).or_default();
        book.on = if on {
            book.on + 1
        } else {
            book.on.saturating_sub(1)
        };
    }

    /// Returns the progress of the stage that the group is in.
    pub(crate) fn stage_now(&self, now: Micros, book: &StageCounters) -> Option<StageProgress> {
        let stages = self.schedule.stages()?;
        let load = stages.target_load(now);
        let share = (load.devices * f64::from(self.count)).ceil();
        let on = share.min(as_f64(book.on));
        Some(StageProgress {
            group: self.name.to_string(),
            number: load.stage + 1,
            of: stages.len(),
            words: stages.description(load.stage),
            since: Duration::from_micros(load.since),
            asked: load.rate * on,
            ran: book.stages.iter().map(|stage| stage.ran).sum(),
            reached: 0.0,
        })
    }

    /// Returns the result of each stage that the run has reached.
    pub(crate) fn stages_done(&self, end: Micros, book: &StageCounters) -> Vec<StageResult> {
        let Some(stages) = self.schedule.stages() else {
            return Vec::new();
        };
        let all = (0..=stages.len()).filter(|stage| stages.lasted(*stage, end) > 0);
        all.map(|stage| {
            let counted = book.stages.get(stage).copied().unwrap_or_default();
            StageResult {
                group: self.name.to_string(),
                number: stage + 1,
                of: stages.len(),
                words: stages.description(stage),
                lasted: Duration::from_micros(stages.lasted(stage, end)),
                ran: counted.ran,
                missed: counted.missed,
            }
        })
        .collect()
    }
}
