//! Computes the times at which a fault is active.
//!
//! The windows are a function of the plan, a seed and a time. The same run has the same
//! windows for any order of queries.

use std::time::Duration;

use crate::time::clock::{Micros, micros};
use crate::time::seed;
use mockfleet_config::{FaultSchedule, FaultTimes};

/// A time during which a fault is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// First microsecond of the window.
    pub(crate) begin: Micros,
    /// First microsecond after the window.
    pub(crate) end: Micros,
}

/// The windows of a fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    /// No window begins before `from`, or at or after `until`.
    from: Micros,
    until: Micros,
    recurrence: Recurrence,
    length: Micros,
}

#[derive(Debug, Clone, Copy)]
enum Recurrence {
    Always,
    /// First window at `first`, then one each `every` microseconds.
    Fixed {
        first: Micros,
        every: Micros,
    },
    /// One window in each interval of `every` microseconds from `from` on, at a drawn time.
    Drawn {
        every: Micros,
    },
}

impl Windows {
    pub(crate) fn new(when: &FaultSchedule) -> Self {
        let (recurrence, length) = match when.times {
            FaultTimes::Always => (Recurrence::Always, Duration::MAX),
            FaultTimes::Once {
                at,
                duration: length,
            } => {
                let (first, every) = (micros(at), Micros::MAX);
                (Recurrence::Fixed { first, every }, length)
            }
            FaultTimes::Every {
                first,
                every,
                duration: length,
            } => {
                let (first, every) = (micros(first), micros(every).max(1));
                (Recurrence::Fixed { first, every }, length)
            }
            FaultTimes::Drawn {
                every,
                duration: length,
            } => {
                let every = micros(every).max(1);
                (Recurrence::Drawn { every }, length)
            }
        };
        Self {
            from: micros(when.from),
            until: when.until.map_or(Micros::MAX, micros),
            recurrence,
            length: micros(length),
        }
    }

    /// Returns the window that contains a time.
    pub(crate) fn at(&self, seed: u64, at: Micros) -> Option<Window> {
        let window = match self.recurrence {
            Recurrence::Always => Some(Window {
                begin: self.from,
                end: self.until,
            }),
            Recurrence::Fixed { first, every } => at
                .checked_sub(first)
                .and_then(|since| self.window(first.saturating_add(since / every * every))),
            Recurrence::Drawn { every } => at
                .checked_sub(self.from)
                .and_then(|since| self.drawn(seed, since / every, every)),
        };
        window.filter(|window| window.begin <= at && at < window.end)
    }

    /// Returns the first window that is not over at a time. It contains the time, or follows
    /// it.
    pub(crate) fn next(&self, seed: u64, at: Micros) -> Option<Window> {
        let place = |from: Micros, every: Micros| at.saturating_sub(from) / every;
        let (here, after) = match self.recurrence {
            Recurrence::Always => {
                let begin = self.from;
                (
                    Some(Window {
                        begin,
                        end: self.until,
                    }),
                    None,
                )
            }
            Recurrence::Fixed { first, every } => {
                let nth = |n: u64| first.checked_add(n.checked_mul(every)?);
                let n = place(first, every);
                let window = |n| nth(n).and_then(|begin| self.window(begin));
                (window(n), window(n + 1))
            }
            Recurrence::Drawn { every } => {
                let n = place(self.from, every);
                (self.drawn(seed, n, every), self.drawn(seed, n + 1, every))
            }
        };
        let open = |window: &Window| window.end > at;
        here.filter(open).or_else(|| after.filter(open))
    }

    /// Returns the window that begins at a time, if a window may begin then.
    fn window(&self, begin: Micros) -> Option<Window> {
        (self.from <= begin && begin < self.until).then(|| Window {
            begin,
            end: begin.saturating_add(self.length),
        })
    }

    /// Returns the drawn window of interval number `n`.
    fn drawn(&self, seed: u64, n: u64, every: Micros) -> Option<Window> {
        let start = self.from.checked_add(n.checked_mul(every)?)?;
        let room = every.saturating_sub(self.length);
        let offset = crate::time::numbers::part(room, seed::unit(seed, n));
        self.window(start.saturating_add(offset))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn windows(moments: FaultTimes, from: u64, until: Option<u64>) -> Windows {
        Windows::new(&FaultSchedule {
            from: Duration::from_micros(from),
            until: until.map(Duration::from_micros),
            times: moments,
        })
    }

    /// Returns all windows that begin before `end`, each found from the end of the one before.
    fn all(windows: &Windows, seed: u64, end: Micros) -> Vec<Window> {
        let mut spans = Vec::new();
        let mut at = 0;
        while let Some(window) = windows.next(seed, at).filter(|window| window.begin < end) {
            spans.push(window);
            at = window.end;
            if at == Micros::MAX {
                break;
            }
        }
        spans
    }

    #[test]
    fn repeated_windows_start_after_one_interval_and_end_in_time() {
        let every = FaultTimes::Every {
            first: 5 * SECOND,
            every: 10 * SECOND,
            duration: 2 * SECOND,
        };
        let begins: Vec<_> = all(&windows(every, 0, Some(30_000_000)), 1, 100_000_000)
            .iter()
            .map(|window| (window.begin / 1_000_000, window.end / 1_000_000))
            .collect();
        assert_eq!(begins, [(5, 7), (15, 17), (25, 27)]);
    }

    #[test]
    fn without_moments_the_window_is_the_time() {
        let windows = windows(FaultTimes::Always, 10, Some(20));
        assert_eq!(windows.next(0, 0), Some(Window { begin: 10, end: 20 }));
        assert_eq!(windows.at(0, 19), Some(Window { begin: 10, end: 20 }));
        assert_eq!((windows.at(0, 9), windows.at(0, 20)), (None, None));
        assert_eq!(windows.next(0, 20), None);
    }

    proptest! {
        #[test]
        fn each_interval_has_a_drawn_window_for_any_query_order(
            seed: u64, from in 0u64..10_000_000, every in 2u64..5_000_000, share in 0.0f64..0.99,
        ) {
            let length = crate::time::numbers::part(every, share).max(1).min(every - 1);
            let drawn = FaultTimes::Drawn {
                every: Duration::from_micros(every),
                duration: Duration::from_micros(length),
            };
            let windows = windows(drawn, from, None);
            let spans = all(&windows, seed, from + 20 * every);
            prop_assert_eq!(spans.len(), 20);
            for (n, window) in (0u64..).zip(&spans) {
                prop_assert!(window.begin >= from + n * every);
                prop_assert!(window.end <= from + (n + 1) * every);
                prop_assert_eq!(window.end - window.begin, length);
            }
            for window in spans.iter().rev() {
                prop_assert_eq!(windows.at(seed, window.begin), Some(*window));
                prop_assert_eq!(windows.at(seed, window.end - 1), Some(*window));
                prop_assert_ne!(windows.at(seed, window.end), Some(*window));
            }
        }
    }
}
