//! The stages of groups in words and figures: the one that is going on, and what came
//! of those that are over.

use std::time::Duration;

use serde_json::{Value, json};

use super::figures::{count, float, rate};

/// Ticks of one group, by stage.
#[derive(Debug, Clone, Default)]
pub struct GroupBook {
    /// Devices that are switched on and not done for good.
    pub on: u64,
    /// By the number of the stage; the one after the last is what comes after them.
    pub stages: Vec<StageCount>,
}

/// Ticks of one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageCount {
    /// Those that were run.
    pub ran: u64,
    /// Those that were due and not run.
    pub missed: u64,
}

impl GroupBook {
    /// The counts of a stage.
    pub fn stage(&mut self, stage: usize) -> Option<&mut StageCount> {
        if stage >= self.stages.len() {
            self.stages.resize(stage + 1, StageCount::default());
        }
        self.stages.get_mut(stage)
    }

    /// Adds another worker's.
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

/// The stage that a group is in.
#[derive(Debug, Clone)]
pub struct StageNow {
    /// The group's name.
    pub group: String,
    /// Which stage, from 1; one more than there are when they are over.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// What it does.
    pub words: String,
    /// Since it began.
    pub since: Duration,
    /// Ticks a second that are asked of the group right now.
    pub asked: f64,
    /// Ticks of the group that were run since the start of the run.
    pub ran: u64,
    /// Ticks a second over the last moments.
    pub reached: f64,
}

impl StageNow {
    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{}: {} ({} s); {} ticks asked, {} reached",
            self.group,
            place(self.number, self.of, &self.words),
            self.since.as_secs(),
            rate(self.asked),
            rate(self.reached),
        )
    }

    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "group": self.group,
            "stage": self.number,
            "of": self.of,
            "what": self.words,
            "seconds": self.since.as_secs_f64(),
            "asked_per_second": self.asked,
            "reached_per_second": self.reached,
        })
    }
}

/// What came of a stage.
#[derive(Debug, Clone)]
pub struct StageDone {
    /// The group's name.
    pub group: String,
    /// Which stage, from 1; one more than there are for what came after them.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// What it does.
    pub words: String,
    /// How long it went, all rounds together.
    pub lasted: Duration,
    /// Ticks that were run.
    pub ran: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
}

impl StageDone {
    /// Ticks that were due: one that is due is run or missed.
    fn asked(&self) -> u64 {
        self.ran + self.missed
    }

    fn per_second(&self, ticks: u64) -> f64 {
        float(ticks) / self.lasted.as_secs_f64().max(0.001)
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let asked = format!(
            "{} ticks asked ({})",
            count(self.asked()),
            rate(self.per_second(self.asked()))
        );
        let ran = match self.missed {
            0 => "all ran".into(),
            missed => format!(
                "{} ran ({}), {} missed",
                count(self.ran),
                rate(self.per_second(self.ran)),
                count(missed)
            ),
        };
        let place = place(self.number, self.of, &self.words);
        format!("{}: {place}: {asked}, {ran}", self.group)
    }

    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "group": self.group,
            "stage": self.number,
            "of": self.of,
            "what": self.words,
            "seconds": self.lasted.as_secs_f64(),
            "asked": self.asked(),
            "ran": self.ran,
            "missed": self.missed,
            "asked_per_second": self.per_second(self.asked()),
            "reached_per_second": self.per_second(self.ran),
        })
    }
}

/// `stage 2 of 3, ramp 0/s..50/s for 30s`, or what comes after the last.
fn place(number: usize, of: usize, words: &str) -> String {
    if number > of {
        words.to_owned()
    } else {
        format!("stage {number} of {of}, {words}")
    }
}
