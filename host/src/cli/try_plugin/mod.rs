//! `mockfleet try`: devices on a clock of their own, without broker or log. What they are
//! comes from the command line, or from a fleet file (`subject`); what is asked of them and
//! what of it makes no sense, from `asked`.

mod again;
mod asked;
mod cost;
mod field;
mod happening;
mod listener;
mod memory;
mod plot;
mod schema;
mod subject;
mod trial;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use self::asked::Asked;
use self::listener::Listener;
use self::subject::Subject;
use self::trial::Trial;
use super::console::Printed;
use super::describe::refused;
use super::run::engine;
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use mockfleet_config::Problems;
use mockfleet_metrics::count;
use mockfleet_plugin::Engine;

/// Makes a device and shows what it returns, on a virtual clock: ten ticks take as long as
/// their code, however far apart they are. Given a fleet file, the device is the first of
/// its group, with the id and the seed that it has in a run. At the end stands what it
/// costs: the time of a tick, memory, and how many such devices a core can drive.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet try builtin:thermometer
  mockfleet try plugin.wasm --ticks 3 --config '{\"base\": 4.0}' --seed 7
  mockfleet try . --watch --schema telemetry.schema.json
  mockfleet try . --send command='{\"on\": true}' --for 1h --every 1m
  mockfleet try builtin:meter --for 1d --every 5m --devices 3 --plot kwh
  mockfleet try fleet.toml --group ac --receive '25s:command={\"power\": \"on\"}'

Messages go to standard output, or the chart in their place. The rest goes to standard error:
what happens, and at the end the costs; with --json these are its last line, an object with
the key \"costs\". The exit code is 1 where a payload does not fit its schema.")]
pub(super) struct Arguments {
    /// A plugin's file, the folder of a project, builtin:NAME (thermometer, vehicle, meter,
    /// scenario), a fleet file, a bundle, or the address of one.
    plugin: PathBuf,
    /// How many ticks each device has [default: 10].
    #[arg(long, value_name = "N")]
    ticks: Option<u64>,
    /// All ticks that are due within this time by the virtual clock: 90s, 1h, 7d.
    #[arg(long = "for", value_name = "TIME", conflicts_with = "ticks")]
    time: Option<String>,
    /// The device's settings, a JSON object [default: {}, or those of the fleet file].
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    /// The first device's seed; those of more devices follow from it [default: 0, or as the
    /// fleet file makes them].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Virtual time between two ticks: 1s, 250ms [default: 1s, or that of the fleet file].
    #[arg(long, value_name = "TIME")]
    every: Option<String>,
    /// So many devices in one cell, all switched on at once. Of a fleet file's group: its
    /// first ones.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    devices: u32,
    /// A data file that the device can read, by the name that its settings use:
    /// weather=weather.csv. Can be given many times.
    #[arg(long, value_name = "NAME=FILE")]
    data: Vec<String>,
    /// The group of a fleet file [default: its first].
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Each device receives this message once it is made, before its first tick:
    /// command={"on": true}. Can be given many times.
    #[arg(long, value_name = "CHANNEL=PAYLOAD")]
    send: Vec<String>,
    /// Each device receives this message at this time: 25s:command={"power": "on"}. Can be
    /// given many times.
    #[arg(long, value_name = "TIME:CHANNEL=PAYLOAD")]
    receive: Vec<String>,
    /// Its connection is lost, or up again, at this time: 10s:lost, 30s:up. Can be given
    /// many times.
    #[arg(long, value_name = "TIME:lost|up")]
    link: Vec<String>,
    /// Draw a number of the JSON payloads over time in place of the messages: temperature,
    /// room.temperature, /values/0, or telemetry:temperature for one channel. Can be given
    /// many times.
    #[arg(long, value_name = "[CHANNEL:]FIELD")]
    plot: Vec<String>,
    /// Write what --plot draws to this SVG file.
    #[arg(short, long, value_name = "FILE.svg", requires = "plot")]
    output: Option<PathBuf>,
    /// Hold every payload to this JSON Schema, or those of one channel:
    /// telemetry=telemetry.schema.json. A file that has only $defs is a schema for each
    /// channel of their names. Can be given many times.
    #[arg(long, value_name = "[CHANNEL=]FILE")]
    schema: Vec<String>,
    /// Try again whenever the plugin changes, or another file that is given. Given the folder
    /// of a project, build it first, and again whenever its sources change.
    #[arg(long)]
    watch: bool,
    /// Print one JSON object a message instead.
    #[arg(long)]
    json: bool,
}

/// When devices are switched on, where no fleet file says when its clock starts: a fixed
/// moment, so that the same seed prints the same lines. 2026-01-01T00:00:00Z in microseconds.
const BORN: u64 = 1_767_225_600_000_000;

pub(super) fn try_plugin(arguments: &Arguments) -> Result<Ending, Failure> {
    let engine = engine()?;
    if arguments.watch {
        return again::again(arguments, &engine);
    }
    once(arguments, &engine)
}

fn once(arguments: &Arguments, engine: &Engine) -> Result<Ending, Failure> {
    let printed = Printed::new();
    let asked = Asked::of(arguments);
    let subject = Subject::of(arguments, engine, &printed);
    let (asked, subject) = both(asked, subject)?;
    asked.schemas.know(&subject.channels())?;
    let mut trial = Trial::new(&subject, &printed)?;
    let mut listener = Listener::new(arguments.json, &subject, &asked);
    let outcome = trial.run(&asked, &mut listener);
    let told = tell_plots(arguments, &mut listener);
    listener.tell_schemas();
    let memory = match outcome {
        Ok(()) => memory::measure(&subject),
        Err(_) => None,
    };
    let costs = trial.costs.with(memory, subject.every());
    match arguments.json {
        true => tell!("{}", costs.object()),
        false => costs.words().iter().for_each(|line| tell!("{line}")),
    }
    outcome.map_err(|why| anyhow::anyhow!("{why}"))?;
    told?;
    Ok(match listener.unfit() {
        0 => Ending::Done,
        _ => Ending::Failed,
    })
}

/// Both, or all that is wrong with either.
fn both<A, B>(first: Result<A, Problems>, second: Result<B, Failure>) -> Result<(A, B), Failure> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(mut problems), Err(Failure::Input(more))) => {
            more.into_iter().for_each(|problem| problems.push(problem));
            Err(problems.into())
        }
        (Err(problems), _) => Err(problems.into()),
        (Ok(_), Err(failure)) => Err(failure),
    }
}

/// Draws what `--plot` asks for, to where it is to go.
fn tell_plots(arguments: &Arguments, listener: &mut Listener<'_>) -> Result<(), Failure> {
    if arguments.plot.is_empty() {
        return Ok(());
    }
    let (plots, left_out) = listener.plots()?;
    if left_out > 0 {
        tell!(
            "--plot: {} more lines are not drawn; {} can be told apart",
            count(left_out),
            mockfleet_report::MOST
        );
    }
    if let Some(file) = &arguments.output {
        write(file, &mockfleet_report::svg(&plots))?;
        tell!("{} written", file.display());
        return Ok(());
    }
    for plot in &plots {
        match arguments.json {
            // Its messages are the result.
            true => tell!(
                "{}",
                mockfleet_report::drawn(plot, has_colours(&std::io::stderr()))
            ),
            false => say!(
                "{}",
                mockfleet_report::drawn(plot, has_colours(&std::io::stdout()))
            ),
        }
    }
    Ok(())
}

/// Whether colours may go there (no-color.org).
fn has_colours(out: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    out.is_terminal() && !unwanted
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    mockfleet_files::atomic_write::write(file, text.as_bytes()).map_err(|error| {
        let text = format!(
            "{} cannot be written: {error}; give a file in a folder that is there",
            file.display()
        );
        refused("--output", text)
    })
}
