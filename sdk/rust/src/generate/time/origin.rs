//! Defines the moment from which a generator counts time.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::generate::common::context::Context;
use crate::generate::time::rfc3339;
use crate::time::Instant;

/// The moment from which a generator counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Origin {
    /// The time at which the device was switched on.
    #[default]
    Born,
    /// The last change of the device's status: a curve starts again with each.
    Status,
    /// A fixed time, the same for all devices.
    Fixed(Instant),
}

impl Origin {
    /// Microseconds from the origin to `at`; below zero before a fixed origin.
    pub(crate) fn elapsed(self, context: &Context<'_>) -> i64 {
        let origin = match self {
            Self::Born => context.device.born,
            Self::Status => context.status_since,
            Self::Fixed(moment) => moment,
        };
        let signed = |moment: Instant| i64::try_from(moment.micros()).unwrap_or(i64::MAX);
        signed(context.now).saturating_sub(signed(origin))
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Born => serializer.serialize_str("born"),
            Self::Status => serializer.serialize_str("status"),
            Self::Fixed(moment) => moment.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        match &*text {
            "born" => Ok(Self::Born),
            "status" => Ok(Self::Status),
            fixed => rfc3339::parse(fixed).map(Self::Fixed).ok_or_else(|| {
                serde::de::Error::custom(format_args!(
                    "{fixed:?} is no origin; there are \"born\", \"status\", and a moment such as \"2026-01-31T06:00:00Z\""
                ))
            }),
        }
    }
}

impl JsonSchema for Origin {
    fn schema_name() -> Cow<'static, str> {
        "Origin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "From when time counts: since the device's birth, since its last change of status, or since a moment.",
            "anyOf": [
                { "enum": ["born", "status"] },
                { "type": "string", "format": "date-time", "pattern": rfc3339::PATTERN },
            ],
            "examples": ["born", "status", "2026-01-31T06:00:00Z"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_words_or_moments() {
        let read = |text: &str| serde_json::from_value::<Origin>(text.into());
        assert_eq!(read("born").unwrap(), Origin::Born);
        let moment = Origin::Fixed(Instant::from_micros(1_769_839_200_000_000));
        assert_eq!(read("2026-01-31T06:00:00Z").unwrap(), moment);
        assert_eq!(read("2026-01-31T07:00:00+01:00").unwrap(), moment);
        let error = read("yesterday").unwrap_err().to_string();
        assert!(error.starts_with("\"yesterday\" is no origin"), "{error}");
    }
}
