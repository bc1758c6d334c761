//! How fast the time of schedules goes beside that of the run. Schedules count in
//! beats: a microsecond of the run is one of them, and more while a search for the
//! backend's limit has every device hurry. One pen writes the changes, each worker
//! reads them; what is due keeps its order, so nothing has to be planned anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::clock::Micros;

/// From a moment on, beats go by at this pace.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mark {
    at: Micros,
    beat: Micros,
    factor: f64,
}

impl Mark {
    fn beat(&self, at: Micros) -> Micros {
        self.beat
            .saturating_add(scaled(at.saturating_sub(self.at), self.factor))
    }
}

/// The changes of a run, shared by all who need them.
#[derive(Debug, Default)]
pub(crate) struct Score {
    /// How many marks there are.
    count: AtomicUsize,
    marks: Mutex<Vec<Mark>>,
}

impl Score {
    /// From `at` on, every device's schedule goes by this many times faster. `at` is not
    /// before that of an earlier call.
    pub(crate) fn change(&self, at: Micros, factor: f64) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let beat = marks.last().map_or(at, |last| last.beat(at));
        marks.push(Mark { at, beat, factor });
        self.count.store(marks.len(), Ordering::Release);
    }

    fn copy(&self) -> Vec<Mark> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.clone()
    }
}

/// One worker's copy of the changes.
#[derive(Debug, Default)]
pub(crate) struct Tempo {
    score: Option<Arc<Score>>,
    marks: Vec<Mark>,
}

impl Tempo {
    /// Follows what is written in a score; without one, a beat is a microsecond.
    pub(crate) fn new(score: Option<Arc<Score>>) -> Self {
        Self {
            score,
            marks: Vec::new(),
        }
    }

    /// Learns of changes.
    pub(crate) fn refresh(&mut self) {
        if let Some(score) = &self.score
            && score.count.load(Ordering::Acquire) != self.marks.len()
        {
            self.marks = score.copy();
        }
    }

    /// The beat at a moment of the run.
    pub(crate) fn beat(&self, at: Micros) -> Micros {
        let mark = self.marks.iter().rev().find(|mark| mark.at <= at);
        mark.map_or(at, |mark| mark.beat(at))
    }

    /// The moment of the run of a beat; a beat that never comes is never.
    pub(crate) fn moment(&self, beat: Micros) -> Micros {
        let mark = self.marks.iter().rev().find(|mark| mark.beat <= beat);
        match mark {
            None => beat,
            Some(_) if beat == Micros::MAX => beat,
            Some(mark) => mark
                .at
                .saturating_add(scaled(beat - mark.beat, mark.factor.recip())),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a change lies hours back at most, and is then exact to a microsecond"
)]
fn scaled(length: Micros, factor: f64) -> Micros {
    (length as f64 * factor).round() as Micros
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tempo(changes: &[(Micros, f64)]) -> Tempo {
        let score = Arc::new(Score::default());
        let mut tempo = Tempo::new(Some(Arc::clone(&score)));
        for (at, factor) in changes {
            score.change(*at, *factor);
        }
        tempo.refresh();
        tempo
    }

    #[test]
    fn without_changes_a_beat_is_a_microsecond() {
        for tempo in [Tempo::default(), tempo(&[])] {
            assert_eq!((tempo.beat(7), tempo.moment(7)), (7, 7));
            assert_eq!(tempo.moment(Micros::MAX), Micros::MAX);
        }
    }

    #[test]
    fn beats_go_by_faster_and_slower_and_never_jump() {
        let tempo = tempo(&[(1_000, 2.0), (2_000, 0.5)]);
        assert_eq!(
            [500, 1_000, 1_500, 2_000, 3_000].map(|at| tempo.beat(at)),
            [500, 1_000, 2_000, 3_000, 3_500]
        );
        for at in 0..5_000 {
            assert!(tempo.moment(tempo.beat(at)).abs_diff(at) <= 1, "{at}");
        }
    }
}
