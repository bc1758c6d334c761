//! Numbers the channels of a target.
//!
//! Channels are numbered in the order of their names, and an envelope has the number.

use std::sync::Arc;

use mockfleet_config::{Protocol, Target};

/// The numbered channels of a target.
#[derive(Debug, Clone)]
pub struct Routes(Arc<[String]>);

impl Routes {
    /// Numbers the channels of a target.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        Self(match &target.protocol {
            Protocol::Mqtt(mqtt) => mqtt.channels.keys().cloned().collect(),
            Protocol::Http(http) => http.channels.keys().cloned().collect(),
        })
    }

    /// Returns the number of a channel.
    #[inline]
    #[must_use]
    pub fn number(&self, channel: &str) -> Option<u16> {
        // A target has few channels: comparing is faster than hashing.
        let place = self.0.iter().position(|name| name == channel)?;
        u16::try_from(place).ok()
    }

    /// Returns the channel of a number; an empty name for an unknown number.
    #[inline]
    #[must_use]
    pub fn channel(&self, number: u16) -> &str {
        self.0.get(usize::from(number)).map_or("", String::as_str)
    }

    /// Returns the number of channels.
    #[must_use]
    pub fn count(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }

    /// Returns all channels, in the order of their numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
