//! Declares the options of `mockfleet try`.

use std::path::PathBuf;

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
pub(crate) struct Arguments {
    /// A plugin's file, the folder of a project, builtin:NAME (thermometer, vehicle, meter,
    /// scenario), a fleet file, a bundle, or the address of one.
    pub(crate) plugin: PathBuf,
    /// How many ticks each device has [default: 10].
    #[arg(long, value_name = "N")]
    pub(crate) ticks: Option<u64>,
    /// All ticks that are due within this time by the virtual clock: 90s, 1h, 7d.
    #[arg(long = "for", value_name = "TIME", conflicts_with = "ticks")]
    pub(crate) time: Option<String>,
    /// The device's settings, a JSON object [default: {}, or those of the fleet file].
    #[arg(long, value_name = "JSON")]
    pub(crate) config: Option<String>,
    /// The first device's seed; those of more devices follow from it [default: 0, or as the
    /// fleet file makes them].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Virtual time between two ticks: 1s, 250ms [default: 1s, or that of the fleet file].
    #[arg(long, value_name = "TIME")]
    pub(crate) every: Option<String>,
    /// So many devices in one cell, all switched on at once. Of a fleet file's group: its
    /// first ones.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) devices: u32,
    /// A data file that the device can read, by the name that its settings use:
    /// weather=weather.csv. Can be given many times.
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) data: Vec<String>,
    /// The group of a fleet file [default: its first].
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Option<String>,
    /// Each device receives this message once it is made, before its first tick:
    /// command={"on": true}. Can be given many times.
    #[arg(long, value_name = "CHANNEL=PAYLOAD")]
    pub(crate) send: Vec<String>,
    /// Each device receives this message at this time: 25s:command={"power": "on"}. Can be
    /// given many times.
    #[arg(long, value_name = "TIME:CHANNEL=PAYLOAD")]
    pub(crate) receive: Vec<String>,
    /// Its connection is lost, or up again, at this time: 10s:lost, 30s:up. Can be given
    /// many times.
    #[arg(long, value_name = "TIME:lost|up")]
    pub(crate) link: Vec<String>,
    /// Draw a number of the JSON payloads over time in place of the messages: temperature,
    /// room.temperature, /values/0, or telemetry:temperature for one channel. Can be given
    /// many times.
    #[arg(long, value_name = "[CHANNEL:]FIELD")]
    pub(crate) plot: Vec<String>,
    /// Write what --plot draws to this SVG file.
    #[arg(short, long, value_name = "FILE.svg", requires = "plot")]
    pub(crate) output: Option<PathBuf>,
    /// Hold every payload to this JSON Schema, or those of one channel:
    /// telemetry=telemetry.schema.json. A file that has only $defs is a schema for each
    /// channel of their names. Can be given many times.
    #[arg(long, value_name = "[CHANNEL=]FILE")]
    pub(crate) schema: Vec<String>,
    /// Try again whenever the plugin changes, or another file that is given. Given the folder
    /// of a project, build it first, and again whenever its sources change.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Print one JSON object a message instead.
    #[arg(long)]
    pub(crate) json: bool,
}
