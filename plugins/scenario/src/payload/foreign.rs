//! Explains placeholders of other template languages.

/// Names of other programs, each with the way to the same value.
const FOREIGN_NAMES: [(&[&str], &str); 3] = [
    (
        &["payload", "msg", "message", "topic"],
        "the received message is {{ request }}, and the value of an answer {{ value }}; a message is made of fields, such as {{ temperature }}",
    ),
    (
        &["now", "timestamp", "time", "isoTimestamp", "date"],
        "the time is {{ at }}; a field of the kind \"timestamp\" has other forms",
    ),
    (
        &["uuid", "guid", "randomUUID", "deviceId", "device_id", "id"],
        "{{ device.id }} is the device's id, and a field of the kind \"id\" makes new ones",
    ),
];

/// Explains a block of another language in a text, such as `{% if x %}`.
pub(crate) fn block(text: &str) -> Option<String> {
    let pairs = [("{%", "%}"), ("{#", "#}"), ("<%", "%>")];
    let is_block = |(open, close): &(&str, &str)| {
        let inside = text.split_once(open);
        inside.is_some_and(|(_, rest)| rest.contains(close))
    };
    let (open, close) = pairs.into_iter().find(is_block)?;
    Some(format!(
        "{open} {close} is no part of messages, which fill in {{{{ name }}}} only; {}",
        text_field("{% if x > 3 %}high{% endif %}")
    ))
}

/// Explains the inside of a placeholder that other languages know. A name that is nearly one
/// of the scenario's own is a misspelt one, and not of another program.
pub(crate) fn placeholder(inside: &str, is_misspelt: bool) -> Option<String> {
    let inside = inside.trim();
    let written = format!("{{{{ {inside} }}}}");
    if let Some(name) = inside.strip_prefix('{') {
        let name = name.trim_end_matches('}').trim();
        return Some(format!(
            "three braces are of Handlebars and Mustache; write {{{{ {name} }}}}"
        ));
    }
    if inside.starts_with(['#', '/', '^', '>', '!', '&', '~']) || is_block_word(inside) {
        return Some(format!(
            "{written} is a block or a helper of another language, and messages fill in {{{{ name }}}} only; {}",
            text_field("{% if x > 3 %}high{% endif %}")
        ));
    }
    let bare = inside.trim_start_matches(['.', '$', '-']).trim();
    let name = bare.trim_end_matches('-').trim_end();
    let (first, rest) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    let known = FOREIGN_NAMES.iter().find(|(names, _)| {
        let is_same = |known: &&str| known.eq_ignore_ascii_case(first);
        names.iter().any(is_same)
    });
    if let Some((_, way)) = known.filter(|_| !is_misspelt || name != inside) {
        return Some(format!("{written} is a name of another program: {way}"));
    }
    if name != inside && !first.is_empty() && is_name(first) {
        return Some(format!(
            "{written} is of another template language; write {{{{ {first}{rest} }}}}"
        ));
    }
    if name.contains(" | ")
        || name
            .split_once('|')
            .is_some_and(|(name, _)| is_name(name.trim()))
    {
        return Some(format!(
            "{written} has a filter (|), and messages fill in {{{{ name }}}} only; {}",
            text_field(&written)
        ));
    }
    let is_computed = name.contains(['+', '*', '%', '(', '<', '>', '=', '?', '~'])
        || [" - ", " / ", " and ", " or ", " if "]
            .iter()
            .any(|sign| name.contains(sign))
        || name.starts_with(['"', '\'']);
    is_computed.then(|| {
        format!(
            "{written} computes something, and messages fill in {{{{ name }}}} only; a field does that: fields.result = {{ kind = \"expression\", expression = {name:?} }}, and {{{{ result }}}} here"
        )
    })
}

fn text_field(template: &str) -> String {
    format!(
        "a field does that: fields.result = {{ kind = \"text\", template = '{template}' }}, and {{{{ result }}}} here"
    )
}

/// Returns whether the placeholder begins with a word of control, such as `else`.
fn is_block_word(inside: &str) -> bool {
    let word = inside.split([' ', '(']).next().unwrap_or_default();
    matches!(
        word,
        "if" | "else"
            | "end"
            | "endif"
            | "for"
            | "range"
            | "with"
            | "each"
            | "unless"
            | "define"
            | "template"
    )
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholder_of_another_language_has_a_way_on() {
        let text = "messages fill in {{ name }} only; a field does that: fields.result = { kind = \"text\", template = '";
        let block = "is a block or a helper of another language, and";
        let jinja = "{% if x > 3 %}high{% endif %}' }, and {{ result }} here";
        for (inside, said) in [
            (
                "x | upper",
                format!("{{{{ x | upper }}}} has a filter (|), and {text}{{{{ x | upper }}}}' }}, and {{{{ result }}}} here"),
            ),
            ("#if x", format!("{{{{ #if x }}}} {block} {text}{jinja}")),
            ("/if", format!("{{{{ /if }}}} {block} {text}{jinja}")),
            ("range .Items", format!("{{{{ range .Items }}}} {block} {text}{jinja}")),
            (".Value", "{{ .Value }} is of another template language; write {{ Value }}".to_owned()),
            ("- x -", "{{ - x - }} is of another template language; write {{ x }}".to_owned()),
            ("{x", "three braces are of Handlebars and Mustache; write {{ x }}".to_owned()),
            (
                "payload",
                "{{ payload }} is a name of another program: the received message is {{ request }}, and the value of an answer {{ value }}; a message is made of fields, such as {{ temperature }}".to_owned(),
            ),
            (
                "$timestamp",
                "{{ $timestamp }} is a name of another program: the time is {{ at }}; a field of the kind \"timestamp\" has other forms".to_owned(),
            ),
            (
                "x + 1",
                "{{ x + 1 }} computes something, and messages fill in {{ name }} only; a field does that: fields.result = { kind = \"expression\", expression = \"x + 1\" }, and {{ result }} here".to_owned(),
            ),
        ] {
            assert_eq!(placeholder(inside, false).as_deref(), Some(said.as_str()));
        }
        for own in ["x", "temprature", "x.y", "row[\"a b\"]"] {
            assert_eq!(placeholder(own, false), None, "{own}");
        }
        assert_eq!(placeholder("time", true), None);
    }

    #[test]
    fn block_of_another_language_is_found_in_a_text() {
        assert_eq!(
            super::block("{% if x %}a{% endif %}").as_deref(),
            Some(
                "{% %} is no part of messages, which fill in {{ name }} only; a field does that: fields.result = { kind = \"text\", template = '{% if x > 3 %}high{% endif %}' }, and {{ result }} here"
            )
        );
        for own in ["100 %", "{%", "{\"a\": 1}", "<b>5 %</b>"] {
            assert_eq!(super::block(own), None, "{own}");
        }
    }
}
