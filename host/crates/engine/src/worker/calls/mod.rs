//! Calls devices for events, restarts them, and shares the worker's time.

pub(crate) mod call_kind;
pub(crate) mod creation;
pub(crate) mod fair_queue;
pub(crate) mod pending_calls;
pub(crate) mod restart;
mod supervisor;
