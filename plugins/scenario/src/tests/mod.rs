//! Tests scenarios as a fleet uses them.

mod behaviour;
mod parts;
mod support;
