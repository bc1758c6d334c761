//! What a run looks like while it goes and when it is over: counts, and the words
//! and figures they become. Knows nothing of how they came about.

mod check;
mod counters;
mod figures;
mod injected;
mod live;
mod notices;
mod passage;
mod stages;
mod step;
mod summary;
mod tally;
mod verdict;

pub use check::Check;
pub use counters::{Board, Counters, Depth, Spread};
pub use figures::{bytes, count, micros};
pub use injected::Injected;
pub use live::{Live, Moment};
pub use notices::Notices;
pub use passage::{ClockNow, Passed};
pub use stages::{GroupBook, StageCount, StageDone, StageNow};
pub use step::{Limit, Step};
pub use summary::{Log, Summary, Verdict};
pub use tally::Tally;
pub use verdict::{ON_TIME, Who};
