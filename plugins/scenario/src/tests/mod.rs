//! Tests scenarios as a fleet uses them.

mod behaviour;
mod numbers;
mod parts;
mod start;
mod support;
