//! Counts connections that are up, and bounds the wait for the others.
//!
//! The clock of a run starts when each connection of its start is up or has failed, or when a
//! bound is over.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// The tries of a connection, 3, after which it has failed. A busy backend can refuse one.
const MAX_TRIES: u8 = 3;

/// The time that the bound has for each connection, 10 ms: a hundred a second.
const TIME_PER_CONNECTION: Duration = Duration::from_millis(10);

/// The state of one connection before it is up for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstConnection {
    /// It is opened. So many tries have failed.
    Opening(u8),
    /// All tries have failed, and it is tried on.
    Failed,
    /// It was up, with its subscriptions.
    Up,
}

/// The progress of opening connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpeningProgress {
    /// Connections that are opened.
    pub connections: u32,
    /// Those that were up, with their subscriptions.
    pub up: u32,
    /// Whether the others are not awaited: they have failed, or the bound is over.
    pub is_over: bool,
}

/// The connections of one worker to a target.
#[derive(Debug)]
pub(crate) struct FirstConnections {
    connect_timeout: Duration,
    /// The time between two connections; zero without a limit.
    interval: Duration,
    time_per_connection: Duration,
    count: Cell<u32>,
    up: Cell<u32>,
    failed: Cell<u32>,
    began: Cell<Instant>,
    /// The time at which the last connection came up, or the first was added.
    advanced: Cell<Instant>,
}

impl FirstConnections {
    /// Counts for one of `workers`, which opens one connection every `interval` at most.
    pub(crate) fn new(connect_timeout: Duration, interval: Duration, workers: u32) -> Self {
        let now = Instant::now();
        Self {
            connect_timeout,
            interval,
            time_per_connection: interval.max(TIME_PER_CONNECTION * workers),
            count: Cell::new(0),
            up: Cell::new(0),
            failed: Cell::new(0),
            began: Cell::new(now),
            advanced: Cell::new(now),
        }
    }

    /// Adds a connection.
    pub(crate) fn add(&self, now: Instant) {
        if self.count.get() == 0 {
            self.began.set(now);
            self.advanced.set(now);
        }
        self.count.set(self.count.get() + 1);
    }

    /// Notes that a connection is up, with its subscriptions.
    pub(crate) fn note_up(&self, connection: &mut FirstConnection, now: Instant) {
        match std::mem::replace(connection, FirstConnection::Up) {
            FirstConnection::Up => return,
            FirstConnection::Failed => self.failed.set(self.failed.get() - 1),
            FirstConnection::Opening(_) => {}
        }
        self.up.set(self.up.get() + 1);
        self.advanced.set(now);
    }

    /// Notes that a try to open a connection has failed.
    pub(crate) fn note_failed(&self, connection: &mut FirstConnection) {
        let FirstConnection::Opening(tries) = *connection else {
            return;
        };
        *connection = FirstConnection::Opening(tries + 1);
        if tries + 1 >= MAX_TRIES {
            *connection = FirstConnection::Failed;
            self.failed.set(self.failed.get() + 1);
        }
    }

    /// Returns the progress until `now`.
    pub(crate) fn progress(&self, now: Instant) -> OpeningProgress {
        let (connections, up) = (self.count.get(), self.up.get());
        let is_settled = up + self.failed.get() >= connections;
        // A target that answers nothing is not awaited longer than one connection is.
        let is_stalled = now >= self.advanced.get() + self.connect_timeout + self.interval;
        OpeningProgress {
            connections,
            up,
            is_over: is_settled || is_stalled || now >= self.began.get() + self.bound(),
        }
    }

    /// Returns the time after which no connection is awaited.
    fn bound(&self) -> Duration {
        self.connect_timeout + self.time_per_connection.saturating_mul(self.count.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    /// The connections of one of two workers, and a time.
    struct Opening {
        first: FirstConnections,
        connections: Vec<FirstConnection>,
        now: Instant,
    }

    impl Opening {
        fn new(interval: Duration, count: usize) -> Self {
            let (first, now) = (FirstConnections::new(TIMEOUT, interval, 2), Instant::now());
            (0..count).for_each(|_| first.add(now));
            Self {
                first,
                connections: vec![FirstConnection::Opening(0); count],
                now,
            }
        }

        fn note_up(&mut self, place: usize) {
            self.first.note_up(&mut self.connections[place], self.now);
        }

        fn progress(&self) -> OpeningProgress {
            self.first.progress(self.now)
        }

        fn is_over(&self) -> bool {
            self.progress().is_over
        }
    }

    #[test]
    fn connections_are_awaited_until_each_is_up_or_has_failed() {
        let mut opening = Opening::new(Duration::ZERO, 2);
        opening.note_up(0);
        opening.note_up(0);
        for _ in 0..3 {
            assert!(!opening.is_over());
            opening.first.note_failed(&mut opening.connections[1]);
        }
        let progress = opening.progress();
        assert_eq!((progress.connections, progress.up), (2, 1));
        assert!(progress.is_over);
        opening.note_up(1);
        assert_eq!(opening.progress().up, 2, "it is tried on");
    }

    #[test]
    fn nothing_to_open_is_not_awaited() {
        assert!(Opening::new(Duration::ZERO, 0).is_over());
    }

    #[test]
    fn silent_target_is_awaited_for_the_connect_timeout() {
        let mut opening = Opening::new(Duration::ZERO, 10_000);
        opening.now += Duration::from_secs(9);
        opening.note_up(0);
        opening.now += Duration::from_secs(9);
        assert!(!opening.is_over(), "one came up 9 s ago");
        opening.now += Duration::from_secs(1);
        assert!(opening.is_over());
    }

    #[test]
    fn slow_target_is_awaited_for_10_ms_a_connection_and_a_timeout() {
        // A half of the run's 2,000 connections are those of this worker.
        let mut opening = Opening::new(Duration::ZERO, 1_000);
        for place in 0..29 {
            opening.now += Duration::from_secs(1);
            opening.note_up(place);
            assert!(!opening.is_over());
        }
        opening.now += Duration::from_secs(1);
        assert!(opening.is_over());
    }

    #[test]
    fn limit_of_the_fleet_file_lengthens_the_bound() {
        let interval = Duration::from_secs(60);
        let mut opening = Opening::new(interval, 3);
        for place in 0..2 {
            opening.now += interval;
            assert!(!opening.is_over());
            opening.note_up(place);
        }
        opening.now += interval + TIMEOUT;
        assert!(opening.is_over());
    }
}
