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

mod buckets;
mod compare;
mod content;
mod explain;
mod finding_check;
mod findings;
mod join;
mod key;
mod key_resolution;
mod messages;
mod num;
mod options;
mod order;
mod progress;
mod received;
mod sent;

pub use compare::verify;
pub use explain::FindingKind;
pub use finding_check::FindingCheck;
pub use findings::{Counts, DeviceCounts, Example, Findings};
pub use key::Pair;
pub use options::{KeyChoice, VerifyOptions};
pub use progress::{Progress, ProgressFn};
