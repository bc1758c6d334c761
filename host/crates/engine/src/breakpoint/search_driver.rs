//! Drives the steps of a breakpoint search in time.
//!
//! All devices are switched on first. For each step the rate changes, the run settles, and
//! then the step is measured. After a rate that failed, the backend gets time to catch up.

use std::time::Duration;

use crate::breakpoint::search::{BreakpointSearch, Next};
use mockfleet_metrics::as_f64;
use mockfleet_metrics::{BreakpointResult, Counters, SearchStep};

/// Smallest number of messages of a step. Quantiles of fewer messages mean nothing, so the
/// steps of a slow fleet take longer.
const MIN_MESSAGES: u64 = 50;

/// Largest factor by which such a step is extended.
const MAX_STEP_FACTOR: u32 = 10;

/// Longest time that a backend gets to catch up.
const MAX_REST: Duration = Duration::from_secs(30);

/// Performs the steps of a search. It receives the counters of the run at intervals, and
/// returns the actions that follow.
#[derive(Debug)]
pub struct SearchDriver {
    search: BreakpointSearch,
    /// Time that a step is measured for.
    length: Duration,
    devices: u64,
    workers: u32,
    number: u32,
    factor: f64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Waits until all devices are switched on.
    Begins,
    /// Waits until this time, while the new rate takes effect.
    Settles(Duration),
    /// Measures since this time, from these counters.
    Measures(Duration, Box<Counters>),
    /// Waits until at most this many messages are open, or until this time.
    Rests(u64, Duration),
    Over,
}

/// An action of the search in the run.
#[derive(Debug)]
pub enum Action {
    /// Multiply the configured rates by this factor.
    SetRateFactor(f64),
    /// Report a finished step.
    StepDone(Box<SearchStep>),
    /// End the run: the search is over.
    Stop,
}

impl SearchDriver {
    /// Creates a driver for steps of this length, in a run with these numbers of devices and
    /// workers.
    #[must_use]
    pub fn new(search: BreakpointSearch, length: Duration, devices: u64, workers: u32) -> Self {
        Self {
            search,
            length,
            devices,
            workers,
            number: 0,
            factor: 1.0,
            phase: Phase::Begins,
        }
    }

    /// Returns the limit as it is known so far.
    #[must_use]
    pub fn limit(&self) -> BreakpointResult {
        self.search.limit()
    }

    /// Returns the actions that are due at a time of the run with these counters.
    pub fn poll(&mut self, now: Duration, counters: &Counters) -> Vec<Action> {
        match &self.phase {
            Phase::Begins if counters.born >= self.devices => self.begin(now),
            Phase::Settles(until) if now >= *until => {
                self.phase = Phase::Measures(now, Box::new(counters.clone()));
                Vec::new()
            }
            Phase::Measures(since, before) => {
                let enough = counters.messages - before.messages >= MIN_MESSAGES;
                let long = now.saturating_sub(*since);
                if long < self.length || (!enough && long < self.length * MAX_STEP_FACTOR) {
                    return Vec::new();
                }
                let step = self.measure(before, counters);
                self.judge(now, step, before.open)
            }
            Phase::Rests(open, until) if counters.open <= *open || now >= *until => self.begin(now),
            _ => Vec::new(),
        }
    }

    /// Begins the next step.
    fn begin(&mut self, now: Duration) -> Vec<Action> {
        match self.search.next() {
            Next::Try(factor) => {
                self.number += 1;
                self.factor = factor;
                self.phase = Phase::Settles(now + self.length / 4);
                vec![Action::SetRateFactor(factor)]
            }
            Next::Done => {
                self.phase = Phase::Over;
                vec![Action::Stop]
            }
        }
    }

    fn judge(&mut self, now: Duration, step: SearchStep, open: u64) -> Vec<Action> {
        let step = self.search.take(step);
        let mut acts = Vec::new();
        if step.held() {
            acts.push(Action::StepDone(Box::new(step)));
            acts.extend(self.begin(now));
            return acts;
        }
        acts.push(Action::StepDone(Box::new(step)));
        if self.search.next() == Next::Done {
            acts.extend(self.begin(now));
            return acts;
        }
        // Half of the last rate that passed lets any backlog shrink.
        let held = self.search.held.as_ref().map(|held| held.factor);
        let calm = held.unwrap_or(self.factor / 2.0) / 2.0;
        self.factor = calm;
        // Waits for as few open messages as before the step. If the backend was at its limit
        // then too, one open message per device is enough.
        self.phase = Phase::Rests(open.min(self.devices), now + MAX_REST);
        acts.push(Action::SetRateFactor(calm));
        acts
    }

    fn measure(&self, before: &Counters, after: &Counters) -> SearchStep {
        let counted = after.reported_us.saturating_sub(before.reported_us);
        let lasted = Duration::from_micros(counted / u64::from(self.workers.max(1)));
        let seconds = lasted.as_secs_f64().max(0.001);
        let more = |count: fn(&Counters) -> u64| count(after).saturating_sub(count(before));
        let messages = more(|c| c.messages);
        let settled = more(|c| c.acked + c.sent + c.failed + c.dropped + c.unconfirmed);
        let ticks = more(|c| c.ticks);
        let missed = more(|c| c.missed_ticks);
        let busy = more(|c| c.busy_us + c.io_us);
        SearchStep {
            number: self.number,
            factor: self.factor,
            lasted,
            asked: after.asked * self.factor,
            ticks: as_f64(ticks) / seconds,
            messages: as_f64(messages) / seconds,
            through: as_f64(more(|c| c.acked + c.sent)) / seconds,
            failed: share(more(|c| c.failed + c.dropped), settled),
            missed: share(missed, ticks + missed),
            open: after.open,
            busy: share(busy, counted).min(1.0),
            ack: after.latency.since(&before.latency),
            lag: after.delay.since(&before.delay),
            ..SearchStep::default()
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    as_f64(part) / as_f64(whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakpoint::stop_condition::StopCondition;

    /// A backend that processes `takes` messages a second, polled once a second.
    struct Backend {
        takes: f64,
        factor: f64,
        waiting: f64,
        counters: Counters,
    }

    impl Backend {
        fn second(&mut self) {
            let messages = 100.0 * self.factor;
            self.waiting += messages;
            let through = self.waiting.min(self.takes);
            self.waiting -= through;
            let c = &mut self.counters;
            (c.born, c.asked) = (100, 100.0);
            c.reported_us += 1_000_000;
            c.ticks += messages as u64;
            c.messages += messages as u64;
            c.acked += through as u64;
            c.open = self.waiting as u64;
        }
    }

    #[test]
    fn overloaded_backend_is_detected_and_gets_time_to_recover() {
        let bound = StopCondition::parse("ack.p99 > 1s").unwrap();
        let search = BreakpointSearch::new(vec![bound], 1000.0);
        let mut pacer = SearchDriver::new(search, Duration::from_secs(4), 100, 1);
        let mut backend = Backend {
            takes: 900.0,
            factor: 1.0,
            waiting: 0.0,
            counters: Counters::default(),
        };
        let (mut steps, mut over) = (Vec::new(), false);
        for second in 1..2_000 {
            backend.second();
            for act in pacer.poll(Duration::from_secs(second), &backend.counters) {
                match act {
                    Action::SetRateFactor(factor) => backend.factor = factor,
                    Action::StepDone(step) => steps.push(*step),
                    Action::Stop => over = true,
                }
            }
            if over {
                break;
            }
        }
        assert!(over, "it goes on for ever");
        let limit = pacer.limit();
        let held = limit.held.unwrap();
        let broke = limit.broke.unwrap();
        // A backlog of a tenth is allowed before a step fails.
        assert!((7.0..=10.0).contains(&held.factor), "{}", held.factor);
        assert!((8.0..=11.0).contains(&broke.factor), "{}", broke.factor);
        assert!(
            broke.why.iter().any(|why| why.contains("got through")),
            "{:?}",
            broke.why
        );
        assert_eq!(steps.first().map(|step| step.number), Some(1));
        assert!(
            steps
                .iter()
                .filter(|step| step.held())
                .all(|step| step.open < 1_000)
        );
    }
}
