//! Parses texts with `{{ name }}` and fills them in.

use std::rc::Rc;

use mockfleet_sdk::generate::{PartPath, Value};

use crate::payload::foreign;
use crate::payload::template_context::TemplateContext;

/// The value, or the part of one, that replaces a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    position: usize,
    parts: Rc<[Rc<str>]>,
}

impl Reference {
    /// The value; a part that does not exist is missing.
    pub(crate) fn of<'a>(&self, values: &'a [Value]) -> &'a Value {
        let value = values.get(self.position);
        let part = value.and_then(|value| value.at(&self.parts));
        part.unwrap_or(&Value::Missing)
    }
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Fixed text.
    Fixed(Box<str>),
    /// A placeholder.
    Filled(Reference),
}

/// A parsed text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

impl Template {
    /// Parses the text at `path` of the settings.
    pub(crate) fn read(text: &str, path: &str, context: &mut TemplateContext<'_>) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut sound = true;
        if let Some(why) = foreign::block(text) {
            context.report(path, why);
            return None;
        }
        while let Some((before, from)) = rest.split_once("{{") {
            if !before.is_empty() {
                pieces.push(Piece::Fixed(before.into()));
            }
            let Some((name, after)) = from.split_once("}}") else {
                context.report(
                    path,
                    format_args!("{{{{ is not closed in {text:?}; write {{{{ name }}}}"),
                );
                return None;
            };
            match reference(name.trim(), path, context) {
                Some(reference) => pieces.push(Piece::Filled(reference)),
                None => sound = false,
            }
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Fixed(rest.into()));
        }
        sound.then_some(Self(pieces))
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The placeholder, if the text is only one.
    pub(crate) fn single(&self) -> Option<&Reference> {
        match self.0.as_slice() {
            [Piece::Filled(reference)] => Some(reference),
            _ => None,
        }
    }

    /// Writes the text with its values; a missing value or null leaves nothing.
    pub(crate) fn write(&self, values: &[Value], into: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Fixed(text) => into.extend_from_slice(text.as_bytes()),
                Piece::Filled(reference) => plain(reference.of(values), into),
            }
        }
    }

    /// The text with its values.
    pub(crate) fn text(&self, values: &[Value]) -> String {
        let mut bytes = Vec::new();
        self.write(values, &mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Writes a value as part of a text.
pub(crate) fn plain(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::Missing | Value::Null => {}
        Value::Text(text) => into.extend_from_slice(text.as_bytes()),
        other => other.write_json(into),
    }
}

fn reference(written: &str, path: &str, context: &mut TemplateContext<'_>) -> Option<Reference> {
    let found = PartPath::parse(written).and_then(|path| {
        let position = context.names.position(&path.name)?;
        match context.names.missing_part(position, &path) {
            Some(why) => Err(why),
            None => Ok((position, path.parts)),
        }
    });
    match found {
        Ok((position, parts)) => {
            if !context.reads.contains(&position) {
                context.reads.push(position);
            }
            Some(Reference { position, parts })
        }
        Err(why) => {
            let is_misspelt = why.contains("did you mean");
            let foreign = foreign::placeholder(written, is_misspelt);
            context.report(path, foreign.unwrap_or(why));
            None
        }
    }
}
