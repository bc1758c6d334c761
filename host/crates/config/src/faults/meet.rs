//! What faults of one group cannot do together: touch more than all messages, or take
//! the same link in two ways at one moment.

use std::time::Duration;

use super::super::keys::Context;
use super::super::tree::{self, At};
use super::super::units::shown;
use super::{Fault, Moments};

/// Moments of a fault that are looked at; what meets only later is rare, and then both
/// of them hold.
const MOMENTS: usize = 1_000;

/// Shares are sums of what people write with a point.
const ROUNDING: f64 = 1e-9;

/// Says what is wrong; true if nothing is.
pub(super) fn check(
    context: &Context<'_>,
    faults: &[(Fault, At)],
    duration: Option<Duration>,
) -> bool {
    let mut sound = true;
    for (place, (fault, at)) in faults.iter().enumerate() {
        let before = faults.get(..place).unwrap_or_default();
        if let Some(text) = too_much(faults, place, fault) {
            context.problem(at, text);
            sound = false;
        }
        for (other, other_at) in before {
            if let Some(moment) = both_at(fault, other, duration) {
                let text = format!(
                    "{} and {} ({}) contradict each other: both have the link at {}; move one of them",
                    fault.kind.word(),
                    other.kind.word(),
                    tree::place(context.shown, other_at),
                    shown(moment)
                );
                context.problem(at, text);
                sound = false;
            }
        }
    }
    sound
}

/// Whether this fault, with those before it that exclude it, touches more than all
/// messages when it begins, or when one of them does.
fn too_much(faults: &[(Fault, At)], place: usize, fault: &Fault) -> Option<String> {
    let family = fault.kind.family()?;
    let up_to_here = faults.get(..=place).unwrap_or_default();
    let rivals = || {
        let all = up_to_here.iter().map(|(fault, _)| fault);
        all.filter(|other| other.kind.family() == Some(family))
    };
    let channels = rivals().map(|other| &other.channel).chain([&None]);
    let channels: Vec<_> = channels
        .filter(|channel| fault.channel.is_none() || **channel == fault.channel)
        .collect();
    let (begin, end) = fault.when.span();
    for channel in channels {
        for moment in rivals().map(|other| other.when.span().0.max(begin)) {
            let here = |other: &&Fault| {
                let (from, to) = other.when.span();
                from <= moment
                    && moment < to
                    && (other.channel.is_none() || other.channel == *channel)
            };
            let sum: f64 = rivals().filter(here).map(|other| other.probability).sum();
            if moment < end && sum > 1.0 + ROUNDING {
                let words: Vec<&str> = rivals()
                    .filter(here)
                    .map(|other| other.kind.word())
                    .collect();
                return Some(format!(
                    "{} exclude one another, and touch {:.0}% of the messages from {} on; lower a probability, or move a window",
                    words.join(" and "),
                    sum * 100.0,
                    shown(moment)
                ));
            }
        }
    }
    None
}

/// The first moment at which both have the link of a device in different ways, where
/// both name their moments.
fn both_at(one: &Fault, other: &Fault, duration: Option<Duration>) -> Option<Duration> {
    let rivals = (one.kind.cuts() && other.kind.cuts())
        || (one.kind.is_of_link() && one.kind.word() == other.kind.word());
    if !rivals {
        return None;
    }
    let end = duration.unwrap_or(Duration::MAX);
    let (mut ones, mut others) = (fixed(one, end).peekable(), fixed(other, end).peekable());
    loop {
        let (a, b) = (*ones.peek()?, *others.peek()?);
        if a.0 < b.1 && b.0 < a.1 {
            return Some(a.0.max(b.0));
        }
        if a.1 <= b.1 {
            ones.next();
        } else {
            others.next();
        }
    }
}

/// When a fault begins and ends, where that is not drawn.
fn fixed(fault: &Fault, end: Duration) -> impl Iterator<Item = (Duration, Duration)> {
    let until = fault.when.until.unwrap_or(Duration::MAX).min(end);
    let (first, every, length) = match fault.when.moments {
        Moments::Always => (Some(fault.when.from), Duration::MAX, until),
        Moments::Once { at, length } => (Some(at), Duration::MAX, length),
        Moments::Every {
            first,
            every,
            length,
        } => (Some(first), every, length),
        Moments::Drawn { .. } => (None, Duration::MAX, Duration::ZERO),
    };
    let next = move |begin: &Duration| begin.checked_add(every);
    std::iter::successors(first, next)
        .take(MOMENTS)
        .take_while(move |begin| *begin < until)
        .map(move |begin| (begin, begin.saturating_add(length)))
}
