//! `mockfleet try`: one device on a clock of its own, without broker or log. What it is
//! comes from the command line, or from a fleet file (`subject`).

mod subject;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use self::subject::{Happening, Subject};
use super::console::Printed;
use super::run::engine;
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use crate::plugin::{CallError, Cell, Limits, Link, Message, Plugin, Tick, Turn};
use crate::status::{count, micros};

/// Makes one device and shows what it returns, on a virtual clock: ten ticks take as long
/// as their code, however far apart they are. Given a fleet file, the device is the first
/// of its group, as it would be in a run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet try builtin:thermometer
  mockfleet try plugin.wasm --ticks 3 --config '{\"base\": 4.0}' --seed 7
  mockfleet try fleet.toml --group ac --receive '25s:command={\"power\": \"on\"}'")]
pub(super) struct Arguments {
    /// A plugin's file, the folder of a project, builtin:NAME (thermometer, vehicle, meter,
    /// scenario), or a fleet file.
    plugin: PathBuf,
    /// How many ticks.
    #[arg(long, value_name = "N", default_value_t = 10)]
    ticks: u64,
    /// The device's settings, a JSON object [default: {}, or those of the fleet file].
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    /// The device's seed [default: 0, or as the fleet file makes it].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Virtual time between two ticks: 1s, 250ms [default: 1s, or that of the fleet file].
    #[arg(long, value_name = "TIME")]
    every: Option<String>,
    /// A data file that the device can read, by the name that its settings use:
    /// weather=weather.csv. Can be given many times.
    #[arg(long, value_name = "NAME=FILE")]
    data: Vec<String>,
    /// The group of a fleet file [default: its first].
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// The device receives this message at this time: 25s:command={"power": "on"}. Can be
    /// given many times.
    #[arg(long, value_name = "TIME:CHANNEL=PAYLOAD")]
    receive: Vec<String>,
    /// Its connection is lost, or up again, at this time: 10s:lost, 30s:up. Can be given
    /// many times.
    #[arg(long, value_name = "TIME:lost|up")]
    link: Vec<String>,
    /// Print one JSON object a message instead.
    #[arg(long)]
    json: bool,
}

/// When the device is switched on, where no fleet file says when its clock starts: a
/// fixed moment, so that the same seed prints the
/// same lines. 2026-01-01T00:00:00Z in microseconds.
const BORN: u64 = 1_767_225_600_000_000;

pub(super) fn try_plugin(arguments: &Arguments) -> Result<Ending, Failure> {
    let engine = engine()?;
    let printed = Printed::new();
    let subject = Subject::of(arguments, &engine, &printed)?;
    let happenings = subject::happenings(arguments, subject.spec.born)?;
    let mut trial = Trial::new(&subject, &printed)?;
    let outcome = trial.run(arguments, &subject, happenings);
    if !arguments.json {
        trial.say_costs();
    }
    match outcome {
        Ok(()) => Ok(Ending::Done),
        Err(why) => Err(Failure::Other(anyhow::anyhow!("{why}"))),
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
    fn new(subject: &'a Subject, printed: &'a Printed) -> Result<Self, Failure> {
        let limits = Limits {
            memory: 512 << 20,
            deadline: Duration::from_secs(5),
            ..Limits::default()
        };
        let plugin = &subject.plugin;
        let made = Cell::new(plugin, &limits, &subject.surroundings, &printed.console())
            .map_err(CallError::Fault)
            .and_then(|mut cell| cell.create(&subject.spec).map(|seat| (cell, seat)));
        printed.take().iter().for_each(|line| tell!("{line}"));
        let (cell, seat) = made.map_err(|error| match error {
            CallError::InvalidConfig(why) => subject.refused(&why),
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

    fn run(
        &mut self,
        arguments: &Arguments,
        subject: &Subject,
        mut happenings: Vec<Happening>,
    ) -> Result<(), String> {
        let born = subject.spec.born;
        let mut at = born;
        let mut sequence = 0;
        while sequence < arguments.ticks {
            // What happens before the next tick may move it.
            let now = happenings
                .first()
                .map(|next| next.at)
                .filter(|next| *next < at);
            let began = Instant::now();
            let mut which = String::new();
            let (now, call, turn) = match now {
                Some(now) => {
                    let happening = happenings.remove(0);
                    tell!("{}: {}", moment(now - born), happening.said);
                    let turn = self.cell.handle(self.seat, now, &happening.event);
                    (now, "handle", turn)
                }
                None => {
                    let turn = self.cell.tick(self.seat, Tick { at, sequence });
                    which = format!(" (its tick {sequence})");
                    sequence += 1;
                    self.ticks += 1;
                    (at, "tick", turn)
                }
            };
            self.spent += began.elapsed();
            self.printed.take().iter().for_each(|line| tell!("{line}"));
            let since = now - born;
            let fleets = |at: u64| match call {
                "tick" => at.saturating_add(subject.every),
                _ => at,
            };
            match turn {
                Ok(turn) => {
                    at = match turn.next_tick {
                        Some(length) => now.saturating_add(length.max(1_000)),
                        None => fleets(at),
                    };
                    self.show(turn, since, arguments.json);
                }
                Err(CallError::Retired(why)) => {
                    tell!("{}: the device retired: {why}", moment(since));
                    return Ok(());
                }
                Err(CallError::Fault(fault)) => {
                    return Err(format!(
                        "{}: device {} (plugin {}): {fault}{which}",
                        moment(since),
                        subject.spec.id,
                        self.plugin.name()
                    ));
                }
                Err(error) => {
                    tell!("{}: {call} failed: {error}{which}", moment(since));
                    at = fleets(at);
                }
            }
        }
        Ok(())
    }

    fn show(&mut self, turn: Turn, since: u64, as_json: bool) {
        if let Some(status) = turn.status {
            tell!("{}: status {status}", moment(since));
        }
        for message in turn.messages {
            self.messages += 1;
            self.bytes += u64::try_from(message.payload.len()).unwrap_or(u64::MAX);
            say!(
                "{}",
                if as_json {
                    object(&message, since)
                } else {
                    text(&message, since)
                }
            );
        }
        if let Some(link) = turn.link {
            let said = match link {
                Link::Reconnect => "closes its connection and opens it again".to_owned(),
                Link::Vanish(length) => format!(
                    "vanishes for {} s",
                    Duration::from_micros(length).as_secs_f64()
                ),
            };
            tell!("{}: {said}", moment(since));
        }
    }

    fn say_costs(&self) {
        if self.ticks == 0 {
            return;
        }
        let each = u64::try_from(self.spent.as_nanos()).unwrap_or(u64::MAX) / self.ticks;
        tell!(
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
        // A line that ends itself need not end twice.
        Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
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
