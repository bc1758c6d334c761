//! Compares topics with topic filters (MQTT 3.1.1, section 4.7).

/// The prefix of shared subscriptions, before their group: MQTT 5, section 4.8.2, which
/// brokers also offer to clients of 3.1.1.
const SHARED: &str = "$share/";

/// The prefixes of EMQX: a shared subscription without a group, and an exclusive one.
const PREFIXES: [&str; 2] = ["$queue/", "$exclusive/"];

/// Returns whether one of several subscribers receives a message of the filter.
pub(crate) fn is_shared(filter: &str) -> bool {
    filter.starts_with(SHARED) || filter.starts_with(PREFIXES[0])
}

/// Returns whether a message of this topic can be due to a subscription to the filter.
/// Messages of a shared subscription come with their plain topic.
pub(crate) fn is_subscribed(topic: &str, filter: &str) -> bool {
    if let Some((_, own)) = filter
        .strip_prefix(SHARED)
        .and_then(|rest| rest.split_once('/'))
    {
        return matches(topic, own);
    }
    let own = PREFIXES
        .iter()
        .find_map(|prefix| filter.strip_prefix(prefix));
    matches(topic, filter) || own.is_some_and(|own| matches(topic, own))
}

/// Returns whether a filter has wildcards or a prefix, so that it fits other topics than
/// its own text.
pub(crate) fn is_pattern(filter: &str) -> bool {
    filter.contains(['+', '#']) || is_shared(filter) || filter.starts_with(PREFIXES[1])
}

fn matches(topic: &str, filter: &str) -> bool {
    // A wildcard at the beginning does not fit the broker's own topics (section 4.7.2).
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            // Also the level above: `a/#` fits `a`.
            ("#", _) => return true,
            (_, None) => return false,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_fit_the_topics_of_the_standard() {
        for (topic, filter, fits) in [
            ("a/b/c", "a/b/c", true),
            ("a/b", "a/b/c", false),
            ("a/b/c", "a/b", false),
            ("a/b/c", "a/+/c", true),
            ("a/b/c", "a/#", true),
            ("a", "a/#", true),
            ("a", "#", true),
            ("/a", "+/+", true),
            ("/a", "+", false),
            ("$SYS/a", "#", false),
            ("$SYS/a", "+/a", false),
            ("$SYS/a", "$SYS/#", true),
            (
                "$aws/things/d/shadow/delta",
                "$aws/things/+/shadow/delta",
                true,
            ),
            ("größe/a", "größe/+", true),
            ("é", "+", true),
        ] {
            assert_eq!(is_subscribed(topic, filter), fits, "{topic} {filter}");
        }
    }

    #[test]
    fn shared_subscriptions_fit_the_plain_topic() {
        assert!(is_subscribed("jobs", "$share/g/jobs"));
        assert!(is_subscribed("jobs/1", "$share/g/jobs/+"));
        assert!(is_subscribed("/jobs", "$share/g//jobs"));
        assert!(is_subscribed("jobs", "$queue/jobs"));
        assert!(is_subscribed("jobs", "$exclusive/jobs"));
        assert!(!is_subscribed("g/jobs", "$share/g/jobs"));
        assert!(!is_subscribed("$SYS/a", "$share/g/#"));
        assert!(is_shared("$share/g/jobs") && !is_shared("share/g/jobs"));
        assert!(is_pattern("$exclusive/jobs") && !is_pattern("$aws/jobs"));
    }
}
