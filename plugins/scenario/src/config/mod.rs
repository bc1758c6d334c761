//! Defines the settings of a scenario: names, units, ranges, defaults.

pub(crate) mod duration_spec;
pub(crate) mod field_setting;
pub(crate) mod json_tree;
pub(crate) mod lenient_value;
pub(crate) mod message;
pub(crate) mod scenario;
pub(crate) mod status;
pub(crate) mod store_and_forward;
pub(crate) mod transition;

pub(crate) use duration_spec::DurationSpec;
pub(crate) use field_setting::FieldSetting;
pub(crate) use json_tree::Tree;
pub(crate) use lenient_value::LenientValue;
pub(crate) use message::{Csv, Endian, Message, Part, Payload};
pub use scenario::Config;
pub(crate) use status::{Link, Status};
pub(crate) use store_and_forward::{OverflowPolicy, StoreAndForward};
pub(crate) use transition::{Connection, Received, Transition};
