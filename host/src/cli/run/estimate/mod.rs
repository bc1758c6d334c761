//! `mockfleet estimate`: forecasts messages and cost.

pub(crate) mod command;
mod json;
mod result;
mod text;
