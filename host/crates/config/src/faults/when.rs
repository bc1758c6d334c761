//! When a fault happens: its window, its moments in it, and how long each lasts. What
//! could never happen is refused here.

use std::time::Duration;

use super::super::keys::Keys;
use super::super::units::shown;
use super::{FaultKind, LONGEST, Moments, When};

const SHORTEST: Duration = Duration::from_millis(1);

/// Reads when a fault of this kind happens in a run of this duration.
pub(super) fn read(
    keys: &Keys<'_>,
    word: &str,
    kind: Option<&FaultKind>,
    duration: Option<Duration>,
) -> Option<When> {
    let from = match keys.node("from") {
        None => Some(Duration::ZERO),
        Some(_) => keys.duration("from", Duration::ZERO..=LONGEST),
    };
    let until = optional(keys, "until", SHORTEST);
    let moments = moments(keys, word, kind, from.unwrap_or_default());
    let when = When {
        from: from?,
        until: until?,
        moments: moments?,
    };
    possible(keys, &when, duration).then_some(when)
}

fn optional(keys: &Keys<'_>, key: &str, least: Duration) -> Option<Option<Duration>> {
    match keys.node(key) {
        None => Some(None),
        Some(_) => keys.duration(key, least..=LONGEST).map(Some),
    }
}

fn moments(
    keys: &Keys<'_>,
    word: &str,
    kind: Option<&FaultKind>,
    from: Duration,
) -> Option<Moments> {
    let at = optional(keys, "at", Duration::ZERO);
    let every = optional(keys, "every", SHORTEST);
    let rate = match keys.node("rate") {
        None => Some(None),
        Some(_) => keys.rate("rate").map(|rate| Some(rate.interval())),
    };
    let length = length(keys, word, kind);
    let (at, every, rate, length) = (at?, every?, rate?, length?);
    if rate.is_some() && (at.is_some() || every.is_some()) {
        keys.wrong(
            "rate",
            "it draws moments, and at and every name them; keep one of the two",
        );
        return None;
    }
    let (moments, key, apart) = match (at, every, rate) {
        (_, _, Some(every)) => (Moments::Drawn { every, length }, "rate", every),
        (at, Some(every), None) => {
            let first = at.unwrap_or_else(|| from.saturating_add(every));
            let moments = Moments::Every {
                first,
                every,
                length,
            };
            (moments, "every", every)
        }
        (Some(at), None, None) => return Some(Moments::Once { at, length }),
        (None, None, None) => return Some(Moments::Always),
    };
    if apart <= length {
        let text = format!(
            "it would begin again before it is over: it lasts {}, and begins once in {}",
            shown(length),
            shown(apart)
        );
        keys.wrong(key, text);
        return None;
    }
    Some(moments)
}

/// How long it lasts each time.
fn length(keys: &Keys<'_>, word: &str, kind: Option<&FaultKind>) -> Option<Duration> {
    let scheduled = ["at", "every", "rate"]
        .iter()
        .any(|key| keys.node(key).is_some());
    let cuts = matches!(word, "disconnect" | "half-open" | "flapping" | "storm");
    if cuts && !scheduled {
        keys.missing(
            "at",
            "\"30s\" (once), or every = \"5m\", or rate = \"2/h\" (drawn for each device)",
        );
        return None;
    }
    if word == "flapping" {
        if keys.node("length").is_some() {
            keys.wrong(
                "length",
                "times, down and up say how long it lasts; drop it",
            );
            return None;
        }
        let Some(FaultKind::Flapping { times, down, up }) = kind else {
            // What is wrong with them has been said.
            return None;
        };
        let gaps = up.saturating_mul(times.saturating_sub(1));
        return Some(down.saturating_mul(*times).saturating_add(gaps));
    }
    match (keys.node("length"), scheduled) {
        (None, false) => Some(Duration::ZERO),
        (None, true) => {
            keys.missing("length", "\"10s\" (how long it lasts each time)");
            None
        }
        (Some(_), true) => keys.duration("length", SHORTEST..=LONGEST),
        (Some(_), false) => {
            keys.wrong(
                "length",
                "it says how long it lasts each time; say when with at, every or rate, or use from and until",
            );
            None
        }
    }
}

/// Whether it can happen at all.
fn possible(keys: &Keys<'_>, when: &When, duration: Option<Duration>) -> bool {
    if let Some(until) = when.until.filter(|until| *until <= when.from) {
        let text = format!(
            "the window ends before it begins: from is {}, until is {}",
            shown(when.from),
            shown(until)
        );
        keys.wrong("until", text);
        return false;
    }
    let (first, key) = match when.moments {
        Moments::Always | Moments::Drawn { .. } => (when.from, "from"),
        Moments::Once { at, .. } => (at, "at"),
        Moments::Every { first, .. } if keys.node("at").is_some() => (first, "at"),
        Moments::Every { first, .. } => (first, "every"),
    };
    if first < when.from || when.until.is_some_and(|until| first >= until) {
        let until = when.until.map_or("the end".into(), shown);
        let text = format!(
            "it never happens: its first moment is {}, and its window goes from {} to {until}",
            shown(first),
            shown(when.from)
        );
        keys.wrong(key, text);
        return false;
    }
    if let Some(duration) = duration.filter(|duration| first >= *duration) {
        let text = format!(
            "it never happens: it begins {} into a run of {} (duration)",
            shown(first),
            shown(duration)
        );
        keys.wrong(key, text);
        return false;
    }
    true
}
