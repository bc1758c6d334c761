//! Runs one device of a scenario.

mod receive;
mod schedule;
mod send;
mod state_machine;

pub(crate) use state_machine::StateMachine;
