//! `mockfleet verify`: compares a log with received messages.

pub(crate) mod command;
mod json;
mod text;
