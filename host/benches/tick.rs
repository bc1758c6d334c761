//! What WebAssembly costs: a tick of the built-in thermometer in a cell against the
//! same source compiled natively, and what a cell weighs.
//!
//! ```text
//! cargo bench --bench tick [-- --rounds 9 --ticks 200000]
//! ```
#![expect(clippy::expect_used, reason = "a benchmark that cannot run says so")]

mod rounds;
// Cargo sets `test` for benchmarks: the plugin's tests come with it, and rest.
#[allow(dead_code, unreachable_pub, unused_imports, missing_docs)]
#[path = "../../plugins/thermometer/src/lib.rs"]
mod thermometer;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mockfleet::plugin::{Cell, Console, DeviceSpec, Engine, Limits, Plugin, Seat, Tick};
use mockfleet_sdk::Behaviour as _;
use mockfleet_sdk::testing::Setup;
use rounds::{Rounds, option};
use thermometer::Thermometer;

const SECOND: u64 = 1_000_000;
const BORN: u64 = 1_767_225_600 * SECOND;
const CONFIG: &str = r#"{"size":256}"#;

fn main() {
    let (rounds, ticks) = (option("--rounds", 9), option("--ticks", 200_000));
    let engine = Engine::new().expect("WebAssembly runs here");
    let console: Console = Arc::new(|line| eprintln!("{}: {}", line.from, line.text));
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../plugins/target/wasm32-wasip2/release/thermometer.wasm"
    );
    let plugin = Plugin::load(&engine, file.as_ref(), &console).expect("the plugin is built");
    for devices in [1, 64, 1000] {
        let mut cell = cell(&plugin, devices, &console);
        let mut native: Vec<Thermometer> = (0..devices).map(thermometer).collect();
        let mut case = Rounds::new(
            match devices {
                1 => "tick of a device alone",
                64 => "tick, 64 devices a cell",
                _ => "tick, 1000 devices a cell",
            },
            "µs",
        );
        for round in 0..rounds {
            let first = u64::from(round) * u64::from(ticks);
            case.add(
                per_tick(ticks, |n| cell.tick(first + n)),
                per_tick(ticks, |n| tick(&mut native, first + n)),
            );
        }
        case.print("native");
    }
}

fn per_tick(ticks: u32, mut tick: impl FnMut(u64)) -> f64 {
    let began = Instant::now();
    (0..u64::from(ticks)).for_each(&mut tick);
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ticks)
}

struct Guests {
    cell: Cell,
    seats: Vec<Seat>,
}

fn cell(plugin: &Plugin, devices: u32, console: &Console) -> Guests {
    let limits = Limits {
        deadline: Duration::from_secs(1),
        ..Limits::default()
    };
    let mut cell = Cell::new(plugin, &limits, &Arc::default(), console).expect("a cell");
    let seats = (0..devices).map(|index| {
        let spec = DeviceSpec {
            id: format!("thermometer-{index:05}"),
            group: "thermometer".into(),
            index,
            seed: u64::from(index),
            config: CONFIG.into(),
            born: BORN,
        };
        cell.create(&spec).expect("a device")
    });
    let seats = seats.collect();
    Guests { cell, seats }
}

impl Guests {
    fn tick(&mut self, n: u64) {
        let place = usize::try_from(n).expect("64 bits") % self.seats.len();
        let seat = *self.seats.get(place).expect("a seat");
        let tick = Tick {
            at: BORN + n * 1_000,
            sequence: n,
        };
        let turn = self.cell.tick(seat, tick).expect("a turn");
        assert_eq!(turn.messages.len(), 1);
        black_box(turn);
    }
}

fn thermometer(index: u32) -> Thermometer {
    let setup = Setup {
        id: format!("thermometer-{index:05}"),
        index,
        seed: u64::from(index),
        born: mockfleet_sdk::Instant::from_micros(BORN),
        ..Setup::default()
    };
    let config = serde_json::from_str(CONFIG).expect("settings");
    Thermometer::create(&setup.device(), config).expect("a device")
}

fn tick(devices: &mut [Thermometer], n: u64) {
    let place = usize::try_from(n).expect("64 bits") % devices.len();
    let device = devices.get_mut(place).expect("a device");
    let tick = mockfleet_sdk::Tick {
        at: mockfleet_sdk::Instant::from_micros(BORN + n * 1_000),
        sequence: n,
    };
    let mut turn = mockfleet_sdk::Turn::default();
    device.tick(tick, &mut turn).expect("a turn");
    black_box(turn);
}
