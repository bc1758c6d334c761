//! Collects the parts of JSON rows, and the types of their numbers.
//!
//! Members of an object have different names; a second one of a name is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::generate::common::decimal::with_fraction;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::value::Value;

/// Parts of a file that are kept at most. More of them may be any.
const MAX_PARTS: usize = 1_000;

/// Whole numbers above those of 64 bits, which serde gives as floats.
const ABOVE_INTEGERS: f64 = 18_446_744_073_709_551_616.0;

/// The parts that values at one place of the rows have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JsonShape {
    /// The members of all objects. None: no value is an object.
    members: Option<BTreeMap<String, JsonShape>>,
    /// Whether there are parts that are not kept.
    more: bool,
    /// The length of the longest list, and the parts of all entries.
    entries: Option<(usize, Box<JsonShape>)>,
    /// Whether a value has no parts.
    single: bool,
    /// Whether a number has no fraction.
    whole: bool,
    /// Whether a number has a fraction.
    fraction: bool,
}

/// The parts of all rows of a file.
#[derive(Debug, Default)]
pub(crate) struct RowShapes {
    pub(crate) shape: JsonShape,
    kept: usize,
}

impl RowShapes {
    /// Adds the parts of a row, which is an object.
    pub(crate) fn add(&mut self, text: &[u8]) -> Result<(), serde_json::Error> {
        let mut left = MAX_PARTS.saturating_sub(self.kept);
        let before = left;
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let row = RowSeed(PartSeed {
            shape: Some(&mut self.shape),
            left: &mut left,
        });
        let read = row.deserialize(&mut deserializer);
        self.kept += before - left;
        read.and_then(|()| deserializer.end())
    }
}

impl JsonShape {
    /// The parts of the values, for checks of names.
    pub(crate) fn known_parts(&self) -> KnownParts {
        if self.more {
            return KnownParts::Unknown;
        }
        let members = self.members.iter().map(|members| {
            let members = members.iter();
            KnownParts::members(members.map(|(name, part)| (name.as_str(), part.known_parts())))
        });
        let entries = self
            .entries
            .iter()
            .map(|(longest, each)| KnownParts::Entries(*longest, Rc::new(each.known_parts())));
        let single = self.single.then_some(KnownParts::Single);
        let mut forms: Vec<KnownParts> = members.chain(entries).chain(single).collect();
        match (forms.pop(), forms.is_empty()) {
            (None, _) => KnownParts::Unknown,
            (Some(form), true) => form,
            (Some(form), false) => {
                forms.push(form);
                KnownParts::OneOf(forms.into())
            }
        }
    }

    /// The shape of the member of this name or, if there is none, of the part at this path.
    pub(crate) fn member_or_part(&self, path: &str) -> Option<&Self> {
        let member = self.members.as_ref().and_then(|members| members.get(path));
        if path.is_empty() || member.is_some() {
            return member;
        }
        let mut part = self;
        for name in path.split('.') {
            let member = part.members.as_ref().and_then(|members| members.get(name));
            let entry = || part.entries.as_ref().map(|(_, each)| &**each);
            part = match member {
                Some(member) => member,
                None if name.bytes().all(|byte| byte.is_ascii_digit()) => entry()?,
                None => return None,
            };
        }
        Some(part)
    }

    /// Whether numbers of one place have fractions in some rows only.
    pub(crate) fn is_mixed(&self) -> bool {
        let mut members = self.members.iter().flat_map(BTreeMap::values);
        (self.whole && self.fraction)
            || members.any(Self::is_mixed)
            || self
                .entries
                .as_ref()
                .is_some_and(|(_, each)| each.is_mixed())
    }

    /// The same value, with a fraction in each number whose place has fractions: a field has
    /// one type.
    pub(crate) fn unify(&self, value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let unify = |(name, value): &(Rc<str>, Value)| {
                    let shapes = self.members.as_ref();
                    let shape = shapes.and_then(|shapes| shapes.get(&**name));
                    let value = value.clone();
                    let value = match shape {
                        Some(shape) => shape.unify(value),
                        None => value,
                    };
                    (Rc::clone(name), value)
                };
                Value::Object(members.iter().map(unify).collect())
            }
            Value::Array(items) => match &self.entries {
                Some((_, each)) => {
                    Value::Array(items.iter().map(|item| each.unify(item.clone())).collect())
                }
                None => Value::Array(items),
            },
            value if self.fraction => with_fraction(value),
            value => value,
        }
    }
}

/// Adds a row, which is an object.
struct RowSeed<'a>(PartSeed<'a>);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        self.0.visit_map(members)
    }
}

/// Adds any JSON value to a shape. None: there are too many parts to keep this one.
struct PartSeed<'a> {
    shape: Option<&'a mut JsonShape>,
    /// Parts that may still be added.
    left: &'a mut usize,
}

impl PartSeed<'_> {
    fn add_single<E>(self, whole: bool, fraction: bool) -> Result<(), E> {
        if let Some(shape) = self.shape {
            shape.single = true;
            shape.whole |= whole;
            shape.fraction |= fraction;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for PartSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PartSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.add_single(false, false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.add_single(false, false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.add_single(true, false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.add_single(true, false)
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        let is_whole = number.abs() >= ABOVE_INTEGERS;
        self.add_single(is_whole, !is_whole)
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.add_single(false, false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut none = (0, Box::default());
        let known = match self.shape {
            Some(shape) => shape.entries.get_or_insert_default(),
            None => &mut none,
        };
        let mut count = 0;
        loop {
            let entry = PartSeed {
                shape: Some(&mut known.1),
                left: self.left,
            };
            if items.next_element_seed(entry)?.is_none() {
                break;
            }
            count += 1;
        }
        known.0 = known.0.max(count);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut none = JsonShape::default();
        let shape = self.shape.unwrap_or(&mut none);
        let known = shape.members.get_or_insert_default();
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!(
                    "two members are called {name:?}, and each needs a name of its own"
                )));
            }
            if !known.contains_key(&name) {
                if *self.left > 0 {
                    *self.left -= 1;
                    known.insert(name.clone(), JsonShape::default());
                } else {
                    shape.more = true;
                }
            }
            members.next_value_seed(PartSeed {
                shape: known.get_mut(&name),
                left: self.left,
            })?;
            names.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(rows: &[&str]) -> JsonShape {
        let mut shapes = RowShapes::default();
        for row in rows {
            shapes.add(row.as_bytes()).unwrap();
        }
        shapes.shape
    }

    fn missing(shape: &JsonShape, parts: &[&str]) -> Option<String> {
        let parts: Vec<Rc<str>> = parts.iter().map(|part| Rc::from(*part)).collect();
        shape.known_parts().missing_part("row", &parts, &[])
    }

    #[test]
    fn parts_of_all_rows_are_known_at_every_depth() {
        let shape = shape(&[
            r#"{"a":{"b":1},"l":[1,2],"m":1}"#,
            r#"{"a":{"c":null},"l":[],"m":{"x":[{"y":1}]}}"#,
        ]);
        for parts in [
            &["a", "b"][..],
            &["a", "c"],
            &["l", "1"],
            &["m", "x", "0", "y"],
        ] {
            assert_eq!(missing(&shape, parts), None, "{parts:?}");
        }
        for (parts, why) in [
            (&["a", "d"][..], "row.a has no part \"d\"; there are b, c"),
            (
                &["l", "7"],
                "row.l has no part \"7\"; it is a list of 2, counted from 0",
            ),
            (
                &["a", "b", "x"],
                "row.a.b is a single value, which has no part \"x\"",
            ),
            (
                &["m", "x", "0", "z"],
                "row.m.x.0 has no part \"z\"; there are y",
            ),
        ] {
            assert_eq!(missing(&shape, parts).as_deref(), Some(why));
        }
    }

    #[test]
    fn parts_above_the_limit_may_be_any() {
        let names = (0..MAX_PARTS + 1).map(|number| format!("\"p{number}\":{{\"x\":1}}"));
        let row = format!("{{{}}}", names.collect::<Vec<_>>().join(","));
        let shape = shape(&[&row]);
        assert_eq!(missing(&shape, &["unknown"]), None);
    }

    #[test]
    fn numbers_of_one_place_have_one_type() {
        let rows = [
            r#"{"a":{"x":1,"n":1},"l":[{"t":1},{"t":2.5}],"big":123456789012345678901234567890}"#,
            r#"{"a":{"x":2.5,"n":2},"l":[{"t":9007199254740993}],"big":1}"#,
        ];
        let shape = shape(&rows);
        assert!(shape.is_mixed());
        let unified = rows.map(|row| {
            let value = crate::generate::data::exact_json::read(row.as_bytes());
            shape.unify(value.unwrap()).to_string()
        });
        assert_eq!(
            unified,
            [
                r#"{"a":{"n":1,"x":1.0},"big":123456789012345678901234567890,"l":[{"t":1.0},{"t":2.5}]}"#,
                r#"{"a":{"n":2,"x":2.5},"big":1,"l":[{"t":9007199254740993.0}]}"#,
            ]
        );
        assert!(!super::tests::shape(&[r#"{"a":1}"#, r#"{"b":2.5}"#]).is_mixed());
        assert_eq!(
            shape.member_or_part("a.x").map(|part| part.fraction),
            Some(true)
        );
        assert_eq!(
            shape.member_or_part("l.0.t").map(|part| part.fraction),
            Some(true)
        );
        assert_eq!(shape.member_or_part("a.y"), None);
    }
}
