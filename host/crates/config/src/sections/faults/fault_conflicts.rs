//! Finds conflicts between the faults of one group.
//!
//! Faults of one family cannot touch more than all messages, and two faults cannot change the
//! same link at the same time.

use std::time::Duration;

use mockfleet_files::durations::format_duration;

use crate::document::node::Origin;
use crate::document::table_reader::ReadContext;
use crate::plan::fault::{Fault, FaultTimes};

/// The number of times of a fault that are checked. Later overlaps are rare, and then both
/// faults apply.
const MAX_TIMES_CHECKED: usize = 1_000;

/// Tolerance for sums of decimal shares.
const ROUNDING: f64 = 1e-9;

/// Reports conflicts; returns whether there are none.
pub(crate) fn check(
    context: &ReadContext<'_>,
    faults: &[(Fault, Origin)],
    duration: Option<Duration>,
) -> bool {
    let mut sound = true;
    for (place, (fault, at)) in faults.iter().enumerate() {
        let before = faults.get(..place).unwrap_or_default();
        if let Some(text) = excess_share(faults, place, fault) {
            context.report(at, text);
            sound = false;
        }
        for (other, other_at) in before {
            if let Some(moment) = first_overlap(fault, other, duration) {
                let text = format!(
                    "{} and {} ({}) contradict each other: both have the link at {}; move one of them",
                    fault.kind.word(),
                    other.kind.word(),
                    other_at.place(context.shown),
                    format_duration(moment)
                );
                context.report(at, text);
                sound = false;
            }
        }
    }
    sound
}

/// Returns the problem if a fault, with earlier faults of its family, touches more than all
/// messages. The sum is checked at the begin of each of these faults.
fn excess_share(faults: &[(Fault, Origin)], place: usize, fault: &Fault) -> Option<String> {
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
    let (begin, end) = fault.schedule.span();
    for channel in channels {
        for moment in rivals().map(|other| other.schedule.span().0.max(begin)) {
            let here = |other: &&Fault| {
                let (from, to) = other.schedule.span();
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
                    format_duration(moment)
                ));
            }
        }
    }
    None
}

/// Returns the first time at which both faults change a device's link. Faults with drawn times
/// do not count.
fn first_overlap(one: &Fault, other: &Fault, duration: Option<Duration>) -> Option<Duration> {
    let rivals = (one.kind.cuts_link() && other.kind.cuts_link())
        || (one.kind.is_link_fault() && one.kind.word() == other.kind.word());
    if !rivals {
        return None;
    }
    let end = duration.unwrap_or(Duration::MAX);
    let (mut ones, mut others) = (
        fixed_times(one, end).peekable(),
        fixed_times(other, end).peekable(),
    );
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

/// Returns the begin and the end of each time of a fault, unless they are drawn.
fn fixed_times(fault: &Fault, end: Duration) -> impl Iterator<Item = (Duration, Duration)> {
    let until = fault.schedule.until.unwrap_or(Duration::MAX).min(end);
    let (first, every, length) = match fault.schedule.times {
        FaultTimes::Always => (Some(fault.schedule.from), Duration::MAX, until),
        FaultTimes::Once { at, duration } => (Some(at), Duration::MAX, duration),
        FaultTimes::Every {
            first,
            every,
            duration,
        } => (Some(first), every, duration),
        FaultTimes::Drawn { .. } => (None, Duration::MAX, Duration::ZERO),
    };
    let next = move |begin: &Duration| begin.checked_add(every);
    std::iter::successors(first, next)
        .take(MAX_TIMES_CHECKED)
        .take_while(move |begin| *begin < until)
        .map(move |begin| (begin, begin.saturating_add(length)))
}
