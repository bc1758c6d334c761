//! Checks whole topics and paths, with all values filled in.
//!
//! A fleet file's topics and paths come here with the values of their placeholders, and those
//! of a recording as they were recorded.

use crate::document::template::{PlaceholderValues, Template};

/// Most bytes of a topic or client id (MQTT 3.1.1, section 1.5.3).
pub(crate) const MAX_TEXT: usize = 65_535;

/// Returns the reason why no message can be published to a topic (MQTT 3.1.1, sections 1.5.3,
/// 4.7.1 and 4.7.3).
#[must_use]
pub fn topic_fault(topic: &str) -> Option<&'static str> {
    if topic.is_empty() {
        return Some("a topic has at least one character");
    }
    if topic.contains(['+', '#']) {
        return Some("a topic to publish to holds no + and no #; those are for subscribing");
    }
    if topic.contains(char::is_control) {
        return Some(
            "a topic holds no NUL, line breaks or other control characters, and a broker closes the connection at one",
        );
    }
    (topic.len() > MAX_TEXT).then_some("a topic has at most 65,535 bytes")
}

/// Returns the reason why a request to a path, with its query, would arrive at another one
/// (RFC 3986, section 3.3, and the URL Standard, section 4.4).
#[must_use]
pub fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("a path begins with /");
    }
    if path.contains('#') {
        return Some("a URL ends at its #, and the rest is not sent; write %23");
    }
    if path.contains(char::is_control) {
        return Some(
            "a URL leaves out line breaks and other control characters; write %0A for a line break",
        );
    }
    if path.ends_with(char::is_whitespace) {
        return Some("a URL leaves out spaces at its end; write %20");
    }
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    if path.contains('\\') {
        return Some("a URL has / in the place of a backslash; write %5C");
    }
    path.split('/')
        .any(is_dots)
        .then_some("a URL leaves out segments of dots, so that it would be another path")
}

/// Fills a template with values that leave its meaning as it is.
pub(crate) fn example(template: &Template) -> String {
    let mut text = String::new();
    let stands_for = "x";
    let names = PlaceholderValues {
        fleet: stands_for,
        run: stands_for,
        group: stands_for,
        device: stands_for,
        index: 0,
        connection: 0,
    };
    template.render(&names, &mut text);
    text
}

/// Returns whether a segment leads to its own or its parent's folder. A dot can be written as
/// `%2e`.
fn is_dots(segment: &str) -> bool {
    let dots = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(dots.as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topic_with_a_fault_is_refused() {
        for topic in ["", "+", "a/#", "a#b", "a\0b", "a\nb", &"x".repeat(65_536)] {
            assert!(topic_fault(topic).is_some(), "{topic:?}");
        }
        for topic in ["a", "/a b/é", "$aws/things/x", &"x".repeat(65_535)] {
            assert_eq!(topic_fault(topic), None, "{topic:?}");
        }
    }

    #[test]
    fn path_that_arrives_as_another_is_refused() {
        for path in [
            "",
            "a",
            "/a/../b",
            "/a?b#c",
            "/./a",
            "/a/..",
            "/a/%2E%2e/b",
            "/.%2e?x",
            "/a\\b",
            "/a ",
            "/a\nb",
        ] {
            assert!(path_fault(path).is_some(), "{path:?}");
        }
        for path in [
            "/",
            "/a b",
            "/a?b=../c\\d",
            "/a//b/...",
            "/é%20%",
            "/.well-known",
        ] {
            assert_eq!(path_fault(path), None, "{path:?}");
        }
    }

    fn decoded(text: &str) -> Vec<u8> {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        let mut place = 0;
        while let Some(&byte) = bytes.get(place) {
            let digits = bytes.get(place + 1..place + 3);
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            let number = digits
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            match number.filter(|_| byte == b'%') {
                Some(number) => {
                    out.push(number);
                    place += 3;
                }
                None => {
                    out.push(byte);
                    place += 1;
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn path_without_a_fault_arrives_as_it_is(path in "/([a.%2eE/?#\\\\ é\t]{0,12}|.{0,12})") {
            if path_fault(&path).is_none() {
                let url = url::Url::parse(&format!("http://h:80{path}")).unwrap();
                let sent = &url[url::Position::BeforePath..];
                prop_assert_eq!(decoded(sent), decoded(&path));
            }
        }
    }
}
