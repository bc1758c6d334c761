//! Connects the MQTT transport to a scripted broker.

mod broker;
mod fleet;
mod reconnects;
mod sessions;
mod suspects;
