//! Connects the MQTT transport to a scripted broker.

mod broker;
pub(crate) mod fleet;
mod idle_connections;
mod large_downlink;
mod opening;
mod read_proof;
mod reconnects;
mod sessions;
pub(crate) mod settings;
mod suspects;
mod unanswered;
