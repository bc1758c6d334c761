//! Measures the cost of a device without code, a scenario.
//!
//! A tick of a scenario runs against a tick of a plugin in Rust with the same payload. Both
//! are WebAssembly with 64 devices a cell. A further case measures the memory of 50,000
//! scenario devices. Another one measures the memory that a data file of 10 MiB adds to 10,000
//! devices.
//!
//! ```text
//! cargo bench -- scenario [--rounds 9 --ticks 200000 --devices 50000] [--short]
//! ```

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::measure::{Bar, Bench, Case, float, in_turn, option, resident};
use mockfleet_plugin::{
    Cell, Console, DeviceHandle, DeviceSpec, Engine, HostContext, Limits, Plugin, Tick,
};
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000;
const BORN: u64 = 1_767_225_600 * SECOND;
const A_CELL: u32 = 64;

/// The thermometer's payload: two walks with a pull to their mean, and two values that follow
/// from the time.
const SCENARIO: &str = r#"{
    "fields": {
        "uptime": { "kind": "counter", "step": 1000 },
        "temperature": { "kind": "walk", "start": 21.5, "spread": 2, "mean": 21.5, "pull": 0.01, "step": 0.2, "decimals": 2 },
        "humidity": { "kind": "walk", "start": 50, "spread": 3, "mean": 50, "pull": 0.01, "step": 0.3, "min": 0, "max": 100, "decimals": 2 },
        "battery": { "kind": "curve", "points": [{ "at": "0s", "value": 100 }, { "at": "720h", "value": 0 }], "decimals": 2 }
    },
    "messages": { "telemetry": { "json": {
        "device": "{{ device.id }}", "uptime_ms": "{{ uptime }}", "temperature": "{{ temperature }}",
        "humidity": "{{ humidity }}", "battery": "{{ battery }}"
    } } }
}"#;

/// A value of a file for each tick. `CONSTANT` is the same without the file.
const REPLAY: &str = r#"{
    "fields": { "weather": { "kind": "replay", "file": "weather", "column": "temperature", "every": "1s" } },
    "messages": { "telemetry": { "json": { "t": "{{ weather }}" } } }
}"#;
const CONSTANT: &str = r#"{
    "fields": { "weather": { "kind": "constant", "value": 20.5 } },
    "messages": { "telemetry": { "json": { "t": "{{ weather }}" } } }
}"#;

pub(crate) fn main() {
    let (rounds, ticks) = (option("--rounds", 9, 2), option("--ticks", 200_000, 2_000));
    let devices = option("--devices", 50_000, 1_000);
    let mut bench = Bench::new("scenario");
    let engine = Engine::new().expect("WebAssembly runs here");
    let console: Console = Arc::new(|line| eprintln!("{}: {}", line.from, line.text));
    let plugin = |name: &str| {
        let bytes = mockfleet_builtin::find(name).expect("a built-in plugin");
        Plugin::from_bytes(&engine, name.as_ref(), bytes, &console).expect("a plugin")
    };
    let (scenario, thermometer) = (plugin("scenario"), plugin("thermometer"));

    let none = Arc::default();
    let mut ours = Guests::new(&scenario, SCENARIO, &none, &console);
    let mut native = Guests::new(&thermometer, "{}", &none, &console);
    println!("a scenario sends    {}", ours.payload());
    println!("the plugin sends    {}", native.payload());
    let mut case = Case::new("tick of a scenario, 64 devices a cell", "µs")
        .against("a hand-written plugin")
        .bar(Bar::times(3.0));
    for round in 0..rounds {
        let first = u64::from(round) * u64::from(ticks);
        let (ours, native) = in_turn(
            round,
            || per_tick(ticks, |n| ours.tick(first + n)),
            || per_tick(ticks, |n| native.tick(first + n)),
        );
        case.add(ours, native, Value::Null);
    }
    bench.add(&case);
    drop((ours, native));

    let (cells, held) = fleet(&scenario, SCENARIO, devices, &none, &console);
    let name = format!("memory of {devices} scenario devices, 64 a cell");
    let mut case = Case::new(name, "MiB").bar(Bar::at_most(1_024.0));
    case.add_alone(mib(held), json!({ "devices": devices }));
    bench.add(&case);
    drop(cells);

    let mut here = HostContext::default();
    let content = weather(10 << 20);
    let (size, rows) = (content.len(), content.split(|byte| *byte == b'\n').count());
    here.data.insert("weather".into(), content.into());
    let here = Arc::new(here);
    let replaying = option("--replaying", 10_000, 640);
    let (_without, without) = fleet(&scenario, CONSTANT, replaying, &none, &console);
    let (_with, with) = fleet(&scenario, REPLAY, replaying, &here, &console);
    // The file is in memory once, outside the cells.
    let file = size >> 20;
    let name = format!("memory of {replaying} devices on a CSV of {file} MiB, the file included");
    let mut case = Case::new(name, "MiB")
        .against("the same without it")
        .bar(Bar::beyond(200.0));
    let ours = with + u64::try_from(size >> 10).expect("64 bits");
    case.add(mib(ours), mib(without), json!({ "lines": rows }));
    bench.add(&case);
    bench.finish();
}

fn mib(kib: u64) -> f64 {
    float(kib) / 1_024.0
}

/// Returns this number of devices after a tick, and their memory in KiB.
fn fleet(
    plugin: &Plugin,
    config: &str,
    devices: u32,
    here: &Arc<HostContext>,
    console: &Console,
) -> (Vec<Guests>, u64) {
    let before = resident();
    let cells = (0..devices.div_ceil(A_CELL)).map(|_| {
        let mut cell = Guests::new(plugin, config, here, console);
        (0..u64::from(A_CELL)).for_each(|n| cell.tick(n));
        cell
    });
    let cells = cells.collect();
    (cells, resident().saturating_sub(before))
}

/// Returns a recording of about this many bytes.
fn weather(size: usize) -> Vec<u8> {
    let mut text = String::from("time,temperature,humidity,wind\n");
    let mut row = 0;
    while text.len() < size {
        text += &format!(
            "{row},{}.{},{}.5,3.25\n",
            10 + row % 17,
            row % 10,
            40 + row % 31
        );
        row += 1;
    }
    text.into_bytes()
}

fn per_tick(ticks: u32, mut tick: impl FnMut(u64)) -> f64 {
    let began = Instant::now();
    (0..u64::from(ticks)).for_each(&mut tick);
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ticks)
}

struct Guests {
    cell: Cell,
    seats: Vec<DeviceHandle>,
}

impl Guests {
    fn new(plugin: &Plugin, config: &str, here: &Arc<HostContext>, console: &Console) -> Self {
        let limits = Limits {
            deadline: Duration::from_secs(1),
            ..Limits::default()
        };
        let mut cell = Cell::new(plugin, &limits, here, console).expect("a cell");
        let seats = (0..A_CELL).map(|index| {
            let spec = DeviceSpec {
                id: format!("thermometer-{index:05}"),
                group: "thermometer".into(),
                index,
                seed: u64::from(index),
                config: config.into(),
                born: BORN,
            };
            cell.create(&spec).expect("a device")
        });
        let seats = seats.collect();
        Self { cell, seats }
    }

    fn turn(&mut self, n: u64) -> mockfleet_plugin::Turn {
        let place = usize::try_from(n).expect("64 bits") % self.seats.len();
        let seat = *self.seats.get(place).expect("a seat");
        let tick = Tick {
            at: BORN + n * 1_000,
            sequence: n,
        };
        self.cell.tick(seat, tick).expect("a turn")
    }

    fn tick(&mut self, n: u64) {
        let turn = self.turn(n);
        assert_eq!(turn.messages.len(), 1);
        black_box(turn);
    }

    fn payload(&mut self) -> String {
        let turn = self.turn(0);
        let payload = turn.messages.first().map(|message| message.payload.clone());
        String::from_utf8(payload.unwrap_or_default()).expect("JSON")
    }
}
