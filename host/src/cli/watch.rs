//! Watching a run from start to end: the live block or its plain or JSON form, the
//! troubles as they come up, Ctrl-C.

use std::collections::{HashSet, VecDeque};
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::console::Printed;
use crate::cli::print::tell;
use mockfleet_engine::{Act, Finished, Pacer, Running};
use mockfleet_metrics::{Counters, Live, Moment, StageNow};

/// How often the terminal is brought up to date.
const GLANCE: Duration = Duration::from_millis(200);

/// How often there is a progress object, and how often a plain line.
const OBJECT: Duration = Duration::from_secs(1);
const LINE: Duration = Duration::from_secs(5);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A live block on a terminal, plain lines elsewhere.
    People,
    /// One JSON object a line on standard output.
    Json,
}

/// Watches a run. Made before the run starts: from then on, a signal ends the run in
/// an orderly way, and not the process.
pub(super) struct Watch {
    runtime: tokio::runtime::Runtime,
    signals: Signals,
    watcher: Watcher,
    interrupted: bool,
}

impl Watch {
    pub(super) fn new(form: Form) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no I/O loop for the command line")?;
        let signals = {
            let _inside = runtime.enter();
            Signals::new()?
        };
        Ok(Self {
            runtime,
            signals,
            watcher: Watcher {
                live: Live::new(),
                form,
                said: HashSet::new(),
                shown: Instant::now(),
                rate: Rate::default(),
                factor: 1.0,
                rates: Vec::new(),
            },
            interrupted: false,
        })
    }

    /// Watches a run to its end, and carries out a search on it if there is one. Says
    /// whether it was interrupted.
    pub(super) fn follow(
        mut self,
        running: Running,
        printed: &Printed,
        mut search: Option<&mut Pacer>,
    ) -> (Finished, bool) {
        while !running.is_over() {
            if let Some(pacer) = search.as_deref_mut().filter(|_| !self.interrupted) {
                self.watcher.search(&running, pacer);
            }
            self.watcher.look(&running, printed);
            if self.asked_to_stop(
                GLANCE,
                "stopping: no new ticks; open messages have 5 s to be confirmed (Ctrl-C again stops at once)",
            ) {
                running.stop();
            }
        }
        self.watcher.notices(&running, printed);
        self.watcher.live.clear();
        let mut told = Instant::now();
        let finished = running.finish(|progress| {
            self.asked_to_stop(
                Duration::ZERO,
                "the run is over and its log is being written (Ctrl-C again stops at once, and leaves it as it is)",
            );
            if told.elapsed() > LINE {
                told = Instant::now();
                let trouble = progress.warning.as_deref().unwrap_or("writing");
                tell!(
                    "closing the log: {trouble}; {} bytes and {} files wait",
                    progress.waiting_bytes, progress.pending_files
                );
            }
        });
        (finished, self.interrupted)
    }

    /// Whether a first signal came within this time; the second one ends the process.
    fn asked_to_stop(&mut self, within: Duration, answer: &str) -> bool {
        if !self.runtime.block_on(self.signals.came(within)) {
            return false;
        }
        if self.interrupted {
            self.watcher.live.clear();
            std::process::exit(130);
        }
        self.interrupted = true;
        self.watcher.live.say(answer);
        true
    }
}

struct Watcher {
    live: Live,
    form: Form,
    /// Troubles that have been said.
    said: HashSet<String>,
    shown: Instant,
    rate: Rate,
    /// How many times faster than in the fleet file schedules go.
    factor: f64,
    /// Of each group with stages: what is asked, and what is reached.
    rates: Vec<(Mean, Rate)>,
}

impl Watcher {
    fn look(&mut self, running: &Running, printed: &Printed) {
        self.notices(running, printed);
        let due = match self.form {
            Form::Json => OBJECT,
            Form::People if self.live.is_seen() => GLANCE,
            Form::People => LINE,
        };
        // Each time, whether it is shown or not: rates are those of the last moments.
        let moment = self.moment(running);
        if self.shown.elapsed() < due {
            return;
        }
        self.shown = Instant::now();
        match self.form {
            Form::Json => {
                // A reader that is gone does not end the run.
                let _ = writeln!(std::io::stdout(), "{}", moment.json());
            }
            Form::People if self.live.is_seen() => self.live.show(&moment),
            Form::People => self.live.say(&moment.line()),
        }
    }

    /// Does what a search asks for.
    fn search(&mut self, running: &Running, pacer: &mut Pacer) {
        for act in pacer.poll(running.elapsed(), &running.counters()) {
            match act {
                Act::Hurry(factor) => {
                    self.factor = factor;
                    running.hurry(factor);
                }
                Act::Said(step) if self.form == Form::Json => {
                    let _ = writeln!(std::io::stdout(), "{}", step.json());
                }
                Act::Said(step) => self.live.say(&step.line()),
                Act::Stop => running.stop(),
            }
        }
    }

    fn moment(&mut self, running: &Running) -> Moment {
        let counters = running.counters();
        let progress = running.log();
        Moment {
            elapsed: running.elapsed(),
            duration: running.duration(),
            clock: running.clock(),
            devices: running.devices(),
            reached: self.rate.of(counters.messages),
            factor: self.factor * running.speed(),
            stages: self.stages(running, &counters),
            counters,
            rows: progress.counters.rows,
            bytes: progress.counters.bytes,
            trouble: progress.warning,
        }
    }

    /// The stages that groups are in, with what each was asked and has reached over the
    /// same last moments.
    fn stages(&mut self, running: &Running, counters: &Counters) -> Vec<StageNow> {
        let mut stages = running.stages(counters);
        self.rates.resize_with(stages.len(), Default::default);
        for (stage, (asked, reached)) in stages.iter_mut().zip(&mut self.rates) {
            stage.asked = asked.of(stage.asked);
            stage.reached = reached.of(stage.ran);
        }
        stages
    }

    /// Says what is new: each trouble once.
    fn notices(&mut self, running: &Running, printed: &Printed) {
        for line in printed.take() {
            self.live.say(&line);
        }
        let counters = running.counters();
        for (trouble, first, _) in counters.notices.iter() {
            if !self.said.contains(trouble) {
                self.said.insert(trouble.to_owned());
                self.live.say(&format!("warning: {first}"));
            }
        }
        let trouble = running.log().warning;
        if let Some(trouble) = trouble.filter(|trouble| self.said.insert(trouble.clone())) {
            self.live.say(&format!("warning: {trouble}"));
        }
    }
}

/// What is meant by the last moments.
const MOMENTS: Duration = Duration::from_secs(2);

/// The mean of a value over the last moments.
#[derive(Default)]
struct Mean {
    marks: VecDeque<(Instant, f64)>,
}

impl Mean {
    fn of(&mut self, value: f64) -> f64 {
        recent(&mut self.marks, value);
        let sum: f64 = self.marks.iter().map(|(_, value)| value).sum();
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let count = self.marks.len().max(1) as f64;
        sum / count
    }
}

/// Notes a value, and forgets those that lie further back than the last moments.
fn recent<T>(marks: &mut VecDeque<(Instant, T)>, value: T) {
    let now = Instant::now();
    marks.push_back((now, value));
    let old = |mark: Option<&(Instant, T)>| mark.is_some_and(|(at, _)| now - *at > MOMENTS);
    while marks.len() > 2 && old(marks.front()) {
        marks.pop_front();
    }
}

/// Messages a second over the last moments.
#[derive(Default)]
struct Rate {
    marks: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn of(&mut self, messages: u64) -> f64 {
        recent(&mut self.marks, messages);
        let now = Instant::now();
        let Some((at, before)) = self.marks.front() else {
            return 0.0;
        };
        let seconds = (now - *at).as_secs_f64();
        if seconds <= 0.0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let messages = messages.saturating_sub(*before) as f64;
        messages / seconds
    }
}

/// The ways to ask a process to end: Ctrl-C, and what init systems send.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("Ctrl-C cannot be watched")?,
            terminate: signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?,
        })
    }

    /// Whether one came within this time.
    async fn came(&mut self, within: Duration) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            () = tokio::time::sleep(within) => false,
        }
    }
}
