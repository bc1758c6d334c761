//! `mockfleet logs`: commands for send logs in a folder or bucket.

pub(crate) mod command;
mod ddl;
mod digest;
mod log_argument;
mod prune;
mod recover;
mod stats;
mod text;
