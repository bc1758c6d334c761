//! Finds the highest rate that a backend sustains.
//!
//! The rate doubles step by step until a stop condition is met. Then the interval between the
//! last rate that passed and the first that failed is halved until it is small. This file
//! computes steps from their figures. `search_driver` measures the figures and decides how
//! long a step takes.

use crate::breakpoint::stop_condition::StopCondition;

use mockfleet_metrics::{
    Bottleneck, BreakpointResult, MAX_ON_TIME_DELAY_US, SearchStep, agree, count, micros,
};

/// Factor from one step to the next, until a step fails.
const GROWTH: f64 = 2.0;

/// Largest ratio of the failed rate to the rate that passed at the end. It gives the limit to
/// a tenth, which is the difference between two runs of one backend.
const PRECISION: f64 = 1.1;

/// Smallest factor that is tried. The search is not meant for fleet files with more than a
/// thousand times the rate that a backend sustains.
const MIN_FACTOR: f64 = 1.0 / 1024.0;

/// Share of missed ticks above which a step fails. Fewer are a hiccup.
const MAX_MISSED_SHARE: f64 = 0.01;

/// Share of messages that must get through for a step to pass.
const MIN_THROUGH_SHARE: f64 = 0.9;

/// A breakpoint search: the steps so far, and their results.
#[derive(Debug)]
pub struct BreakpointSearch {
    conditions: Vec<StopCondition>,
    /// The highest factor that makes sense.
    max_factor: f64,
    pub(crate) held: Option<SearchStep>,
    broke: Option<SearchStep>,
    /// The factor of a failed step that is tried once more, because the machine may have had a
    /// hiccup.
    retrying: Option<f64>,
}

/// The next action of the search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    /// Try the rate of the fleet file times this factor.
    Try(f64),
    /// The limit is known.
    Done,
}

impl BreakpointSearch {
    /// Creates a search without steps. At `max_factor` times the rate of the fleet file, its
    /// devices reach the highest rate of a device.
    #[must_use]
    pub fn new(conditions: Vec<StopCondition>, max_factor: f64) -> Self {
        Self {
            conditions,
            max_factor: max_factor.max(1.0),
            held: None,
            broke: None,
            retrying: None,
        }
    }

    pub(crate) fn next(&self) -> Next {
        if let Some(factor) = self.retrying {
            return Next::Try(factor);
        }
        match (&self.held, &self.broke) {
            (None, None) => Next::Try(1.0),
            (Some(held), None) if held.factor >= self.max_factor => Next::Done,
            (Some(held), None) => Next::Try((held.factor * GROWTH).min(self.max_factor)),
            (None, Some(broke)) if broke.factor <= MIN_FACTOR => Next::Done,
            (None, Some(broke)) => Next::Try(broke.factor / GROWTH),
            (Some(held), Some(broke)) if broke.factor <= held.factor * PRECISION => Next::Done,
            (Some(held), Some(broke)) => Next::Try((held.factor * broke.factor).sqrt()),
        }
    }

    /// Judges a step, and stores the result that the next step depends on.
    pub(crate) fn take(&mut self, mut step: SearchStep) -> SearchStep {
        let (who, why) = self.judge(&step);
        step.why = why;
        step.bottleneck = who;
        if who == Bottleneck::None {
            self.retrying = None;
            self.held = Some(step.clone());
        } else if self.retrying.take().is_none() {
            step.again = true;
            self.retrying = Some(step.factor);
        } else {
            self.broke = Some(step.clone());
        }
        step
    }

    /// Returns the bottleneck of a failed step, and the evidence. The host is checked first:
    /// where it was late, times of the backend include its delay.
    fn judge(&self, step: &SearchStep) -> (Bottleneck, Vec<String>) {
        let faults = self
            .conditions
            .iter()
            .filter_map(|bound| bound.violated_by(step));
        let (mut host, mut backend) = (Vec::new(), Vec::new());
        for (who, words) in faults {
            match who {
                Bottleneck::Host => host.push(words),
                _ => backend.push(words),
            }
        }
        let lag = step.lag.quantile(0.99);
        let own = self.conditions.iter().any(StopCondition::is_of_host);
        if !own && lag > MAX_ON_TIME_DELAY_US {
            host.push(format!("devices were called p99 {} late", micros(lag)));
        }
        if step.missed > MAX_MISSED_SHARE {
            host.push(format!("{:.1} % of ticks were missed", step.missed * 100.0));
        }
        if !host.is_empty() {
            host.push(format!(
                "workers were busy {:.0} % of the time",
                step.busy * 100.0
            ));
            return (Bottleneck::Host, host);
        }
        if step.through < step.messages * MIN_THROUGH_SHARE {
            backend.push(format!(
                "only {:.0} of {:.0} messages a second got through, and {} {} open at the end",
                step.through,
                step.messages,
                count(step.open),
                agree(step.open, "was", "were")
            ));
        }
        let who = if backend.is_empty() {
            Bottleneck::None
        } else {
            Bottleneck::Backend
        };
        (who, backend)
    }

    /// Returns the limit as it is known if the search ends here.
    #[must_use]
    pub fn limit(&self) -> BreakpointResult {
        let done = self.next() == Next::Done;
        BreakpointResult {
            held: self.held.clone(),
            broke: self.broke.clone(),
            interrupted: !done,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a step of a backend that takes 200 ms above the factor `limit`. The host is
    /// late above the factor `host`.
    fn step(factor: f64, limit: f64, host: f64) -> SearchStep {
        let mut step = SearchStep {
            factor,
            ..SearchStep::default()
        };
        step.ack
            .record(if factor > limit { 200_000 } else { 1_000 });
        step.lag.record(if factor > host { 200_000 } else { 1_000 });
        step
    }

    fn search(limit: f64, host: f64, max_factor: f64) -> (BreakpointResult, u32) {
        let bound = StopCondition::parse("ack.p99 > 100ms").unwrap();
        let mut search = BreakpointSearch::new(vec![bound], max_factor);
        let mut steps = 0;
        while let Next::Try(factor) = search.next() {
            search.take(step(factor, limit, host));
            steps += 1;
            assert!(steps < 100, "it goes on for ever");
        }
        (search.limit(), steps)
    }

    proptest! {
        #[test]
        fn the_limit_lies_between_what_held_and_what_broke(limit in 0.01..900.0f64) {
            let (found, steps) = search(limit, 1e9, 1000.0);
            let (held, broke) = (found.held.unwrap(), found.broke.unwrap());
            prop_assert!(held.factor <= limit && limit < broke.factor);
            prop_assert!(broke.factor <= held.factor * PRECISION);
            prop_assert_eq!(broke.bottleneck, Bottleneck::Backend);
            prop_assert!(steps <= 25, "{steps} steps");
        }
    }

    #[test]
    fn a_host_that_is_late_before_the_backend_breaks_is_named() {
        let (found, _) = search(50.0, 10.0, 1000.0);
        assert_eq!(found.bottleneck(), Bottleneck::Host);
        let (found, _) = search(10.0, 50.0, 1000.0);
        assert_eq!(found.bottleneck(), Bottleneck::Backend);
    }

    #[test]
    fn search_without_a_break_ends_at_the_fastest_device_rate() {
        let (found, _) = search(1e9, 1e9, 100.0);
        assert_eq!(found.bottleneck(), Bottleneck::None);
        assert_eq!(found.held.unwrap().factor, 100.0);
    }

    #[test]
    fn where_no_rate_holds_the_search_ends_too() {
        let (found, _) = search(0.0, 1e9, 100.0);
        assert!(found.held.is_none() && !found.interrupted);
    }

    #[test]
    fn one_hiccup_of_the_machine_is_tried_again_and_not_believed() {
        let bound = StopCondition::parse("ack.p99 > 100ms").unwrap();
        let mut search = BreakpointSearch::new(vec![bound], 4.0);
        assert!(search.take(step(1.0, 0.5, 1e9)).again);
        assert_eq!(search.next(), Next::Try(1.0));
        search.take(step(1.0, 10.0, 1e9));
        assert_eq!(search.next(), Next::Try(2.0));
    }
}
