//! Fills in `${NAME}` from the environment.

use crate::document::problem::ValueError;
use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

/// Replaces each `${NAME}` with its value; `$${` is an escaped `${`. The flag is true if a
/// value was filled in.
pub(crate) fn expand(
    text: &str,
    mut environment: impl FnMut(&str) -> Option<String>,
) -> Result<(String, bool), ValueError> {
    let mut out = String::new();
    let mut rest = text;
    let mut filled = false;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('$') {
            out.push_str(escaped);
            out.push_str("${");
            rest = from.get(2..).unwrap_or("");
            continue;
        }
        out.push_str(before);
        let Some((name, after)) = from.get(2..).and_then(|inside| inside.split_once('}')) else {
            return Err("${ is not closed; write ${NAME}, or $${ for the characters".into());
        };
        let Some(value) = environment(name) else {
            return Err(format!(
                "${{{name}}}: the environment has no {name:?}; set it (export {name}=…), or write $${{{name}}} for the text itself"
            ).into());
        };
        out.push_str(&value);
        filled = true;
        rest = after;
    }
    out.push_str(rest);
    Ok((out, filled))
}

/// Returns the name of a text that is one `${NAME}` and nothing else.
pub(crate) fn whole_reference(written: &str) -> Option<&str> {
    let name = written.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['$', '{', '}'])).then_some(name)
}

/// Returns a text for a template in which each `${NAME}` stays, with escaped braces.
pub(crate) fn with_references(written: &str) -> String {
    let escaped = |name: &str| Some(format!("${{{{{name}}}}}"));
    expand(written, escaped).map_or_else(|_| String::new(), |(text, _)| text)
}

/// Fills in the `${NAME}` of a topic or path in a row of the log, which has them in place of
/// values of the environment.
///
/// # Errors
/// A name that the environment does not have.
pub fn fill_references(topic: &str) -> Result<String, ValueError> {
    expand(topic, |name| std::env::var(name).ok()).map(|(text, _)| text)
}

/// Returns the names `${NAME}` in the values of a TOML text, or none if the text is not TOML.
#[must_use]
pub fn environment_names(text: &str) -> BTreeSet<String> {
    fn collect(value: &DeValue<'_>, names: &mut BTreeSet<String>) {
        match value {
            DeValue::String(text) => {
                let asked = |name: &str| {
                    names.insert(name.to_owned());
                    Some(String::new())
                };
                // The reader of the value reports an open `${`.
                let _ = expand(text, asked);
            }
            DeValue::Array(entries) => entries
                .iter()
                .for_each(|entry| collect(entry.get_ref(), names)),
            DeValue::Table(table) => table
                .values()
                .for_each(|value| collect(value.get_ref(), names)),
            _ => {}
        }
    }
    let (root, _) = DeTable::parse_recoverable(text);
    let mut names = BTreeSet::new();
    root.get_ref()
        .values()
        .for_each(|value| collect(value.get_ref(), &mut names));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "s3cret".to_owned())
    }

    #[test]
    fn template_keeps_references() {
        assert_eq!(
            with_references("a/${TOKEN}/{device}"),
            "a/${{TOKEN}}/{device}"
        );
        assert_eq!(with_references("a/$${{x}}"), "a/${{x}}");
        assert_eq!(fill_references("a/b").unwrap(), "a/b");
        let why = fill_references("a/${NOT_SET_ANYWHERE}")
            .unwrap_err()
            .to_string();
        assert!(why.contains("export NOT_SET_ANYWHERE="), "{why}");
    }

    #[test]
    fn references_are_filled_in_from_the_environment() {
        let expanded = |text| expand(text, environment);
        assert_eq!(
            expanded("Bearer ${TOKEN}!").unwrap(),
            ("Bearer s3cret!".into(), true)
        );
        assert_eq!(expanded("$${TOKEN}").unwrap(), ("${TOKEN}".into(), false));
        assert_eq!(expanded("5 $ {x}").unwrap(), ("5 $ {x}".into(), false));
        let refused = |text| expanded(text).unwrap_err().to_string();
        assert!(refused("${NOPE}").contains("export NOPE="));
        assert!(refused("${TOKEN").contains("not closed"));
    }
}
