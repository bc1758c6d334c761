//! Counts the work of a run, and describes it.
//!
//! Internal to mockfleet: it has no stable API.
//!
//! | module | content |
//! |---|---|
//! | `counters` | counters of a worker, histograms, fault counters, warnings |
//! | `progress` | progress of a running fleet: snapshot, live view, stages, clock |
//! | `bottleneck` | the part that limited a run, with evidence |
//! | `search_step` | steps and result of a breakpoint search |
//! | `check` | results of checks |
//! | `summary` | text and JSON at the end of a run |
//! | `format`, `num` | numbers for people, conversions |

mod bottleneck;
mod check;
mod counters;
mod format;
mod num;
mod progress;
mod search_step;
mod summary;

pub use bottleneck::{Bottleneck, MAX_ON_TIME_DELAY_US};
pub use check::CheckResult;
pub use counters::{
    CheckCounters, Counters, FaultCounters, LateTime, LatencyHistogram, QueueDepth, SharedCounters,
    StageCounters, StageTicks, Warnings,
};
pub use format::{bytes, micros};
pub use mockfleet_files::counted::{agree, all, count, noun_for, plural};
pub use num::as_f64;
pub use progress::{
    ClockPosition, ClockProgress, ConnectProgress, LiveView, ProgressSnapshot, StageProgress,
    StageResult,
};
pub use search_step::{BreakpointResult, SearchStep};
pub use summary::{LogTotals, Summary, Verdict};
