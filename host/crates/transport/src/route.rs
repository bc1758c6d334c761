//! From a behaviour's channel to a place in its target: channels are numbered in the
//! order of their names, and an envelope carries the number.

use std::sync::Arc;

use mockfleet_config::{Protocol, Target};

/// The channels of a target, numbered.
#[derive(Debug, Clone)]
pub struct Routes(Arc<[String]>);

impl Routes {
    /// Numbers the channels of a target.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        Self(match &target.protocol {
            Protocol::Mqtt(mqtt) => mqtt.channels.keys().cloned().collect(),
            Protocol::Http(http) => http.channels.keys().cloned().collect(),
        })
    }

    /// The number of a channel.
    #[must_use]
    pub fn number(&self, channel: &str) -> Option<u16> {
        // A handful: comparing beats hashing.
        let place = self.0.iter().position(|name| name == channel)?;
        u16::try_from(place).ok()
    }

    /// The channel of a number.
    #[must_use]
    pub fn channel(&self, number: u16) -> &str {
        self.0.get(usize::from(number)).map_or("", String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }

    /// All of them, in the order of their numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
