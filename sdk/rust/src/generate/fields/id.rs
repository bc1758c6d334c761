//! Draws identifiers from the seed: UUIDs, ULIDs, and texts of characters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::random::Rng;
use crate::time::Instant;

/// The style of an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Style {
    /// A random UUID, version 4.
    #[cfg(feature = "ids")]
    Uuid,
    /// A UUID that begins with the time, version 7.
    #[cfg(feature = "ids")]
    UuidV7,
    /// A ULID: 26 characters that begin with the time.
    #[cfg(feature = "ids")]
    Ulid,
    /// Digits and the letters a to f.
    #[default]
    Hex,
    /// Digits, the first one not 0: a serial number.
    Digits,
    /// Capital letters and digits.
    Letters,
}

/// The scope within which an identifier stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IdScope {
    /// A new one with each value.
    #[default]
    Value,
    /// One for the whole life of the device.
    Device,
}

/// An identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Id {
    /// The style.
    pub style: Style,
    /// The scope within which it stays the same.
    pub per: IdScope,
    /// The number of characters of hex, digits and letters, 1 to 128.
    #[schemars(range(min = 1, max = 128))]
    pub length: u8,
}

impl Default for Id {
    fn default() -> Self {
        Self {
            style: Style::Hex,
            per: IdScope::Value,
            length: 16,
        }
    }
}

impl Id {
    /// A new identifier with each value.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self {
            style,
            ..Self::default()
        }
    }

    /// The same identifier for the whole life of the device.
    #[must_use]
    pub const fn per_device(self) -> Self {
        Self {
            per: IdScope::Device,
            ..self
        }
    }

    /// Sets the number of characters.
    #[must_use]
    pub const fn length(self, length: u8) -> Self {
        Self { length, ..self }
    }

    fn draw(&self, rng: &mut Rng, moment: Instant) -> Value {
        #[cfg(not(feature = "ids"))]
        let _ = moment;
        #[cfg(feature = "ids")]
        let (millis, high, low) = (moment.micros() / 1_000, rng.bits(), rng.bits());
        match self.style {
            #[cfg(feature = "ids")]
            Style::Uuid => {
                let random = (u128::from(high) << 64) | u128::from(low);
                uuid(uuid::Builder::from_random_bytes(random.to_be_bytes()))
            }
            #[cfg(feature = "ids")]
            Style::UuidV7 => {
                let mut random = [0; 10];
                let bytes = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
                random
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(slot, byte)| *slot = byte);
                uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random))
            }
            #[cfg(feature = "ids")]
            Style::Ulid => {
                let random = (u128::from(high) << 64) | u128::from(low);
                let mut text = [0; ulid::ULID_LEN];
                Value::text(&*ulid::Ulid::from_parts(millis, random).array_to_str(&mut text))
            }
            Style::Hex => self.run(rng, b"0123456789abcdef"),
            Style::Digits => self.run(rng, b"0123456789"),
            Style::Letters => self.run(rng, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
        }
    }

    fn run(&self, rng: &mut Rng, from: &[u8]) -> Value {
        let mut text = String::with_capacity(usize::from(self.length));
        for place in 0..self.length {
            let all = if place == 0 && self.style == Style::Digits {
                from.get(1..).unwrap_or(from)
            } else {
                from
            };
            text.push(char::from(rng.pick(all).copied().unwrap_or(b'0')));
        }
        Value::text(text)
    }
}

#[cfg(feature = "ids")]
fn uuid(builder: uuid::Builder) -> Value {
    let mut text = uuid::Uuid::encode_buffer();
    Value::text(&*builder.into_uuid().hyphenated().encode_lower(&mut text))
}

impl Specification for Id {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        check.require(
            (1..=128).contains(&self.length),
            "length",
            format_args!("{} characters; 1 to 128 are right", self.length),
        );
        Some(self.clone())
    }
}

impl GeneratorKind for Id {
    type State = Rng;

    fn start(&self, rng: Rng) -> Rng {
        rng
    }

    fn next(&self, rng: &mut Rng, context: &Context<'_>) -> Result<Value, Error> {
        Ok(match self.per {
            IdScope::Value => self.draw(rng, context.now),
            // Drawn from the same state each time, which needs no memory.
            IdScope::Device => self.draw(&mut rng.clone(), context.device.born),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::{TestGenerator, problems_of};

    fn texts(id: Id, seed: u64) -> [String; 2] {
        let mut life = TestGenerator::seeded(id, seed);
        [0, 1].map(|_| life.next().unwrap().to_string())
    }

    #[test]
    fn an_identifier_is_another_one_each_time_or_the_devices_own() {
        let [first, second] = texts(Id::new(Style::Hex), 1);
        assert_ne!(first, second);
        assert_eq!(first.len(), 16);
        let [first, second] = texts(Id::new(Style::Letters).per_device().length(8), 1);
        assert_eq!(first, second);
        assert_ne!(
            [first, second],
            texts(Id::new(Style::Letters).per_device().length(8), 2)
        );
        let [serial, _] = texts(Id::new(Style::Digits).length(12), 3);
        assert!(serial.bytes().all(|byte| byte.is_ascii_digit()) && !serial.starts_with('0'));
    }

    #[cfg(feature = "ids")]
    #[test]
    fn uuids_and_ulids_are_read_by_their_crates_and_carry_the_time() {
        let [random, other] = texts(Id::new(Style::Uuid), 1);
        assert_ne!(random, other);
        assert_eq!(uuid::Uuid::parse_str(&random).unwrap().get_version_num(), 4);
        let [timed, _] = texts(Id::new(Style::UuidV7), 1);
        let timed = uuid::Uuid::parse_str(&timed).unwrap();
        assert_eq!(timed.get_version_num(), 7);
        assert_eq!(timed.get_timestamp().unwrap().to_unix().0, 1_795_505_400);
        let [ulid, later] = texts(Id::new(Style::Ulid), 1);
        assert!(ulid < later, "{ulid} {later}");
        let ulid = ulid::Ulid::from_string(&ulid).unwrap();
        assert_eq!(ulid.timestamp_ms(), 1_795_505_400_000);
    }

    #[test]
    fn an_identifier_without_characters_is_refused() {
        assert_eq!(
            problems_of(&Id::default().length(0)),
            "length: 0 characters; 1 to 128 are right"
        );
    }
}
