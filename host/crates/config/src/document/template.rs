//! Parses and renders templates of topics, paths and ids.
//!
//! A template is parsed once, and rendered for each message.

use crate::document::problem::ValueError;
use std::fmt;

use crate::document::redact::REDACTED;

/// A placeholder of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `{device}`: the device's id.
    Device,
    /// `{group}`: the name of its group.
    Group,
    /// `{index}`: the device's index in its group, from 0. `{index:05}` fills up to five
    /// digits with zeros.
    Index,
    /// `{fleet}`: the fleet's name.
    Fleet,
    /// `{run}`: the run's id.
    Run,
    /// `{connection}`: the number of a shared connection.
    Connection,
}

const PLACEHOLDERS: [(&str, Placeholder); 6] = [
    ("device", Placeholder::Device),
    ("group", Placeholder::Group),
    ("index", Placeholder::Index),
    ("fleet", Placeholder::Fleet),
    ("run", Placeholder::Run),
    ("connection", Placeholder::Connection),
];

/// Placeholders of a device's messages.
pub(crate) const DEVICE_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Device,
    Placeholder::Group,
    Placeholder::Index,
    Placeholder::Fleet,
    Placeholder::Run,
];

/// Placeholders of a device id, without the run, so that the same seed gives the same ids.
pub(crate) const ID_PLACEHOLDERS: &[Placeholder] =
    &[Placeholder::Group, Placeholder::Index, Placeholder::Fleet];

/// Placeholders of a shared connection.
pub(crate) const CONNECTION_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Fleet,
    Placeholder::Run,
    Placeholder::Connection,
];

/// The values of the placeholders.
#[derive(Debug, Clone, Copy)]
pub struct PlaceholderValues<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The run's id.
    pub run: &'a str,
    /// The group's name.
    pub group: &'a str,
    /// The device's id.
    pub device: &'a str,
    /// Index of the device in its group.
    pub index: u32,
    /// The number of a shared connection.
    pub connection: u32,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder, usize),
}

/// A text with placeholders. Its `Debug` shows the placeholders only, since the text may
/// contain a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    parts: Box<[Part]>,
    /// The template with `${NAME}` in place of values of the environment; `None` if there are
    /// none.
    shown: Option<Box<Self>>,
}

impl Template {
    /// Parses a template. `{{` and `}}` are escaped braces.
    ///
    /// # Errors
    /// The placeholder is unknown or not allowed here, or a brace is not closed.
    pub fn parse(text: &str, allowed: &[Placeholder]) -> Result<Self, ValueError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                if let Some(name) = doubled_placeholder(&plain, after) {
                    return Err(format!(
                        "{{{{ and }}}} are braces here, so that {{{name}}} would be sent literally; a placeholder has single ones: {{{name}}}"
                    ).into());
                }
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if let Some((inside, after)) = from
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'))
            {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(placeholder(inside, allowed)?);
                rest = after;
            } else {
                return Err("a brace stands alone; write {{ or }} for a brace itself".into());
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self::from_parts(parts))
    }

    fn from_parts(parts: Vec<Part>) -> Self {
        Self {
            parts: parts.into_boxed_slice(),
            shown: None,
        }
    }

    /// Returns the template with the text that rows and messages show, in which `${NAME}` is in
    /// place of values of the environment.
    pub(crate) fn with_references(mut self, text: &str, allowed: &[Placeholder]) -> Self {
        let shown = Self::parse(text, allowed);
        // A value with a part of a placeholder leaves no template behind.
        let hidden = |_| Self::from_parts(vec![Part::Text(REDACTED.to_owned())]);
        self.shown = Some(Box::new(shown.unwrap_or_else(hidden)));
        self
    }

    /// Returns the template that rows and messages show.
    #[must_use]
    pub fn shown(&self) -> Self {
        self.shown.as_deref().unwrap_or(self).clone()
    }

    /// Returns the name of the first placeholder that a plain text contains.
    pub(crate) fn first_placeholder(text: &str) -> Option<&'static str> {
        let mut known = PLACEHOLDERS.iter().map(|(name, _)| *name);
        known.find(|name| text.contains(&format!("{{{name}}}")))
    }

    /// Returns whether the template contains a placeholder.
    #[must_use]
    pub fn has(&self, name: Placeholder) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Placeholder(has, _) if *has == name))
    }

    /// Appends the text with all placeholders filled in.
    pub fn render(&self, names: &PlaceholderValues<'_>, into: &mut String) {
        render(&self.parts, names, into);
    }

    /// Appends the text that rows and messages show, with all placeholders filled in.
    pub fn render_shown(&self, names: &PlaceholderValues<'_>, into: &mut String) {
        render(&self.shown.as_deref().unwrap_or(self).parts, names, into);
    }

    /// Returns whether rows and messages show another text than the one that is sent.
    #[must_use]
    pub fn has_references(&self) -> bool {
        self.shown.is_some()
    }

    /// Returns the texts between placeholders, for checks.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Placeholder(..) => None,
        })
    }

    /// Returns the text before the first placeholder.
    pub(crate) fn head(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Splits the template at the first `?` of its own text.
    pub(crate) fn split_at_query(&self) -> (Self, Self) {
        let (mut path, mut query) = (Vec::new(), Vec::new());
        let mut is_query = false;
        for part in &self.parts {
            match part {
                Part::Text(text) if !is_query && text.contains('?') => {
                    let (before, after) = text.split_once('?').unwrap_or((text, ""));
                    path.push(Part::Text(before.to_owned()));
                    query.push(Part::Text(after.to_owned()));
                    is_query = true;
                }
                part if is_query => query.push(part.clone()),
                part => path.push(part.clone()),
            }
        }
        (Self::from_parts(path), Self::from_parts(query))
    }

    /// Returns whether the template is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl fmt::Display for Template {
    /// Formats the text that the template was parsed from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Placeholder(name, width) => {
                    let known = PLACEHOLDERS.iter().find(|(_, known)| known == name);
                    let text = known.map_or("", |(text, _)| *text);
                    match width {
                        0 => write!(f, "{{{text}}}")?,
                        width => write!(f, "{{{text}:0{width}}}")?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl serde::Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let all = PLACEHOLDERS.map(|(_, name)| name);
        Self::parse(&text, &all).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.parts.iter().map(|part| match part {
            Part::Text(_) => "…",
            Part::Placeholder(name, _) => PLACEHOLDERS
                .iter()
                .find(|(_, known)| known == name)
                .map_or("", |(text, _)| text),
        });
        f.debug_tuple("Template")
            .field(&names.collect::<Vec<_>>())
            .finish()
    }
}

fn render(parts: &[Part], names: &PlaceholderValues<'_>, into: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => into.push_str(text),
            Part::Placeholder(Placeholder::Device, _) => into.push_str(names.device),
            Part::Placeholder(Placeholder::Group, _) => into.push_str(names.group),
            Part::Placeholder(Placeholder::Fleet, _) => into.push_str(names.fleet),
            Part::Placeholder(Placeholder::Run, _) => into.push_str(names.run),
            Part::Placeholder(Placeholder::Index, width) => push_number(into, names.index, *width),
            Part::Placeholder(Placeholder::Connection, width) => {
                push_number(into, names.connection, *width)
            }
        }
    }
}

/// Returns the placeholder that a text has in doubled braces, as other languages write it:
/// `{{device}}`, `{{ .Index }}`. `${{NAME}}` is an escaped reference to the environment.
fn doubled_placeholder(before: &str, after: &str) -> Option<&'static str> {
    let inside = after.split_once("}}")?.0.trim();
    let name = inside.trim_start_matches(['.', '$']);
    let known = PLACEHOLDERS.iter().find(|(known, _)| {
        let parts = name.split_once(['.', '|', ' ']);
        let first = parts.map_or(name, |(first, _)| first);
        first.eq_ignore_ascii_case(known)
    })?;
    (!before.ends_with('$')).then_some(known.0)
}

/// Appends a number. It is called once or twice a row, and `write!` would take half the time
/// of rendering.
fn push_number(into: &mut String, mut value: u32, width: usize) {
    let mut digits = [b'0'; 10];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        if value == 0 && used > 0 {
            break;
        }
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        used += 1;
    }
    let from = digits.len() - used.max(width.min(digits.len()));
    let digits = digits.get(from..).unwrap_or_default();
    into.extend(digits.iter().copied().map(char::from));
}

fn placeholder(inside: &str, allowed: &[Placeholder]) -> Result<Part, ValueError> {
    let (name, format) = inside
        .split_once(':')
        .map_or((inside, None), |(name, format)| (name, Some(format)));
    let found = PLACEHOLDERS
        .iter()
        .find(|(known, meant)| *known == name && allowed.contains(meant));
    let Some((_, found)) = found else {
        let known: Vec<String> = PLACEHOLDERS
            .iter()
            .filter(|(_, meant)| allowed.contains(meant))
            .map(|(known, _)| format!("{{{known}}}"))
            .collect();
        return Err(format!(
            "{{{inside}}} is no placeholder here; there are {} (write {{{{ and }}}} for braces)",
            known.join(", ")
        )
        .into());
    };
    let width = match format {
        None => Some(0),
        Some(format) if matches!(found, Placeholder::Index | Placeholder::Connection) => format
            .strip_prefix('0')
            .and_then(|width| width.parse().ok())
            .filter(|width| (1..=10).contains(width)),
        Some(_) => None,
    };
    match width {
        Some(width) => Ok(Part::Placeholder(*found, width)),
        None => Err(format!(
            "{{{inside}}} has a format that is not known; only numbers have one, up to ten digits: {{index:05}}"
        ).into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: PlaceholderValues<'_> = PlaceholderValues {
        fleet: "f",
        run: "r",
        group: "g",
        device: "g-00007",
        index: 7,
        connection: 3,
    };

    fn rendered(text: &str) -> String {
        let mut out = String::new();
        let all: Vec<Placeholder> = super::PLACEHOLDERS.iter().map(|(_, name)| *name).collect();
        Template::parse(text, &all)
            .unwrap()
            .render(&VALUES, &mut out);
        out
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(rendered("{fleet}/{group}/{device}"), "f/g/g-00007");
        assert_eq!(rendered("{index}-{index:05}-{connection}"), "7-00007-3");
        for (value, width, text) in [
            (0, 0, "0"),
            (0, 3, "000"),
            (42, 1, "42"),
            (u32::MAX, 5, "4294967295"),
            (90, 10, "0000000090"),
        ] {
            let mut out = String::new();
            push_number(&mut out, value, width);
            assert_eq!(out, text);
        }
        assert_eq!(rendered("{{\"run\":\"{run}\"}}"), "{\"run\":\"r\"}");
    }

    #[test]
    fn what_is_not_known_is_said() {
        let error = |text| {
            Template::parse(text, ID_PLACEHOLDERS)
                .unwrap_err()
                .to_string()
        };
        assert!(error("{device}").contains("there are {group}, {index}, {fleet}"));
        assert!(error("{index:x}").contains("{index:05}"));
        assert!(error("{group").contains("stands alone"));
        assert!(error("a}").contains("stands alone"));
    }

    #[test]
    fn placeholder_in_doubled_braces_is_refused() {
        let all = super::PLACEHOLDERS.map(|(_, name)| name);
        for text in [
            "a/{{device}}",
            "a/{{ device.id }}",
            "a/{{.Device}}",
            "{{ device | upper }}",
        ] {
            assert_eq!(
                Template::parse(text, &all).unwrap_err().to_string(),
                "{{ and }} are braces here, so that {device} would be sent literally; a placeholder has single ones: {device}",
                "{text}"
            );
        }
        assert_eq!(
            rendered("{{\"device\":\"{device}\"}}"),
            "{\"device\":\"g-00007\"}"
        );
        assert_eq!(rendered("${{device}}"), "${device}");
    }

    #[test]
    fn rows_show_names_in_place_of_values_of_the_environment() {
        let template = Template::parse("in/s3cret/{index}", DEVICE_PLACEHOLDERS)
            .unwrap()
            .with_references("in/${{TOK}}/{index}", DEVICE_PLACEHOLDERS);
        let (mut sent, mut shown) = (String::new(), String::new());
        template.render(&VALUES, &mut sent);
        template.render_shown(&VALUES, &mut shown);
        assert_eq!(
            (sent.as_str(), shown.as_str()),
            ("in/s3cret/7", "in/${TOK}/7")
        );
        let log = serde_json::to_string(&template.shown()).unwrap();
        assert!(!log.contains("s3cret"), "{log}");
        // A value with half of a placeholder.
        let odd = Template::parse("in/{index}", DEVICE_PLACEHOLDERS)
            .unwrap()
            .with_references("in/{ind${{TOK}}", DEVICE_PLACEHOLDERS);
        shown.clear();
        odd.render_shown(&VALUES, &mut shown);
        assert_eq!(shown, REDACTED);
    }

    #[test]
    fn debug_keeps_secrets() {
        let template = Template::parse("Bearer 123 {device}", DEVICE_PLACEHOLDERS).unwrap();
        assert_eq!(format!("{template:?}"), "Template([\"…\", \"device\"])");
    }

    #[test]
    fn a_template_survives_its_own_text() {
        let text = "{{x}}/{group}/{index:05}-{index}/{connection:03}";
        let all = super::PLACEHOLDERS.map(|(_, name)| name);
        let template = Template::parse(text, &all).unwrap();
        assert_eq!(template.to_string(), text);
        let json = serde_json::to_string(&template).unwrap();
        assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), template);
    }

    proptest! {
        #[test]
        fn text_with_doubled_braces_is_itself(text in ".{0,30}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(rendered(&doubled), text);
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,30}") {
            let _ = Template::parse(&text, DEVICE_PLACEHOLDERS);
        }
    }
}
