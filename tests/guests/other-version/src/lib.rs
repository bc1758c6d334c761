//! Implements version 0.3.0 of the contract, which this host does not run. Written
//! without the SDK, which knows one version only.
#![allow(missing_docs, unreachable_pub, reason = "mostly generated")]

#[allow(clippy::all, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin" });
}

use bindings::exports::mockfleet::device::behaviour as exports;
use bindings::mockfleet::device::types as wit;

struct Plugin;

struct Device;

impl exports::Guest for Plugin {
    type Device = Device;

    fn describe() -> wit::Description {
        wit::Description {
            name: "other-version".into(),
            version: "0.1.0".into(),
            summary: "Implements another version of the contract".into(),
            config_schema: None,
            channels: vec!["telemetry".into()],
            statuses: Vec::new(),
            interests: wit::Interests::empty(),
        }
    }
}

impl exports::GuestDevice for Device {
    fn create(_: wit::DeviceSpec) -> Result<exports::Device, wit::Error> {
        Ok(exports::Device::new(Self))
    }

    fn start(&self, _: wit::Instant, _: Option<wit::Instant>) -> Result<wit::Turn, wit::Error> {
        Ok(nothing())
    }

    fn tick(&self, _: wit::Tick) -> Result<wit::Turn, wit::Error> {
        Ok(nothing())
    }

    fn handle(&self, _: wit::Instant, _: wit::Event) -> Result<wit::Turn, wit::Error> {
        Ok(nothing())
    }
}

fn nothing() -> wit::Turn {
    wit::Turn {
        messages: Vec::new(),
        status: None,
        next_tick: None,
        link: None,
    }
}

bindings::export!(Plugin with_types_in bindings);
