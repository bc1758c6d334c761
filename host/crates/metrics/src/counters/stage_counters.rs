//! Counts the ticks of a group by stage.

/// Ticks of one group, in each stage.
#[derive(Debug, Clone, Default)]
pub struct StageCounters {
    /// Devices that are switched on and have not retired.
    pub on: u64,
    /// Ticks by stage number; one more entry for the time after the last stage.
    pub stages: Vec<StageTicks>,
}

/// Ticks of one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTicks {
    /// Ticks that ran.
    pub ran: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
}

impl StageCounters {
    /// Returns the counts of a stage, and adds the stage if it is new.
    pub fn stage(&mut self, stage: usize) -> Option<&mut StageTicks> {
        if stage >= self.stages.len() {
            self.stages.resize(stage + 1, StageTicks::default());
        }
        self.stages.get_mut(stage)
    }

    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Self) {
        self.on += other.on;
        for (number, stage) in other.stages.iter().enumerate() {
            if let Some(mine) = self.stage(number) {
                mine.ran += stage.ran;
                mine.missed += stage.missed;
            }
        }
    }
}
