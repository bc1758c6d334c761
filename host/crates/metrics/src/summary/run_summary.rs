//! Holds the result of a run, and decides whether it succeeded.

use std::time::Duration;

use crate::bottleneck::{Bottleneck, Evidence, MAX_ON_TIME_DELAY_US};
use crate::check::CheckResult;
use crate::counters::worker_counters::Counters;
use crate::progress::clock_progress::ClockProgress;
use crate::progress::connect_progress::ConnectProgress;
use crate::progress::stages::StageResult;
use crate::search_step::BreakpointResult;
use crate::summary::log_totals::LogTotals;

/// The result of a finished run.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The fleet's name.
    pub fleet: String,
    /// The run's id.
    pub run: String,
    /// Devices of the fleet.
    pub devices: u64,
    /// Threads that called the devices.
    pub workers: u32,
    /// Time from start to the last row.
    pub took: Duration,
    /// Time from start to the end of the last worker; the rest of `took` is the log's.
    pub ran: Duration,
    /// The connections that were opened before the clock started; `None` if there were none.
    pub connect: Option<ConnectProgress>,
    /// The fleet time that passed; `None` when the fleet ran on the machine's clock.
    pub clock: Option<ClockProgress>,
    /// Whether no device has a schedule.
    pub flat_out: bool,
    /// Ticks of each stage.
    pub stages: Vec<StageResult>,
    /// The result of a breakpoint search.
    pub breakpoint: Option<BreakpointResult>,
    /// The checks, passed and failed.
    pub checks: Vec<CheckResult>,
    /// The sum of the workers' counters.
    pub counters: Counters,
    /// The totals of the send log.
    pub log: LogTotals,
}

/// A verdict that every run has, without checks of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The condition, such as `the log is complete`.
    pub condition: &'static str,
    /// The figures that it follows from.
    pub answer: String,
    /// Whether the run failed by it.
    pub failed: bool,
    /// Whether the condition is not met, though the run does not fail by it.
    pub doubtful: bool,
}

impl Summary {
    /// Returns whether the run succeeded: its log is complete, something arrived if
    /// something was sent, every check passed, and a search found its limit.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let found = |result: &BreakpointResult| result.bottleneck() == Bottleneck::Backend;
        self.log.error.is_none()
            && self.has_arrivals()
            && self.checks.iter().all(|check| check.held)
            && self.breakpoint.as_ref().is_none_or(found)
    }

    /// Returns whether something arrived, or nothing was sent.
    fn has_arrivals(&self) -> bool {
        let c = &self.counters;
        c.messages == c.injected.lost() || c.acked + c.sent + c.written > 0
    }

    /// Returns the three verdicts that every run has.
    #[must_use]
    pub fn own_verdicts(&self) -> [Verdict; 3] {
        let c = &self.counters;
        let on_time = c.missed_ticks == 0 && c.delay.quantile(0.99) <= MAX_ON_TIME_DELAY_US;
        let verdict = |condition, answer, failed, doubtful| Verdict {
            condition,
            answer,
            failed,
            doubtful,
        };
        [
            verdict(
                "something arrived",
                self.arrived(),
                !self.has_arrivals(),
                false,
            ),
            verdict("the schedule was kept", self.kept(), false, !on_time),
            verdict(
                "the log is complete",
                self.log.text(),
                self.log.error.is_some(),
                false,
            ),
        ]
    }

    /// Returns whether the clock ran at full speed.
    pub(crate) fn is_at_full_speed(&self) -> bool {
        self.clock.is_some_and(|clock| clock.max)
    }

    pub(crate) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            counters: &self.counters,
            workers: self.workers,
            ran: self.ran,
            flat_out: self.flat_out,
            full_speed: self.is_at_full_speed(),
            lost_rows: self.log.lost,
        }
    }
}
