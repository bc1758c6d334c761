//! Defines a duration that is fixed, or drawn each time.

use std::borrow::Cow;
use std::fmt;

use mockfleet_sdk::generate::{Span, Spec};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A duration.
#[derive(Debug, Clone)]
pub enum DurationSpec {
    /// Always the same.
    Fixed(Span),
    /// The number of the generator, in seconds.
    Drawn(Box<Spec>),
}

impl<'de> Deserialize<'de> for DurationSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl<'de> Visitor<'de> for DurationVisitor {
    type Value = DurationSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"10s\", or a generator of seconds such as { kind = \"exponential\", mean = 60 }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DurationSpec, E> {
        Span::parse(text)
            .map(DurationSpec::Fixed)
            .map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DurationSpec, A::Error> {
        let json = serde_json::Value::deserialize(MapAccessDeserializer::new(map))?;
        Spec::from_json(&json)
            .map(|spec| DurationSpec::Drawn(Box::new(spec)))
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for DurationSpec {
    fn schema_name() -> Cow<'static, str> {
        "DurationSpec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (span, spec) = (
            generator.subschema_for::<Span>(),
            generator.subschema_for::<Spec>(),
        );
        json_schema!({
            "description": "A length of time, such as \"10s\"; or a generator whose number is taken as seconds, drawn anew each time.",
            "anyOf": [span, spec],
        })
    }
}
