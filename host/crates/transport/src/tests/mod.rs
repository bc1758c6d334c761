//! Connects the MQTT transport to a scripted broker.

mod broker;
mod fleet;
mod sessions;
mod suspects;
