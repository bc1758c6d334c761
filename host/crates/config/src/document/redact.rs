//! Removes secrets from the text of a fleet file.
//!
//! Passwords, tokens, keys, values of headers and logins in URLs are removed, so that the text
//! can be stored with a log. References to the environment (`${NAME}`) are no secrets, and stay as they are.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text in place of a secret.
pub(crate) const REDACTED: &str = "***";

/// Words in keys with secret values: the login of a broker, headers of requests, settings of a
/// plugin.
const SECRET_WORDS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "credential",
    "cookie",
    "api-key",
    "apikey",
];

/// The key of tables whose values are all secrets. A service chooses the name of the header that
/// has its token, so that no list of names is complete.
const HEADERS: &str = "headers";

/// Returns whether the value of a key is a secret.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let key = key.to_lowercase().replace('_', "-");
    key == HEADERS
        || SECRET_WORDS.iter().any(|word| key.contains(word))
        || key == "auth"
        || key.ends_with("-key")
}

/// Returns the text without its secrets, or an empty text if it is not TOML.
#[must_use]
pub(crate) fn redact(text: &str) -> String {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return String::new();
    }
    let mut finder = SecretFinder::default();
    finder.table(root.get_ref(), false);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    finder.secrets.sort_by_key(|(range, _)| range.start);
    for (range, instead) in &finder.secrets {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(instead);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    redact_comments(&out)
}

/// Returns a value of the command line without its secret, such as that of `--set
/// targets.broker.password=...`.
#[must_use]
pub(crate) fn redact_value(path: &[String], value: &str) -> String {
    let secret = path.iter().any(|key| is_secret_key(key));
    match secret && !is_reference(value) {
        true => REDACTED.to_owned(),
        false => redact_plain(value),
    }
}

/// Returns a value without its secrets: those of an inline table or array, or the login of a
/// URL.
fn redact_plain(value: &str) -> String {
    let document = format!("x = {value}");
    let shown = match value.trim_start().starts_with(['{', '[']) {
        true => redact(&document),
        false => String::new(),
    };
    match shown.strip_prefix("x = ") {
        Some(shown) => shown.to_owned(),
        None => redact_parts(value).unwrap_or_else(|| value.to_owned()),
    }
}

/// Returns an argument of the command line without its secret: `--set targets.b.password=...`,
/// a login in a URL.
#[must_use]
pub fn redact_argument(word: &str) -> String {
    match word.split_once('=') {
        Some((key, value)) if has_secret_key(key) && !is_reference(value) => {
            format!("{key}={REDACTED}")
        }
        Some((key, value)) if value.trim_start().starts_with(['{', '[']) => {
            format!("{key}={}", redact_plain(value))
        }
        _ => redact_parts(word).unwrap_or_else(|| word.to_owned()),
    }
}

/// Returns whether a key with dots has a secret value: `targets.b.headers.x-custom`.
fn has_secret_key(key: &str) -> bool {
    is_secret_key(key) || key.split('.').any(|part| part.trim_matches('"') == HEADERS)
}

#[derive(Default)]
struct SecretFinder {
    /// The ranges of secrets, each with its replacement.
    secrets: Vec<(Range<usize>, String)>,
}

impl SecretFinder {
    fn table(&mut self, table: &DeTable<'_>, secret: bool) {
        for (key, value) in table {
            self.value(value, secret || is_secret_key(key.get_ref()));
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, secret: bool) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, secret),
            DeValue::Array(array) => array.iter().for_each(|value| self.value(value, secret)),
            DeValue::String(text) => {
                if secret && !is_reference(text) {
                    self.secrets.push((value.span(), format!("\"{REDACTED}\"")));
                } else if let Some(text) = redact_parts(text) {
                    // Format the text as TOML writes it on one line.
                    self.secrets.push((value.span(), format!("{text:?}")));
                }
            }
            DeValue::Integer(_) | DeValue::Float(_) if secret => {
                self.secrets.push((value.span(), format!("\"{REDACTED}\"")));
            }
            _ => {}
        }
    }
}

/// Returns whether every secret part of a text is from the environment.
fn is_reference(text: &str) -> bool {
    let rest: String = match text.split_once("${") {
        Some((before, rest)) if !before.ends_with('$') => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        _ => return false,
    };
    // `Bearer ${TOKEN}`: a word before the reference names its scheme.
    let rest = rest.trim();
    ["", "Bearer", "Basic", "Token", "Digest", "ApiKey"]
        .iter()
        .any(|word| rest.eq_ignore_ascii_case(word))
}

/// Removes logins of URLs, and secret values of queries. `None` if the text has neither.
fn redact_parts(text: &str) -> Option<String> {
    let without = redact_login(text);
    let rest = without.as_deref().unwrap_or(text);
    redact_query(rest).or(without)
}

/// Removes the values of `?token=...` and `&api_key=...`.
fn redact_query(text: &str) -> Option<String> {
    let mut found = false;
    let parts = text
        .split_inclusive(['?', '&'])
        .enumerate()
        .map(|(number, part)| {
            let secret = part.split_once('=').filter(|(name, value)| {
                number > 0 && is_secret_key(name) && !is_reference(value.trim_end_matches('&'))
            });
            let Some((name, value)) = secret else {
                return part.to_owned();
            };
            found = true;
            let end = if value.ends_with('&') { "&" } else { "" };
            format!("{name}={REDACTED}{end}")
        });
    let parts: String = parts.collect();
    found.then_some(parts)
}

/// Removes the logins of URLs in a text.
fn redact_login(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut rest, mut found) = (text, false);
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after
            .find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace())
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        match authority.rsplit_once('@') {
            Some((login, host)) if !login.starts_with("${") => {
                found = true;
                out.push_str(REDACTED);
                out.push('@');
                out.push_str(host);
            }
            _ => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    found.then_some(out)
}

/// Removes comments that mention secrets: such a line may have a former secret. In a table of
/// headers, each comment with a value is one.
fn redact_comments(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut is_of_headers = false;
    for line in &mut lines {
        if let Some(table) = line.trim_start().strip_prefix('[') {
            let name = table.split(']').next().unwrap_or_default();
            is_of_headers = name.trim().ends_with(HEADERS);
        }
        let Some(remark) = line.trim_start().strip_prefix('#') else {
            continue;
        };
        if is_of_headers && remark.contains('=') {
            *line = format!("# {REDACTED}");
            continue;
        }
        let speaks = remark
            .split(['=', ':'])
            .next()
            .is_some_and(|key| key.len() < remark.len() && has_secret_key(key.trim()));
        if speaks || redact_parts(remark).is_some() {
            *line = format!("# {REDACTED}");
        }
    }
    let mut out = lines.join("\n");
    if text.ends_with('\n') {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_gone_and_everything_else_stands_as_it_was() {
        let text = r#"# A remark stays.
# password = "old"
[targets.broker]
url = "mqtt://127.0.0.1:1883"   # here
username = "device"
password = "hunter2"
[targets.api.headers]
authorization = "Bearer abc"
X-Api-Key = 'k1'
x-kind = "telemetry"
[[groups]]
config = { proxy = "http://me:pw@host/x", tokens = ["t1", "t2"], pin = 5, db_password = 77 }
"#;
        let shown = redact(text);
        for secret in [
            "hunter2",
            "abc",
            "k1",
            "telemetry",
            "pw",
            "t1",
            "t2",
            "77",
            "old",
        ] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        let kept = [
            "# A remark stays.",
            "url = \"mqtt://127.0.0.1:1883\"   # here",
            "username = \"device\"",
            "password = \"***\"",
            "x-kind = \"***\"",
            "proxy = \"http://***@host/x\"",
            "pin = 5",
        ];
        for part in kept {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(toml::from_str::<toml::Table>(&shown).is_ok());
    }

    #[test]
    fn values_of_headers_are_gone_wherever_they_are() {
        let text = r#"[targets.api]
headers = { X-Custom = "one", x-site = "${SITE}" }
[targets.api.channels]
t = { path = "/t", headers = { "X-Other" = "two" } }
u = { path = "/u", headers.x-third = "three" }
[targets.b.headers]
# X-Old = "four"
# Each request has it.
X-Custom = "five ${SITE}"
[targets.c]
headers.x-six = 6
# headers.x-seven = "seven"
"#;
        let shown = redact(text);
        for secret in ["one", "two", "three", "four", "five", "6", "seven\""] {
            assert!(
                !shown.contains(&format!("= \"{secret}")),
                "{secret} in {shown}"
            );
        }
        assert!(!shown.contains("four") && !shown.contains("= 6") && !shown.contains("seven\""));
        for part in [
            "X-Custom = \"***\"",
            "x-site = \"${SITE}\"",
            "# Each request has it.",
            "path = \"/t\"",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let path: Vec<String> = ["targets", "b", "headers", "x"].map(Into::into).into();
        assert_eq!(redact_value(&path, "one"), "***");
        assert_eq!(redact_value(&path, "${SITE}"), "${SITE}");
        let argument = redact_argument("targets.b.headers.X-Custom=one");
        assert_eq!(argument, "targets.b.headers.X-Custom=***");
        let channel = "{ path = \"/t\", headers = { X-Custom = \"one\" } }";
        let without = "{ path = \"/t\", headers = { X-Custom = \"***\" } }";
        let path: Vec<String> = ["targets", "b", "channels", "t"].map(Into::into).into();
        assert_eq!(redact_value(&path, channel), without);
        assert_eq!(
            redact_argument(&format!("targets.b.channels.t={channel}")),
            format!("targets.b.channels.t={without}")
        );
    }

    #[test]
    fn what_comes_from_the_environment_is_shown_as_it_is_written() {
        let text = "password = \"${PW}\"\nauthorization = \"Bearer ${T}\"\n";
        assert_eq!(redact(text), text);
        // Text next to a reference may be a secret, and so may an escaped reference.
        assert!(!redact("password = \"abc${PW}\"").contains("abc"));
        assert!(!redact("password = \"$${PW}\"").contains("PW"));
    }

    #[test]
    fn values_of_the_command_line_are_treated_the_same() {
        let path = |key: &str| key.split('.').map(str::to_owned).collect::<Vec<_>>();
        let shown = |key, value| redact_value(&path(key), value);
        assert_eq!(shown("targets.b.password", "hunter2"), "***");
        assert_eq!(shown("targets.b.password", "${PW}"), "${PW}");
        assert_eq!(shown("targets.b.qos", "1"), "1");
        assert_eq!(shown("targets.b.url", "http://a:b@c"), "http://***@c");
        assert_eq!(
            shown("path", "/x?device={device}&api_key=abc&n=1"),
            "/x?device={device}&api_key=***&n=1"
        );
        assert_eq!(shown("path", "/x?token=${T}"), "/x?token=${T}");
    }

    #[test]
    fn words_of_a_command_line_are_treated_the_same() {
        let shown = [
            ("mqtt://me:pw@host:1883", "mqtt://***@host:1883"),
            ("targets.b.password=hunter2", "targets.b.password=***"),
            ("targets.b.password=${PW}", "targets.b.password=${PW}"),
            ("device=meter", "device=meter"),
            ("logs", "logs"),
        ];
        for (word, without) in shown {
            assert_eq!(redact_argument(word), without);
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[a-z\\[\\]=\"'{}.,#\n :/@0-9$-]{0,80}") {
            let _ = (redact(&text), redact_parts(&text));
        }

        #[test]
        fn no_secret_gets_through(secret in "[A-Z]{8}", key in "(password|api_key|x-token)") {
            let shown = redact(&format!("a.b.{key} = \"{secret}\""));
            prop_assert!(!shown.contains(&secret));
        }
    }
}
