//! Measures the cost of WebAssembly for a tick, and the memory of a device.
//!
//! The built-in thermometer in a cell runs against the same source compiled natively.
//!
//! ```text
//! cargo bench -- tick [--rounds 9 --ticks 200000] [--short]
//! ```

use std::time::Instant;

use crate::measure::guests::{Guests, Natives, plugin};
use crate::measure::{Bar, Bench, Case, float, in_turn, option, resident};
use mockfleet_plugin::{Console, Engine, Plugin};
use serde_json::{Value, json};

pub(crate) fn main() {
    let (rounds, ticks) = (option("--rounds", 9, 2), option("--ticks", 200_000, 2_000));
    let engine = Engine::new().expect("WebAssembly runs here");
    let (plugin, console) = plugin(&engine);
    let mut bench = Bench::new("tick");
    // Measured first, since the allocator has no freed memory yet.
    weight(&mut bench, &plugin, &console);
    for devices in [1, 64, 1000] {
        let mut guests = Guests::new(&plugin, &console, devices);
        let mut natives = Natives::new(devices);
        let name = match devices {
            1 => "tick of a device alone",
            64 => "tick, 64 devices a cell",
            _ => "tick, 1000 devices a cell",
        };
        let mut case = Case::new(name, "µs").against("native");
        if devices == 64 {
            case = case.bar(Bar::times(3.0).stretch(2.0));
        }
        for round in 0..rounds {
            let first = u64::from(round) * u64::from(ticks);
            let (ours, native) = in_turn(
                round,
                || per_tick(ticks, |n| guests.tick(first + n)),
                || per_tick(ticks, |n| natives.tick(first + n)),
            );
            case.add(ours, native, Value::Null);
        }
        bench.add(&case);
    }
    bench.finish();
}

fn per_tick(ticks: u32, mut tick: impl FnMut(u64)) -> f64 {
    let began = Instant::now();
    (0..u64::from(ticks)).for_each(&mut tick);
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ticks)
}

/// Measures the memory that a device adds, with its share of the cell's memory.
fn weight(bench: &mut Bench, plugin: &Plugin, console: &Console) {
    for devices in [1, 64, 1000] {
        let cells = option("--weighed", 4_000, 1_000).div_ceil(devices);
        let mut case = Case::new(format!("memory of a device, {devices} a cell"), "KiB");
        let before = resident();
        let made = (0..cells).map(|_| {
            let mut guests = Guests::new(plugin, console, devices);
            // A device touches all its memory only after a call.
            (0..u64::from(devices)).for_each(|n| guests.tick(n));
            guests
        });
        let held: Vec<Guests> = made.collect();
        let grown = float(resident()) - float(before);
        let all = f64::from(cells * devices);
        case.add_alone(grown / all, json!({ "cells": held.len(), "devices": all }));
        bench.add(&case);
    }
}
