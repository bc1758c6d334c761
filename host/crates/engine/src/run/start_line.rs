//! Starts the clock of a run, at one instant for all workers.
//!
//! Each worker reports when it awaits no more connections. The last one starts the clock.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::time::clock::{Clock, is_machine_time, micros, unix_now};

/// The settings of the start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StartPlan {
    /// Time at which the devices that exist see the run start, in microseconds since the Unix
    /// epoch.
    pub(crate) origin: u64,
    pub(crate) clock: mockfleet_config::Clock,
    /// Time that creating the devices again takes.
    pub(crate) creation: Duration,
    /// Machine's time of the start, in microseconds since the Unix epoch, if it is set.
    pub(crate) start_at: Option<u64>,
}

impl StartPlan {
    /// Returns the clock of a run whose connections are open now.
    ///
    /// A clock that shows the machine's time starts at the planned time. If that has passed, it
    /// starts as soon as the devices can be created again.
    fn clock(&self) -> Clock {
        let now = unix_now();
        let start_at = self.start_at.filter(|at| *at >= now);
        if !is_machine_time(&self.clock) {
            let wait = start_at.map_or(0, |at| at - now);
            let clock = Clock::start(self.origin, &self.clock);
            return clock.delayed(Duration::from_micros(wait));
        }
        let planned = start_at.or((self.origin >= now).then_some(self.origin));
        let origin = planned.unwrap_or_else(|| now.saturating_add(lead(self.creation)));
        Clock::start(origin, &self.clock)
    }
}

/// Returns the time from now to the start, in microseconds, for devices whose creation takes this
/// long. It has a quarter as reserve, and 20 ms for the threads.
pub(crate) fn lead(creation: Duration) -> u64 {
    micros(creation + creation / 4) + 20_000
}

/// The start of a run's clock.
pub(crate) struct StartLine {
    plan: StartPlan,
    began: Instant,
    /// Workers that await connections.
    waiting: AtomicU32,
    connected: OnceLock<Instant>,
    clock: watch::Sender<Option<Clock>>,
}

impl StartLine {
    /// Makes the start of a run with this number of workers.
    pub(crate) fn new(plan: StartPlan, workers: u32) -> Arc<Self> {
        Arc::new(Self {
            plan,
            began: Instant::now(),
            waiting: AtomicU32::new(workers),
            connected: OnceLock::new(),
            clock: watch::Sender::new(None),
        })
    }

    /// Returns the place of one worker.
    pub(crate) fn place(self: &Arc<Self>) -> StartPlace {
        StartPlace {
            clock: self.clock.subscribe(),
            line: Arc::clone(self),
            is_waiting: true,
        }
    }

    /// Returns the clock. It can start in the future.
    pub(crate) fn clock(&self) -> Option<Clock> {
        *self.clock.borrow()
    }

    /// Returns whether the clock has started.
    pub(crate) fn has_started(&self) -> bool {
        self.clock()
            .is_some_and(|clock| clock.started() <= Instant::now())
    }

    /// Returns the real time since the start of the clock.
    pub(crate) fn elapsed(&self) -> Duration {
        let elapsed = |clock: Clock| Duration::from_micros(clock.took());
        self.clock().map_or(Duration::ZERO, elapsed)
    }

    /// Returns the time for which connections were opened.
    pub(crate) fn connecting(&self) -> Duration {
        let until = self.connected.get().copied();
        let until = until.unwrap_or_else(Instant::now);
        until.saturating_duration_since(self.began)
    }

    /// Returns the time of the start that the run waits for, in microseconds since the Unix
    /// epoch.
    pub(crate) fn awaited_start(&self) -> Option<i64> {
        self.connected
            .get()
            .and(self.plan.start_at)?
            .try_into()
            .ok()
    }
}

/// The place of one worker. Dropping it reports that the worker awaits no connection.
pub(crate) struct StartPlace {
    line: Arc<StartLine>,
    clock: watch::Receiver<Option<Clock>>,
    is_waiting: bool,
}

impl StartPlace {
    /// Reports that the worker awaits no more connections.
    pub(crate) fn report(&mut self) {
        let is_first = std::mem::replace(&mut self.is_waiting, false);
        if is_first && self.line.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _ = self.line.connected.set(Instant::now());
            self.line.clock.send_replace(Some(self.line.plan.clock()));
        }
    }

    /// Returns the clock, once all workers have reported.
    pub(crate) fn clock(&self) -> Option<Clock> {
        *self.clock.borrow()
    }

    /// Waits until all workers have reported.
    pub(crate) async fn all_reported(&mut self) {
        // The line lives as long as this place.
        let _ = self.clock.wait_for(Option::is_some).await;
    }
}

impl Drop for StartPlace {
    fn drop(&mut self) {
        self.report();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mockfleet_config::Speed;

    fn plan() -> StartPlan {
        StartPlan {
            // It has passed.
            origin: unix_now() - 1_000_000,
            clock: mockfleet_config::Clock::default(),
            creation: Duration::from_secs(4),
            start_at: None,
        }
    }

    #[test]
    fn last_worker_starts_one_clock_for_all() {
        let line = StartLine::new(plan(), 3);
        let mut places = [line.place(), line.place()];
        for place in &mut places {
            place.report();
            place.report();
            assert!(place.clock().is_none());
        }
        // A worker that ends does not stop the others.
        drop(line.place());
        let clock = line.clock().unwrap();
        for place in &places {
            assert_eq!(place.clock().unwrap().started(), clock.started());
        }
        assert!(!line.has_started(), "devices are created again");
        assert_eq!(line.elapsed(), Duration::ZERO);
    }

    #[test]
    fn clock_starts_when_devices_can_be_created_again() {
        let now = unix_now();
        let start = plan().clock().guest(0);
        assert!(start >= now + 5_000_000, "4 s and a quarter, and 20 ms");
        let origin = now + 60_000_000;
        let planned = StartPlan { origin, ..plan() };
        assert_eq!(planned.clock().guest(0), origin, "it is not over yet");
    }

    #[test]
    fn clock_starts_at_the_time_that_is_set() {
        let at = unix_now() + 60_000_000;
        let own_start = mockfleet_config::Clock {
            start: Some(jiff::Timestamp::UNIX_EPOCH),
            speed: Speed::Times(2.0),
        };
        for (clock, origin) in [(mockfleet_config::Clock::default(), at), (own_start, 0)] {
            let plan = StartPlan {
                start_at: Some(at),
                origin,
                clock,
                ..plan()
            };
            let clock = plan.clock();
            assert_eq!(clock.guest(0), origin);
            let wait = clock.started().saturating_duration_since(Instant::now());
            assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60));
            let machine = clock.machine(clock.started());
            assert!(machine.abs_diff(at as i64) < 1_000, "{machine} {at}");
        }
    }
}
