//! Escapes texts for XML and HTML.

use std::borrow::Cow;

use quick_xml::escape::escape;

/// Escapes a text for tags and attributes. Characters that XML 1.0 forbids (section 2.2: most
/// control characters) become a replacement character, since no escape is allowed for them.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    let allowed = |c: char| {
        matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    if text.chars().all(allowed) {
        return escape(text);
    }
    let sound: String = text
        .chars()
        .map(|c| if allowed(c) { c } else { '\u{fffd}' })
        .collect();
    Cow::Owned(escape(sound).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_tag_that_it_is_in() {
        assert_eq!(escaped("plain"), "plain");
        assert_eq!(
            escaped("<a b=\"c\" d='e'>&"),
            "&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;"
        );
        assert_eq!(escaped("a\u{0}b\u{1b}c\n"), "a\u{fffd}b\u{fffd}c\n");
    }
}
