//! Describes the current and the finished stages of groups.

use std::time::Duration;

use serde_json::{Value, json};

use crate::format::rate;
use crate::num::as_f64;
use mockfleet_files::counted::{count, plural};
use mockfleet_files::durations::format_duration;

/// The current stage of a group.
#[derive(Debug, Clone)]
pub struct StageProgress {
    /// The group's name.
    pub group: String,
    /// The number of the stage, from 1; `of` + 1 after the last.
    pub number: usize,
    /// The number of stages.
    pub of: usize,
    /// The shape of the stage, such as `ramp 0/s..50/s for 30s`.
    pub words: String,
    /// Time since the stage began.
    pub since: Duration,
    /// The target rate of the group, in ticks a second.
    pub asked: f64,
    /// Ticks of the group since the start of the run.
    pub ran: u64,
    /// The actual rate over the last two seconds, in ticks a second.
    pub reached: f64,
}

impl StageProgress {
    /// Returns one line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{}: {} ({}); {} ticks asked, {} reached",
            self.group,
            place(self.number, self.of, &self.words),
            format_duration(Duration::from_secs(self.since.as_secs())),
            rate(self.asked),
            rate(self.reached),
        )
    }

    /// Returns one JSON object.
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

/// The result of a stage.
#[derive(Debug, Clone)]
pub struct StageResult {
    /// The group's name.
    pub group: String,
    /// The number of the stage, from 1; `of` + 1 for the time after the last.
    pub number: usize,
    /// The number of stages.
    pub of: usize,
    /// The shape of the stage, such as `ramp 0/s..50/s for 30s`.
    pub words: String,
    /// Duration of the stage; the sum of all rounds.
    pub lasted: Duration,
    /// Ticks that ran.
    pub ran: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
}

impl StageResult {
    /// Returns the ticks that were due: those that ran and those that were missed.
    fn asked(&self) -> u64 {
        self.ran + self.missed
    }

    fn per_second(&self, ticks: u64) -> f64 {
        as_f64(ticks) / self.lasted.as_secs_f64().max(0.001)
    }

    /// Returns one line.
    #[must_use]
    pub fn line(&self) -> String {
        let asked = format!(
            "{} asked ({})",
            plural(self.asked(), "tick"),
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

    /// Returns one JSON object.
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

/// Returns `stage 2 of 3, ramp 0/s..50/s for 30s`, or the words for the time after the last.
fn place(number: usize, of: usize, words: &str) -> String {
    if number > of {
        words.to_owned()
    } else {
        format!("stage {number} of {of}, {words}")
    }
}
