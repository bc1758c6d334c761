//! Reads fleet files into checked plans.
//!
//! For others: a program can read a fleet file, or explain the problems of one. The types of
//! [`Plan`] may get new fields and variants before 1.0.
//!
//! Reading a fleet file:
//!
//! ```
//! use std::path::Path;
//!
//! use mockfleet_config::{Fleet, TickRate};
//!
//! let text = r#"
//! duration = "10m"
//!
//! [targets.broker]
//! url = "mqtt://127.0.0.1:1883"
//! channels.telemetry.topic = "site/{device}/telemetry"
//!
//! [[groups]]
//! name = "hall"
//! plugin = "builtin:thermometer"
//! count = 1000
//! every = "5s"
//! "#;
//! let fleet = Fleet::parse(text, "fleet.toml", Path::new("."), &[]).expect("a valid fleet file");
//! let group = &fleet.plan.groups[0];
//! assert_eq!(group.count, 1000);
//! assert_eq!(
//!     group.schedule.tick_rate,
//!     TickRate::Every(std::time::Duration::from_secs(5))
//! );
//! ```
//!
//! Showing the problems of an invalid one. Each has its place, a cause and a way out:
//!
//! ```
//! use std::path::Path;
//!
//! use mockfleet_config::Fleet;
//!
//! let text = r#"
//! [targets.broker]
//! url = "mqtt://127.0.0.1:1883"
//! channels.telemetry.topic = "telemetry"
//!
//! [[groups]]
//! name = "hall"
//! plugin = "builtin:thermometer"
//! count = 1000
//! evry = "5s"
//! "#;
//! let invalid = Fleet::parse(text, "fleet.toml", Path::new("."), &[]).unwrap_err();
//! let problems: Vec<String> = invalid.problems.into_iter().map(|p| p.to_string()).collect();
//! assert_eq!(
//!     problems[0],
//!     "fleet.toml:10: unknown key \"evry\" in [[groups]]; did you mean \"every\"?"
//! );
//! ```
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

pub use document::environment::{environment_names, fill_references};
pub use document::file_source::{File, Files};
pub use document::overrides::Override;
pub use document::problem::{Problem, Problems, ValueError};
pub use document::redact::redact_argument;
pub use document::suggest::did_you_mean;
pub use document::template::{Placeholder, PlaceholderValues, Template};
pub use document::units::{ByteSize, Rate, parse_duration, parse_timestamp};
pub use fleet::{Fleet, InvalidConfig};
pub use mockfleet_files::durations::format_duration;
pub use plan::checks::{Check, Checks, Scope};
pub use plan::clock::{Clock, Speed};
pub use plan::fault::{CutTo, Fault, FaultFamily, FaultKind, FaultSchedule, FaultTimes};
pub use plan::fleet::{DEVICES_PER_CELL, Plan};
pub use plan::group::{Group, Limits, PluginSource, Schedule, Start, TickRate};
pub use plan::log::{KeepPayload, Log, SpoolFull, Store};
pub use plan::stage::{AfterStages, Shape, Stage, Transition};
pub use plan::target::{
    Address, Connections, Http, HttpChannel, Mqtt, MqttChannel, MqttDownlink, Protocol, Qos,
    Secret, Target, Tls, Will, is_connection_header,
};
pub use prices::{BUILTIN_PRICES, Item, Price, Prices};
pub use project::{Project, Requirement, component_path};
pub use received_checks::{FINDING_KINDS, ReceivedCheck, ReceivedComparison};
pub use schema::{PluginSchema, schema};
pub use sections::brought_in::destination::{path_fault, topic_fault};
pub use sections::brought_in::values::RecordedDevice;
pub use threshold::{Comparison, FULL_SHARE, Metric, Threshold, ThresholdValue};
