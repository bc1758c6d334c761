//! `mockfleet try`: one device on a clock of its own, without broker or log.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::console::Printed;
use super::describe::{load, refused};
use super::run::engine;
use super::{Ending, Failure};
use crate::plugin::{CallError, Cell, DeviceSpec, Limits, Message, Plugin, Tick, Turn};
use crate::status::{count, micros};

/// Makes one device of a plugin and shows what it returns, on a virtual clock: ten
/// ticks take as long as their code, however far apart they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet try builtin:thermometer
  mockfleet try plugin.wasm --ticks 3 --config '{\"base\": 4.0}' --seed 7")]
pub(super) struct Arguments {
    /// A plugin's file, or builtin:thermometer.
    plugin: PathBuf,
    /// How many ticks.
    #[arg(long, value_name = "N", default_value_t = 10)]
    ticks: u64,
    /// The device's settings, a JSON object.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    config: String,
    /// The device's seed.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Virtual time between two ticks: 1s, 250ms.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    every: String,
    /// Print one JSON object a message instead.
    #[arg(long)]
    json: bool,
}

/// When the device is switched on: a fixed moment, so that the same seed prints the
/// same lines. 2026-01-01T00:00:00Z in microseconds.
const BORN: u64 = 1_767_225_600_000_000;

pub(super) fn try_plugin(arguments: &Arguments) -> Result<Ending, Failure> {
    let every =
        crate::fleet::duration(&arguments.every).map_err(|text| refused("--every", text))?;
    let config: Value = serde_json::from_str(&arguments.config).map_err(|error| {
        refused(
            "--config",
            format!("{error}; a JSON object is wanted, such as '{{\"base\": 4.0}}'"),
        )
    })?;
    let engine = engine()?;
    let printed = Printed::new();
    let plugin = load(&engine, &arguments.plugin, &printed)?;
    check_config(&plugin, &config)?;
    let mut trial = Trial::new(&plugin, arguments, &config, &printed)?;
    let outcome = trial.run(arguments, every);
    if !arguments.json {
        trial.say_costs();
    }
    match outcome {
        Ok(()) => Ok(Ending::Done),
        Err(why) => Err(Failure::Other(anyhow::anyhow!("{why}"))),
    }
}

fn check_config(plugin: &Plugin, config: &Value) -> Result<(), Failure> {
    let Some(schema) = plugin
        .description()
        .config_schema
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
    else {
        return Ok(());
    };
    let Ok(schema) = jsonschema::validator_for(&schema) else {
        return Ok(());
    };
    let errors: Vec<String> = schema
        .iter_errors(config)
        .map(|error| match error.instance_path().to_string() {
            inside if inside.is_empty() => error.to_string(),
            inside => format!(
                "{}: {error}",
                inside.trim_start_matches('/').replace('/', ".")
            ),
        })
        .collect();
    match errors.as_slice() {
        [] => Ok(()),
        errors => Err(refused("--config", errors.join("; "))),
    }
}

struct Trial<'a> {
    plugin: &'a Plugin,
    cell: Cell,
    seat: crate::plugin::Seat,
    printed: &'a Printed,
    ticks: u64,
    messages: u64,
    bytes: u64,
    spent: Duration,
}

impl<'a> Trial<'a> {
    fn new(
        plugin: &'a Plugin,
        arguments: &Arguments,
        config: &Value,
        printed: &'a Printed,
    ) -> Result<Self, Failure> {
        let limits = Limits {
            memory: 512 << 20,
            deadline: Duration::from_secs(5),
            ..Limits::default()
        };
        let spec = DeviceSpec {
            id: "try-00000".into(),
            group: "try".into(),
            index: 0,
            seed: arguments.seed,
            config: config.to_string(),
            born: BORN,
        };
        let made = Cell::new(plugin, &limits, &printed.console())
            .map_err(CallError::Fault)
            .and_then(|mut cell| cell.create(&spec).map(|seat| (cell, seat)));
        printed.take().iter().for_each(|line| eprintln!("{line}"));
        let (cell, seat) = made.map_err(|error| match error {
            CallError::InvalidConfig(why) => refused("--config", why),
            other => Failure::Other(anyhow::anyhow!("plugin {}: {other}", plugin.name())),
        })?;
        Ok(Self {
            plugin,
            cell,
            seat,
            printed,
            ticks: 0,
            messages: 0,
            bytes: 0,
            spent: Duration::ZERO,
        })
    }

    fn run(&mut self, arguments: &Arguments, every: Duration) -> Result<(), String> {
        let every = u64::try_from(every.as_micros()).unwrap_or(u64::MAX);
        let mut at = BORN;
        for sequence in 0..arguments.ticks {
            let began = Instant::now();
            let turn = self.cell.tick(self.seat, Tick { at, sequence });
            self.spent += began.elapsed();
            self.ticks += 1;
            self.printed
                .take()
                .iter()
                .for_each(|line| eprintln!("{line}"));
            let since = at - BORN;
            match turn {
                Ok(turn) => {
                    let next = turn.next_tick.unwrap_or(every).max(1);
                    self.show(turn, since, arguments.json);
                    at = at.saturating_add(next);
                }
                Err(CallError::Retired(why)) => {
                    eprintln!("{}: the device retired: {why}", moment(since));
                    return Ok(());
                }
                Err(CallError::Fault(fault)) => {
                    return Err(format!(
                        "{}: device try-00000 (plugin {}): {fault}",
                        moment(since),
                        self.plugin.name()
                    ));
                }
                Err(error) => {
                    eprintln!("{}: tick {sequence} failed: {error}", moment(since));
                    at = at.saturating_add(every);
                }
            }
        }
        Ok(())
    }

    fn show(&mut self, turn: Turn, since: u64, as_json: bool) {
        if let Some(status) = turn.status {
            eprintln!("{}: status {status}", moment(since));
        }
        for message in turn.messages {
            self.messages += 1;
            self.bytes += u64::try_from(message.payload.len()).unwrap_or(u64::MAX);
            println!(
                "{}",
                if as_json {
                    object(&message, since)
                } else {
                    text(&message, since)
                }
            );
        }
        if let Some(link) = turn.link {
            eprintln!("{}: link {link:?}", moment(since));
        }
    }

    fn say_costs(&self) {
        if self.ticks == 0 {
            return;
        }
        let each = u64::try_from(self.spent.as_nanos()).unwrap_or(u64::MAX) / self.ticks;
        eprintln!(
            "{} ticks, {} messages, {} bytes; {} a tick",
            count(self.ticks),
            count(self.messages),
            count(self.bytes),
            if each < 10_000 {
                format!("{:.1} µs", Duration::from_nanos(each).as_secs_f64() * 1e6)
            } else {
                micros(each / 1_000)
            }
        );
    }
}

fn moment(since: u64) -> String {
    format!("{:>9.3} s", Duration::from_micros(since).as_secs_f64())
}

fn text(message: &Message, since: u64) -> String {
    let payload = match std::str::from_utf8(&message.payload) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("{} bytes that are no text", message.payload.len()),
    };
    format!(
        "{}  {}  {:>5} B  {payload}",
        moment(since),
        message.channel,
        message.payload.len()
    )
}

fn object(message: &Message, since: u64) -> String {
    json!({
        "seconds": Duration::from_micros(since).as_secs_f64(),
        "channel": message.channel,
        "size": message.payload.len(),
        "payload": String::from_utf8_lossy(&message.payload),
    })
    .to_string()
}
