//! FaultSchedule a fault is there: a function of the plan, a seed and a moment, and of nothing
//! else. So the same run breaks at the same moments, whoever asks, and in any order.

use std::time::Duration;

use crate::clock::{Micros, micros};
use crate::seed;
use mockfleet_config::{FaultSchedule, FaultTimes};

/// A time in which a fault is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its first microsecond …
    pub(crate) begin: Micros,
    /// … and the first one after it.
    pub(crate) end: Micros,
}

/// The times of a fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    /// Nothing begins before, nor from `until` on.
    from: Micros,
    until: Micros,
    form: Form,
    length: Micros,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Always,
    /// At `first`, and then once in each `every`.
    Fixed {
        first: Micros,
        every: Micros,
    },
    /// Once in each `every` from `from` on.
    Drawn {
        every: Micros,
    },
}

impl Windows {
    pub(super) fn of(when: &FaultSchedule) -> Self {
        let (form, duration) = match when.times {
            FaultTimes::Always => (Form::Always, Duration::MAX),
            FaultTimes::Once { at, duration } => {
                let (first, every) = (micros(at), Micros::MAX);
                (Form::Fixed { first, every }, duration)
            }
            FaultTimes::Every {
                first,
                every,
                duration,
            } => {
                let (first, every) = (micros(first), micros(every).max(1));
                (Form::Fixed { first, every }, duration)
            }
            FaultTimes::Drawn { every, duration } => {
                let every = micros(every).max(1);
                (Form::Drawn { every }, duration)
            }
        };
        Self {
            from: micros(when.from),
            until: when.until.map_or(Micros::MAX, micros),
            form,
            length: micros(duration),
        }
    }

    /// The time that holds a moment, if one does.
    pub(super) fn at(&self, seed: u64, at: Micros) -> Option<Span> {
        let span = match self.form {
            Form::Always => Some(Span {
                begin: self.from,
                end: self.until,
            }),
            Form::Fixed { first, every } => at
                .checked_sub(first)
                .and_then(|since| self.span(first.saturating_add(since / every * every))),
            Form::Drawn { every } => at
                .checked_sub(self.from)
                .and_then(|since| self.drawn(seed, since / every, every)),
        };
        span.filter(|span| span.begin <= at && at < span.end)
    }

    /// The first time that is not over at a moment: it holds it, or comes after it.
    pub(super) fn next(&self, seed: u64, at: Micros) -> Option<Span> {
        let place = |from: Micros, every: Micros| at.saturating_sub(from) / every;
        let (here, after) = match self.form {
            Form::Always => {
                let begin = self.from;
                (
                    Some(Span {
                        begin,
                        end: self.until,
                    }),
                    None,
                )
            }
            Form::Fixed { first, every } => {
                let nth = |n: u64| first.checked_add(n.checked_mul(every)?);
                let n = place(first, every);
                let span = |n| nth(n).and_then(|begin| self.span(begin));
                (span(n), span(n + 1))
            }
            Form::Drawn { every } => {
                let n = place(self.from, every);
                (self.drawn(seed, n, every), self.drawn(seed, n + 1, every))
            }
        };
        let open = |span: &Span| span.end > at;
        here.filter(open).or_else(|| after.filter(open))
    }

    /// The time that begins at a moment, if anything may begin there.
    fn span(&self, begin: Micros) -> Option<Span> {
        (self.from <= begin && begin < self.until).then(|| Span {
            begin,
            end: begin.saturating_add(self.length),
        })
    }

    /// The one in the `n`th of the times in which there is one each.
    fn drawn(&self, seed: u64, n: u64, every: Micros) -> Option<Span> {
        let start = self.from.checked_add(n.checked_mul(every)?)?;
        let room = every.saturating_sub(self.length);
        let offset = super::part(room, seed::unit(seed, n));
        self.span(start.saturating_add(offset))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn windows(moments: FaultTimes, from: u64, until: Option<u64>) -> Windows {
        Windows::of(&FaultSchedule {
            from: Duration::from_micros(from),
            until: until.map(Duration::from_micros),
            moments,
        })
    }

    /// All times until a moment, by going from one to the next.
    fn all(windows: &Windows, seed: u64, end: Micros) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut at = 0;
        while let Some(span) = windows.next(seed, at).filter(|span| span.begin < end) {
            spans.push(span);
            at = span.end;
            if at == Micros::MAX {
                break;
            }
        }
        spans
    }

    #[test]
    fn what_repeats_begins_after_its_first_interval_and_ends_with_its_window() {
        let every = FaultTimes::Every {
            first: 5 * SECOND,
            every: 10 * SECOND,
            length: 2 * SECOND,
        };
        let begins: Vec<_> = all(&windows(every, 0, Some(30_000_000)), 1, 100_000_000)
            .iter()
            .map(|span| (span.begin / 1_000_000, span.end / 1_000_000))
            .collect();
        assert_eq!(begins, [(5, 7), (15, 17), (25, 27)]);
    }

    #[test]
    fn without_moments_the_window_is_the_time() {
        let windows = windows(FaultTimes::Always, 10, Some(20));
        assert_eq!(windows.next(0, 0), Some(Span { begin: 10, end: 20 }));
        assert_eq!(windows.at(0, 19), Some(Span { begin: 10, end: 20 }));
        assert_eq!((windows.at(0, 9), windows.at(0, 20)), (None, None));
        assert_eq!(windows.next(0, 20), None);
    }

    proptest! {
        #[test]
        fn a_drawn_time_lies_in_each_interval_and_asking_is_the_same_in_any_order(
            seed: u64, from in 0u64..10_000_000, every in 2u64..5_000_000, share in 0.0f64..0.99,
        ) {
            let length = super::super::part(every, share).max(1).min(every - 1);
            let drawn = FaultTimes::Drawn {
                every: Duration::from_micros(every),
                length: Duration::from_micros(length),
            };
            let windows = windows(drawn, from, None);
            let spans = all(&windows, seed, from + 20 * every);
            prop_assert_eq!(spans.len(), 20);
            for (n, span) in (0u64..).zip(&spans) {
                prop_assert!(span.begin >= from + n * every);
                prop_assert!(span.end <= from + (n + 1) * every);
                prop_assert_eq!(span.end - span.begin, length);
            }
            for span in spans.iter().rev() {
                prop_assert_eq!(windows.at(seed, span.begin), Some(*span));
                prop_assert_eq!(windows.at(seed, span.end - 1), Some(*span));
                prop_assert_ne!(windows.at(seed, span.end), Some(*span));
            }
        }
    }
}
