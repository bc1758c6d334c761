//! Declares the options of `mockfleet try`.

use std::path::PathBuf;

/// Runs a device on a virtual clock, and shows its messages and its cost.
///
/// Ten ticks take only as long as their code, for any interval. Given a fleet file, the device
/// is the first of its group, with the id and the seed that it has in a run. The output ends
/// with the cost: time of a tick, memory, and the number of such devices that a core can drive.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet try builtin:thermometer
  mockfleet try plugin.wasm --ticks 3 --config '{\"base\": 4.0}' --seed 7
  mockfleet try . --watch --schema telemetry.schema.json
  mockfleet try . --send command='{\"on\": true}' --for 1h --every 1m
  mockfleet try builtin:meter --for 1d --every 5m --devices 3 --plot kwh
  mockfleet try fleet.toml --group ac --receive '25s:command={\"power\": \"on\"}'

Messages, or plots, go to standard output. Events and costs go to standard error; with --json
the costs are its last line, an object with the key \"costs\". The exit code is 1 if a payload
does not fit its schema, if every tick fails, and for a channel, a status or a time of a call that
a run would refuse or report.")]
pub(crate) struct Arguments {
    /// A plugin's file, the folder of a project, builtin:NAME (thermometer, vehicle, meter,
    /// scenario), a fleet file, a bundle, or the address of one.
    pub(crate) plugin: PathBuf,
    /// Ticks of each device [default: 10].
    #[arg(long, value_name = "N")]
    pub(crate) ticks: Option<u64>,
    /// All ticks that are due within this time by the virtual clock: 90s, 1h, 7d.
    #[arg(long = "for", value_name = "TIME", conflicts_with = "ticks")]
    pub(crate) time: Option<String>,
    /// The device's settings, a JSON object [default: {}, or those of the fleet file].
    #[arg(long, value_name = "JSON")]
    pub(crate) config: Option<String>,
    /// The first device's seed, from which those of more devices follow [default: 0, or that of
    /// the fleet file].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Virtual time between two ticks: 1s, 250ms [default: 1s, or that of the fleet file].
    #[arg(long, value_name = "TIME")]
    pub(crate) every: Option<String>,
    /// Devices in one cell, all switched on at once. Of a fleet file: the first devices of the
    /// group.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) devices: u32,
    /// A data file that the device can read, by the name that its settings use:
    /// weather=weather.csv. Repeatable.
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) data: Vec<String>,
    /// The group of a fleet file [default: its first].
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Option<String>,
    /// Each device receives this message before its first tick: command={"on": true}. Repeatable.
    #[arg(long, value_name = "CHANNEL=PAYLOAD")]
    pub(crate) send: Vec<String>,
    /// Each device receives this message at this time: 25s:command={"power": "on"}. Repeatable.
    #[arg(long, value_name = "TIME:CHANNEL=PAYLOAD")]
    pub(crate) receive: Vec<String>,
    /// The connection is lost, or up again, at this time: 10s:lost, 30s:up. Repeatable.
    #[arg(long, value_name = "TIME:lost|up")]
    pub(crate) link: Vec<String>,
    /// Plot a number of the JSON payloads over time instead of printing messages: temperature,
    /// room.temperature, /values/0, or telemetry:temperature for one channel. Repeatable.
    #[arg(long, value_name = "[CHANNEL:]FIELD")]
    pub(crate) plot: Vec<String>,
    /// Write the plots of --plot to this SVG file.
    #[arg(short, long, value_name = "FILE.svg", requires = "plot")]
    pub(crate) output: Option<PathBuf>,
    /// Validate every payload by this JSON Schema, or those of one channel:
    /// telemetry=telemetry.schema.json. A file with only $defs is a schema for each channel of
    /// their names. Repeatable.
    #[arg(long, value_name = "[CHANNEL=]FILE")]
    pub(crate) schema: Vec<String>,
    /// Repeat after each change of the plugin, or of another file on the command line. Given the
    /// folder of a project, build it first, and again after each change of its sources.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Print one JSON object a message instead.
    #[arg(long)]
    pub(crate) json: bool,
}
