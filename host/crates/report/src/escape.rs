//! Texts of others inside of XML and HTML.

use std::borrow::Cow;

use quick_xml::escape::escape;

/// A text as it may stand in XML and HTML, between tags and in attributes. What XML 1.0
/// has no place for (section 2.2: most of the control characters) becomes a replacement
/// character, since no escape would let a parser take it.
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
