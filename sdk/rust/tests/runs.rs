//! Runs the examples: each asserts its own results.
#![allow(clippy::unwrap_used)]

#[path = "../examples/commands.rs"]
mod commands;
#[path = "../examples/sensor.rs"]
mod sensor;
#[path = "../examples/tank.rs"]
mod tank;

#[test]
fn the_tank_runs() {
    tank::main();
}

#[test]
fn the_valve_obeys_commands() {
    commands::main();
}

#[test]
fn the_sensor_gets_stuck() {
    sensor::main().unwrap();
}
