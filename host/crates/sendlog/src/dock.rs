//! Files that wait to be brought to the store: in their order, several at a time, and
//! no more of them than the memory has room for. Knows nothing of stores.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::LogError;
use super::part::Finished;

/// What files on their way hold in memory, together; a larger one goes alone. One of
/// the usual roll size, or all that a busy minute makes of small ones.
const ABOARD: u64 = 128 << 20;

/// A file on its way.
#[derive(Debug)]
pub(super) struct Cargo {
    pub(super) file: Finished,
    pub(super) bytes: u64,
    pub(super) voyage: Arc<Voyage>,
}

/// The files of one generation.
#[derive(Debug)]
pub(super) struct Voyage {
    pub(super) generation: u64,
    left: AtomicUsize,
}

impl Voyage {
    pub(super) fn new(generation: u64, files: usize) -> Arc<Self> {
        Arc::new(Self {
            generation,
            left: AtomicUsize::new(files),
        })
    }

    /// One of its files is there. True for the last.
    pub(super) fn landed(&self) -> bool {
        self.left.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// Where files wait.
#[derive(Debug, Default)]
pub(super) struct Dock {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Cargo>,
    /// Bytes of the files that are on their way.
    aboard: u64,
    /// Nothing new comes.
    closed: bool,
    failure: Option<LogError>,
}

impl Dock {
    pub(super) fn push(&self, cargo: Cargo) {
        self.lock().waiting.push_back(cargo);
        self.changed.notify_one();
    }

    /// The next file, once there is one and room for it; `None` when nothing comes
    /// any more, or somebody has given up.
    pub(super) fn next(&self) -> Option<Cargo> {
        let mut state = self.lock();
        loop {
            if state.failure.is_some() || (state.closed && state.waiting.is_empty()) {
                return None;
            }
            let aboard = state.aboard;
            let fits = |cargo: &Cargo| aboard == 0 || aboard + cargo.bytes <= ABOARD;
            if state.waiting.front().is_some_and(fits)
                && let Some(cargo) = state.waiting.pop_front()
            {
                state.aboard += cargo.bytes;
                return Some(cargo);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A file that `next` gave is there, or will not be.
    pub(super) fn ended(&self, bytes: u64, end: Result<(), LogError>) {
        let mut state = self.lock();
        state.aboard -= bytes;
        if let Err(error) = end {
            state.failure.get_or_insert(error);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Nothing new comes.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Why somebody gave up, if anybody did.
    pub(super) fn into_end(self) -> Result<(), LogError> {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.failure.map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cargo(bytes: u64) -> Cargo {
        Cargo {
            file: Finished {
                part: String::new(),
                key: String::new(),
            },
            bytes,
            voyage: Voyage::new(1, 1),
        }
    }

    #[test]
    fn files_go_side_by_side_as_long_as_there_is_room_and_a_large_one_alone() {
        let dock = Dock::default();
        for bytes in [ABOARD / 2, ABOARD / 2, 4 * ABOARD] {
            dock.push(cargo(bytes));
        }
        dock.close();
        let (first, second) = (dock.next().unwrap(), dock.next().unwrap());
        std::thread::scope(|scope| {
            let third = scope.spawn(|| dock.next().unwrap().bytes);
            dock.ended(first.bytes, Ok(()));
            assert!(!third.is_finished(), "one half is still on its way");
            dock.ended(second.bytes, Ok(()));
            assert_eq!(third.join().unwrap(), 4 * ABOARD);
        });
        dock.ended(4 * ABOARD, Ok(()));
        assert!(dock.next().is_none());
        assert!(dock.into_end().is_ok());
    }

    #[test]
    fn who_gives_up_ends_the_others_too() {
        let dock = Dock::default();
        dock.push(cargo(1));
        dock.push(cargo(1));
        let taken = dock.next().unwrap();
        let why = LogError::NotWhole { why: "down".into() };
        dock.ended(taken.bytes, Err(why));
        assert!(dock.next().is_none());
        assert!(dock.into_end().is_err());
    }
}
