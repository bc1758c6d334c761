//! Writes JSON payloads from fixed bytes and values between them.
//!
//! The result is valid JSON for all values.

use mockfleet_sdk::generate::Value;

use crate::config::Tree;
use crate::payload::template::{Piece, Reference, Template, plain};
use crate::payload::template_context::TemplateContext;

/// A JSON template, as the steps that write it.
#[derive(Debug)]
pub(crate) struct Json(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// These bytes.
    Fixed(Vec<u8>),
    /// A comma, unless it would be the first in its object.
    Comma,
    /// A value of any type.
    Value(Reference),
    /// A member with its key; left out when its value is missing.
    Member(Vec<u8>, Reference),
    /// A value within a text.
    Inside(Reference),
}

impl Json {
    /// Compiles a tree, or a text that is JSON with placeholders.
    pub(crate) fn read(tree: &Tree, context: &mut TemplateContext<'_>) -> Option<Self> {
        let mut steps = Steps::default();
        let sound = match tree {
            Tree::Text(text) => steps.document(text, context),
            tree => steps.tree(tree, "json", context),
        };
        sound.then(|| Self(steps.finish()))
    }

    pub(crate) fn write(&self, values: &[Value], into: &mut Vec<u8>) {
        for step in &self.0 {
            match step {
                Step::Fixed(bytes) => into.extend_from_slice(bytes),
                Step::Comma => comma(into),
                Step::Value(reference) => reference.of(values).write_json(into),
                Step::Member(key, reference) => {
                    let value = reference.of(values);
                    if *value != Value::Missing {
                        comma(into);
                        into.extend_from_slice(key);
                        value.write_json(into);
                    }
                }
                Step::Inside(reference) => inside(reference.of(values), into),
            }
        }
    }
}

/// An object without a member ends in its opening brace, and no member does.
fn comma(into: &mut Vec<u8>) {
    if into.last() != Some(&b'{') {
        into.push(b',');
    }
}

/// Writes a value within a JSON text, escaped as JSON requires.
fn inside(value: &Value, into: &mut Vec<u8>) {
    let start = into.len();
    plain(value, into);
    let written = into.get(start..).unwrap_or_default();
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if written.iter().all(plain) {
        return;
    }
    let text = String::from_utf8_lossy(written).into_owned();
    into.truncate(start);
    into.extend_from_slice(unquoted(&text).as_bytes());
}

/// A text in JSON without its quotes.
fn unquoted(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// A list of steps that merges adjacent fixed bytes.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn finish(self) -> Vec<Step> {
        self.0
    }

    fn fixed(&mut self, bytes: &[u8]) {
        match self.0.last_mut() {
            Some(Step::Fixed(last)) => last.extend_from_slice(bytes),
            _ => self.0.push(Step::Fixed(bytes.to_vec())),
        }
    }

    fn tree(&mut self, tree: &Tree, path: &str, context: &mut TemplateContext<'_>) -> bool {
        match tree {
            Tree::Scalar(value) => {
                self.fixed(value.to_string().as_bytes());
                true
            }
            Tree::Text(text) => match Template::read(text, path, context) {
                Some(template) => {
                    self.text(&template);
                    true
                }
                None => false,
            },
            Tree::Array(items) => {
                let mut sound = true;
                self.fixed(b"[");
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.fixed(b",");
                    }
                    sound &= self.tree(item, &format!("{path}.{place}"), context);
                }
                self.fixed(b"]");
                sound
            }
            Tree::Object(members) => {
                let mut sound = true;
                // After a member that may be missing, the comma depends on the values.
                let mut certain = true;
                self.fixed(b"{");
                for (place, (key, tree)) in members.iter().enumerate() {
                    let path = format!("{path}.{key}");
                    let key = format!("{}:", serde_json::Value::from(key.as_str()));
                    let template = match tree {
                        Tree::Text(text) => Template::read(text, &path, context),
                        _ => None,
                    };
                    if matches!(tree, Tree::Text(_)) && template.is_none() {
                        sound = false;
                        continue;
                    }
                    if let Some(reference) = template.as_ref().and_then(Template::single) {
                        certain = false;
                        let step = Step::Member(key.into_bytes(), reference.clone());
                        self.0.push(step);
                        continue;
                    }
                    match (certain, place) {
                        (true, 0) => {}
                        (true, _) => self.fixed(b","),
                        (false, _) => self.0.push(Step::Comma),
                    }
                    self.fixed(key.as_bytes());
                    match template {
                        Some(template) => self.text(&template),
                        None => sound &= self.tree(tree, &path, context),
                    }
                    // This member is always written, so the next has a comma.
                    certain = true;
                }
                self.fixed(b"}");
                sound
            }
        }
    }

    /// Adds a text: the value itself if it is only a placeholder.
    fn text(&mut self, template: &Template) {
        if let Some(reference) = template.single() {
            self.0.push(Step::Value(reference.clone()));
            return;
        }
        self.fixed(b"\"");
        for piece in template.pieces() {
            match piece {
                Piece::Fixed(text) => self.fixed(unquoted(text).as_bytes()),
                Piece::Filled(reference) => self.0.push(Step::Inside(reference.clone())),
            }
        }
        self.fixed(b"\"");
    }

    /// Adds JSON that is written as a text. It is checked with `null` or nothing in place
    /// of each placeholder: if that is JSON, it is JSON for all values.
    fn document(&mut self, text: &str, context: &mut TemplateContext<'_>) -> bool {
        let Some(template) = Template::read(text, "json", context) else {
            return false;
        };
        let mut probe = Vec::new();
        let mut quoted = false;
        for piece in template.pieces() {
            match piece {
                Piece::Fixed(text) => {
                    probe.extend_from_slice(text.as_bytes());
                    self.fixed(text.as_bytes());
                    quoted = ends_quoted(text, quoted);
                }
                Piece::Filled(reference) if quoted => {
                    self.0.push(Step::Inside(reference.clone()));
                }
                Piece::Filled(reference) => {
                    probe.extend_from_slice(b"null");
                    self.0.push(Step::Value(reference.clone()));
                }
            }
        }
        match serde_json::from_slice::<serde::de::IgnoredAny>(&probe) {
            Ok(_) => true,
            Err(error) => {
                context.report(
                    "json",
                    format_args!(
                        "this does not become JSON: {error} (with null for each {{{{ name }}}}: {})",
                        String::from_utf8_lossy(&probe).trim()
                    ),
                );
                false
            }
        }
    }
}

/// Whether a piece of JSON ends within a text.
fn ends_quoted(piece: &str, mut quoted: bool) -> bool {
    let mut escaped = false;
    for byte in piece.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use crate::payload::tests::{payload, problems_of};
    use mockfleet_sdk::generate::Value;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "its calls read better")]
    fn written(template: serde_json::Value, values: &[Value]) -> String {
        let payload = payload(json!({ "json": template })).unwrap();
        String::from_utf8(payload.write(values).unwrap()).unwrap()
    }

    #[test]
    fn a_text_that_is_one_placeholder_has_the_type_of_its_value() {
        let template =
            json!({ "a": "{{ a }}", "b": "<{{ b }}>", "c": [1, "{{ a }}", { "d": null }] });
        assert_eq!(
            written(template, &[Value::Integer(5), Value::text("say \"x\"")]),
            r#"{"a":5,"b":"<say \"x\">","c":[1,5,{"d":null}]}"#
        );
    }

    #[test]
    fn member_with_missing_value_is_left_out() {
        for (a, b, expected) in [
            (Value::Missing, Value::Missing, r#"{"n":{},"x":1}"#),
            (Value::Missing, Value::Null, r#"{"n":{"b":null},"x":1}"#),
            (
                Value::Integer(1),
                Value::Missing,
                r#"{"a":1,"n":{"a":1},"x":1}"#,
            ),
        ] {
            let template =
                json!({ "a": "{{ a }}", "n": { "a": "{{ a }}", "b": "{{ b }}" }, "x": 1 });
            assert_eq!(written(template, &[a, b]), expected);
        }
        assert_eq!(written(json!(["{{ a }}"]), &[Value::Missing]), "[null]");
    }

    #[test]
    fn json_as_a_text_is_filled_in_by_place() {
        let template = json!(r#"{"t": {{ a }}, "u": "{{ b }} {{ a }}", "{{ b }}": [{{b}}]}"#);
        assert_eq!(
            written(template, &[Value::Number(1.5), Value::text("a\\b")]),
            r#"{"t": 1.5, "u": "a\\b 1.5", "a\\b": ["a\\b"]}"#
        );
    }

    #[test]
    fn template_that_is_no_json_is_refused() {
        let found = problems_of(json!({ "json": r#"{"t": {{ a }} {{ b }}}"# }));
        let [(path, text)] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(path, "json");
        assert!(
            text.starts_with("this does not become JSON: expected `,` or `}`"),
            "{text}"
        );
    }
}
