//! Runs the same thermometers in cells, and compiled natively.

// Cargo sets `test` for benchmarks, so the plugin's tests are compiled too, and do not run.
#[allow(dead_code, unreachable_pub, unused_imports, missing_docs)]
#[path = "../../../../plugins/thermometer/src/lib.rs"]
mod thermometer;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mockfleet_plugin::{
    Cell, Console, DeviceHandle, DeviceSpec, Engine, Limits, Plugin, Tick, Turn,
};
use mockfleet_sdk::Behaviour as _;
use mockfleet_sdk::testing::Setup;
pub(crate) use thermometer::Thermometer;

const SECOND: u64 = 1_000_000;
/// 2026-01-01T00:00:00Z
const BORN: u64 = 1_767_225_600 * SECOND;
const CONFIG: &str = r#"{"size":256}"#;

/// The built-in thermometer.
pub(crate) fn plugin(engine: &Engine) -> (Plugin, Console) {
    let console: Console = Arc::new(|line| eprintln!("{}: {}", line.from, line.text));
    let bytes = mockfleet_builtin::find("thermometer").expect("a built-in plugin");
    let file = Path::new("builtin:thermometer");
    let plugin = Plugin::from_bytes(engine, file, bytes, &console).expect("a plugin");
    (plugin, console)
}

/// A cell and the devices in it.
pub(crate) struct Guests {
    cell: Cell,
    seats: Vec<DeviceHandle>,
}

impl Guests {
    pub(crate) fn new(plugin: &Plugin, console: &Console, devices: u32) -> Self {
        let limits = Limits {
            // Long enough under valgrind, which takes fifty instructions for one.
            deadline: Duration::from_secs(10),
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
        Self { cell, seats }
    }

    /// Calls one device, in turn.
    pub(crate) fn tick(&mut self, n: u64) {
        black_box(self.turn(n));
    }

    pub(crate) fn turn(&mut self, n: u64) -> Turn {
        let place = usize::try_from(n).expect("64 bits") % self.seats.len();
        let at = BORN + n * 1_000;
        self.call(place, at, n)
    }

    /// Calls each device once, `second` seconds after it was switched on.
    pub(crate) fn second(&mut self, second: u64) {
        for place in 0..self.seats.len() {
            black_box(self.call(place, BORN + second * SECOND, second));
        }
    }

    fn call(&mut self, place: usize, at: u64, sequence: u64) -> Turn {
        let seat = *self.seats.get(place).expect("a seat");
        let turn = self.cell.tick(seat, Tick { at, sequence });
        let turn = turn.expect("a turn");
        assert_eq!(turn.messages.len(), 1);
        turn
    }
}

/// Thermometers from the same source, compiled natively.
pub(crate) struct Natives(Vec<Thermometer>);

impl Natives {
    pub(crate) fn new(devices: u32) -> Self {
        let devices = (0..devices).map(|index| {
            let setup = Setup {
                id: format!("thermometer-{index:05}"),
                index,
                seed: u64::from(index),
                born: mockfleet_sdk::Instant::from_micros(BORN),
                ..Setup::default()
            };
            let config = serde_json::from_str(CONFIG).expect("settings");
            Thermometer::create(&setup.device(), config).expect("a device")
        });
        Self(devices.collect())
    }

    pub(crate) fn tick(&mut self, n: u64) {
        let place = usize::try_from(n).expect("64 bits") % self.0.len();
        let device = self.0.get_mut(place).expect("a device");
        let at = mockfleet_sdk::Instant::from_micros(BORN + n * 1_000);
        let tick = mockfleet_sdk::Tick::new(at, n);
        let mut turn = mockfleet_sdk::Turn::default();
        device.tick(tick, &mut turn).expect("a turn");
        black_box(turn);
    }
}
