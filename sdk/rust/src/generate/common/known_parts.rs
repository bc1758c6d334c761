//! Describes the parts of values that are known before a run.

use std::rc::Rc;

use crate::generate::common::part_path::join;
use crate::generate::common::value::Value;

/// The parts that the values of a name have.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum KnownParts {
    /// Any; only a run shows them.
    #[default]
    Unknown,
    /// None: a number, a text, true, false or null.
    Single,
    /// Members by name.
    Members(Rc<[(Rc<str>, KnownParts)]>),
    /// This many entries, each of one shape.
    Entries(usize, Rc<KnownParts>),
    /// Those of one of these shapes.
    OneOf(Rc<[KnownParts]>),
    /// Those of a part of the name at this position of the scope.
    Part(usize, Rc<[Rc<str>]>),
}

/// Names that refer to one another at most. A name that refers to itself has any parts.
const MAX_REFERENCES: usize = 4;

impl KnownParts {
    /// Members by name.
    pub fn members<N: Into<Rc<str>>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        let members = members.into_iter();
        Self::Members(members.map(|(name, shape)| (name.into(), shape)).collect())
    }

    /// Explains which part on the way does not exist, and which there are. `None` when it
    /// exists, or may exist. `name` is that of the whole value, and `shapes` are those of
    /// the scope's names.
    #[must_use]
    pub fn missing_part(&self, name: &str, parts: &[Rc<str>], shapes: &[Self]) -> Option<String> {
        let (part, rest) = parts.split_first()?;
        let mut all = Vec::new();
        self.alternatives(shapes, 0, &mut all);
        if all.contains(&Self::Unknown) {
            return None;
        }
        let children: Vec<Self> = all.iter().filter_map(|shape| shape.child(part)).collect();
        if !children.is_empty() {
            return Self::OneOf(children.into()).missing_part(&join(name, part), rest, shapes);
        }
        let mut members: Vec<&str> = Vec::new();
        let (mut is_object, mut longest) = (false, None);
        for shape in &all {
            match shape {
                Self::Members(named) => {
                    is_object = true;
                    for (name, _) in named.iter() {
                        if !members.contains(&&**name) {
                            members.push(name);
                        }
                    }
                }
                Self::Entries(count, _) => longest = longest.max(Some(*count)),
                _ => {}
            }
        }
        match longest {
            _ if is_object => Some(unknown_member(name, parts, &members)),
            Some(count) => Some(format!(
                "{name} has no part {part:?}; it is a list of {count}, counted from 0"
            )),
            None if all.is_empty() => None,
            None => Some(format!(
                "{name} is a single value, which has no part {part:?}"
            )),
        }
    }

    /// Adds the shapes that a value may have, without references.
    fn alternatives(&self, shapes: &[Self], depth: usize, found: &mut Vec<Self>) {
        match self {
            Self::OneOf(all) => {
                for shape in all.iter() {
                    shape.alternatives(shapes, depth, found);
                }
            }
            Self::Part(..) => {
                self.resolved(shapes, depth)
                    .alternatives(shapes, depth + 1, found);
            }
            shape => found.push(shape.clone()),
        }
    }

    /// The shape of the member of this name, or of the entry at this position.
    fn child(&self, part: &str) -> Option<Self> {
        match self {
            Self::Members(members) => {
                let member = members.iter().find(|(name, _)| **name == *part);
                member.map(|(_, shape)| shape.clone())
            }
            Self::Entries(count, each) => {
                let place: usize = part.parse().ok()?;
                (place < *count).then(|| Self::clone(each))
            }
            _ => None,
        }
    }

    /// The shape that a reference to a part of another name stands for.
    fn resolved(&self, shapes: &[Self], depth: usize) -> Self {
        let Self::Part(position, parts) = self else {
            return self.clone();
        };
        let target = shapes.get(*position).filter(|_| depth < MAX_REFERENCES);
        target.map_or(Self::Unknown, |target| {
            target.part(parts, shapes, depth + 1)
        })
    }

    /// The shape of a part; unknown when there is none.
    fn part(&self, parts: &[Rc<str>], shapes: &[Self], depth: usize) -> Self {
        let Some((part, rest)) = parts.split_first() else {
            return self.resolved(shapes, depth);
        };
        match self {
            Self::Unknown | Self::Single => Self::Unknown,
            Self::Members(members) => {
                let member = members.iter().find(|(name, _)| name == part);
                member.map_or(Self::Unknown, |(_, shape)| shape.part(rest, shapes, depth))
            }
            Self::Entries(_, each) => each.part(rest, shapes, depth),
            Self::OneOf(all) => {
                let parts = all.iter().map(|shape| shape.part(parts, shapes, depth));
                Self::OneOf(parts.collect())
            }
            Self::Part(..) => self.resolved(shapes, depth).part(parts, shapes, depth + 1),
        }
    }
}

fn unknown_member(whole: &str, parts: &[Rc<str>], members: &[&str]) -> String {
    let Some(part) = parts.first() else {
        return String::new();
    };
    // A name with points that was written without brackets.
    let pointed = members.iter().find(|name| {
        let name_parts = name.split('.').count();
        name_parts > 1
            && parts
                .iter()
                .take(name_parts)
                .map(|part| &**part)
                .eq(name.split('.'))
    });
    if let Some(name) = pointed {
        return format!(
            "{whole} has no part {part:?}; write {} for its part {name:?}",
            join(whole, name)
        );
    }
    let known = match members {
        [] => "it has none".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    format!("{whole} has no part {part:?}; {known}")
}

/// The shape of one value that never changes.
impl From<&Value> for KnownParts {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(values) => {
                let each: Vec<Self> = values.iter().map(Self::from).collect();
                Self::Entries(values.len(), Rc::new(Self::OneOf(each.into())))
            }
            Value::Object(members) => {
                let members = members.iter();
                Self::members(members.map(|(name, value)| (Rc::clone(name), Self::from(value))))
            }
            _ => Self::Single,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::common::part_path::PartPath;

    fn missing(shape: &KnownParts, path: &str, shapes: &[KnownParts]) -> Option<String> {
        let path = PartPath::parse(path).unwrap();
        shape.missing_part(&path.name, &path.parts, shapes)
    }

    #[test]
    fn part_that_never_exists_is_named_with_those_there_are() {
        let json = serde_json::json!({
            "lat": 1, "list": [{ "a": 1 }, { "b": 2 }], "a.b": 5, "in": { "x.y": 1 },
        });
        let shape = KnownParts::from(&Value::from(&json));
        for path in ["p", "p.lat", "p.list[1].b", "p[\"a.b\"]", "p.in['x.y']"] {
            assert_eq!(missing(&shape, path, &[]), None, "{path}");
        }
        for (path, expected) in [
            (
                "p.latitude",
                "p has no part \"latitude\"; there are a.b, in, lat, list",
            ),
            (
                "p.lat.x",
                "p.lat is a single value, which has no part \"x\"",
            ),
            (
                "p.list[2]",
                "p.list has no part \"2\"; it is a list of 2, counted from 0",
            ),
            ("p.list.0.c", "p.list.0 has no part \"c\"; there are a, b"),
            (
                "p.a.b",
                "p has no part \"a\"; write p[\"a.b\"] for its part \"a.b\"",
            ),
            (
                "p.in.x.y",
                "p.in has no part \"x\"; write p.in[\"x.y\"] for its part \"x.y\"",
            ),
        ] {
            assert_eq!(missing(&shape, path, &[]).as_deref(), Some(expected));
        }
    }

    #[test]
    fn reference_has_the_parts_of_what_it_refers_to() {
        let inner = KnownParts::members([("x", KnownParts::Single)]);
        let shapes = [
            KnownParts::members([("inner", inner)]),
            KnownParts::Part(0, Rc::from([Rc::from("inner")])),
            KnownParts::Part(2, Rc::from([])),
        ];
        assert_eq!(missing(&shapes[1], "copy.x", &shapes), None);
        let why = missing(&shapes[1], "copy.y", &shapes).unwrap();
        assert_eq!(why, "copy has no part \"y\"; there are x");
        assert_eq!(missing(&shapes[2], "own.y", &shapes), None);
        let values = serde_json::json!([{ "a": { "x": 1 } }, { "b": 2 }, { "a": { "y": 3 } }]);
        let values = values.as_array().unwrap().iter();
        let one_of = KnownParts::OneOf(values.map(|v| (&Value::from(v)).into()).collect());
        for (path, why) in [
            ("v.c", "v has no part \"c\"; there are a, b"),
            ("v.a.z", "v.a has no part \"z\"; there are x, y"),
        ] {
            assert_eq!(missing(&one_of, path, &[]).as_deref(), Some(why));
        }
        let either = KnownParts::OneOf(Rc::from([KnownParts::Single, KnownParts::Unknown]));
        assert_eq!(missing(&either, "e.x", &shapes), None);
    }
}
