//! Compiles the settings of a scenario: reads, resolves and checks all of them once.

mod context;
mod duration;
mod expression;
mod fields;
mod messages;
mod names;
mod plan;
mod reachability;
mod received;
mod statuses;
mod transitions;

pub(crate) use duration::DurationPlan;
pub(crate) use names::Builtin;
pub(crate) use plan::Plan;
pub(crate) use received::Received;
pub(crate) use statuses::{Link, Status};
pub(crate) use transitions::{Effects, Target, Transition, Trigger};
