//! Describes a group of devices: plugin, schedule, limits and data.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::document::file_source::File;
use crate::document::template::Template;
use crate::document::units::ByteSize;
use crate::plan::fault::Fault;
use crate::plan::stage::{AfterStages, Stage};

/// Devices of the same plugin, settings and schedule.
#[derive(Debug, Clone)]
pub struct Group {
    /// The group's name.
    pub name: String,
    /// The line of the fleet file where it starts, for messages.
    pub line: Option<usize>,
    /// The plugin's file; resolved against the fleet file's folder.
    pub plugin: PluginSource,
    /// The number of devices.
    pub count: u32,
    /// Index into [`Plan::targets`].
    pub target: usize,
    /// The times at which its devices are called.
    pub schedule: Schedule,
    /// The template of device ids, with `{group}` and `{index}`.
    pub device_id: Template,
    /// The number of devices that share one plugin instance; `None` is chosen by the instance's
    /// size.
    pub devices_per_cell: Option<NonZeroU32>,
    /// The limits of a cell.
    pub limits: Limits,
    /// The faults, in the order of the file.
    pub faults: Vec<Fault>,
    /// The devices' settings: a JSON object, handed to the plugin.
    pub config: serde_json::Value,
    /// The settings as JSON text with the keys in the order of the file. The order can
    /// determine the layout of a payload.
    pub settings: String,
    /// Files that its devices can read, by the name that its settings use.
    pub data: BTreeMap<String, File>,
}

/// The source of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginSource {
    /// The file of a component.
    File(File),
    /// A built-in plugin: `builtin:NAME`.
    Builtin(String),
}

/// The times at which the devices of a group are called.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The time between two ticks of a device.
    pub tick_rate: TickRate,
    /// The distribution of first ticks within the first interval.
    pub start: Start,
    /// Each tick moves by up to this fraction of the interval, 0 to 0.5.
    pub jitter: f64,
    /// The time over which devices are switched on, one after the other; `None`
    /// is as fast as the target's connect rate allows.
    pub ramp: Option<Duration>,
    /// The stages of rate and devices; empty for a constant load.
    pub stages: Vec<Stage>,
    /// The load after the last stage.
    pub after_stages: AfterStages,
}

/// The time between two ticks of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickRate {
    /// Open model: a tick is due at its time, independent of the backend.
    Every(Duration),
    /// Closed loop: the next tick is due when the outbox has room.
    FlatOut,
}

/// The distribution of the first ticks of a group within the first interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Each device has its own phase, drawn from its seed.
    Spread,
    /// All devices tick at the same time.
    Together,
}

/// The limits of a cell, and of one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of the cell; `None` means the default for the size of an instance.
    pub memory: Option<ByteSize>,
    /// Maximum time of one call.
    pub deadline: Duration,
    /// Most messages of a turn.
    pub messages: u32,
    /// Most bytes of a message.
    pub message_size: ByteSize,
    /// Most bytes that one call returns.
    pub turn_size: ByteSize,
    /// Most lines a second that the cell may print.
    pub log_lines: u32,
}
