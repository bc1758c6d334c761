//! What a run looks like while it goes and when it is over: counts, and the words
//! and figures they become. Knows nothing of how they came about.

mod counters;
mod figures;
mod live;
mod notices;
mod summary;

pub use counters::{Board, Counters, Spread};
pub use figures::{bytes, count, micros};
pub use live::{Live, Moment};
pub use notices::Notices;
pub use summary::{Log, Summary};
