//! Compares a send log with the rows that a backend received.
//!
//! Internal to mockfleet: other crates of the workspace use it, and it promises no stable API.
//!
//! Finds missing, doubled, late, altered, out-of-order and unknown messages, and explains
//! them with outcomes and injected faults.
//!
//! ```text
//! log ──row─▶ key ─▶ buckets ─┐                       ┌─▶ findings, by kind and device
//!                             ├─▶ join, bucket by bucket
//! received ─▶ key ─▶ buckets ─┘                       └─▶ first arrivals ─▶ order, by device
//! ```
//!
//! The hash of its key assigns each row of both sides to a bucket. Large buckets go to
//! temporary files, so that memory holds one bucket of each side at a time.

mod compare;
mod findings;
mod join;
mod key;
mod messages;
mod num;
mod order;
mod progress;
mod rows;

pub use compare::verify;
pub use findings::collected::{Counts, DeviceCounts, Example, Findings};
pub use findings::explain::FindingKind;
pub use findings::finding_check::{CheckVerdict, FindingCheck};
pub use key::options::{KeyChoice, VerifyOptions};
pub use key::parts::Pair;
pub use progress::{Progress, ProgressFn};
