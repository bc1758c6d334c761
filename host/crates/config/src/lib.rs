//! Reads fleet files into checked plans.
//!
//! For others: a program can read a fleet file, or explain the problems of one. The types of
//! [`Plan`] may get new fields and variants before 1.0.
//!
//! | room | content |
//! |---|---|
//! | `document` | TOML values with their places, units, templates, problems |
//! | `plan` | the checked [`Plan`]: targets, groups, faults, log, checks |
//! | `sections` | the keys of each table of a fleet file |
//! | `threshold`, `received_checks` | the grammar of `[checks]` |
//! | `schema` | the JSON Schema of a fleet file, for editors |
//! | `project`, `prices` | `plugin.toml` and the price table, in the same form |

mod document;
mod fleet;
mod plan;
mod prices;
mod project;
mod received_checks;
mod schema;
mod sections;
mod threshold;

#[cfg(test)]
mod tests;

pub use document::environment::environment_names;
pub use document::file_source::{File, Files};
pub use document::overrides::Override;
pub use document::problem::{Problem, Problems};
pub use document::redact::redact_argument;
pub use document::suggest::did_you_mean;
pub use document::template::{Placeholder, PlaceholderValues, Template};
pub use document::units::{ByteSize, Rate, format_duration, parse_duration, parse_timestamp};
pub use fleet::{Fleet, InvalidConfig};
pub use plan::checks::{Check, Checks, Scope};
pub use plan::clock::{Clock, Speed};
pub use plan::fault::{CutTo, Fault, FaultFamily, FaultKind, FaultSchedule, FaultTimes};
pub use plan::fleet::{DEVICES_PER_CELL, Plan};
pub use plan::group::{Group, Limits, PluginSource, Schedule, Start, TickRate};
pub use plan::log::{KeepPayload, Log, SpoolFull, Store};
pub use plan::stage::{AfterStages, Shape, Stage, Transition};
pub use plan::target::{
    Address, Connections, Http, HttpChannel, Mqtt, MqttChannel, MqttDownlink, Protocol, Qos,
    Secret, Target, Tls, Will,
};
pub use prices::{BUILTIN_PRICES, Item, Price, Prices};
pub use project::{Project, Requirement, component_path};
pub use received_checks::{FINDING_KINDS, ReceivedCheck, ReceivedComparison};
pub use schema::{PluginSchema, schema};
pub use threshold::{Comparison, FULL_SHARE, Metric, Threshold, ThresholdValue};
