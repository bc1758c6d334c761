//! Shows the progress of a run, and handles Ctrl-C.

use std::collections::{HashSet, VecDeque};
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::log_events;
use crate::cli::ui::out::err;
use mockfleet_engine::{Action, Finished, Running, SearchDriver};
use mockfleet_metrics::{Counters, LiveView, ProgressSnapshot, StageProgress, plural};

/// Interval of updates on a terminal.
const REFRESH_INTERVAL: Duration = Duration::from_millis(200);

/// Interval of JSON objects, and of lines without a terminal.
const OBJECT_INTERVAL: Duration = Duration::from_secs(1);
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// A live block on a terminal, plain lines elsewhere.
    People,
    /// One JSON object a line on standard output.
    Json,
}

/// Follows a run. It is created before the run starts, so that a signal ends the run in order.
pub(crate) struct ProgressView {
    runtime: tokio::runtime::Runtime,
    signals: Signals,
    watcher: Watcher,
    interrupted: bool,
}

impl ProgressView {
    pub(crate) fn new(form: OutputFormat) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no I/O loop for the command line")?;
        let signals = {
            let _inside = runtime.enter();
            Signals::new()?
        };
        let live = LiveView::new();
        log_events::print_with(Some(Box::new(live.printer())));
        Ok(Self {
            runtime,
            signals,
            watcher: Watcher {
                live,
                form,
                printed: HashSet::new(),
                shown: Instant::now(),
                rate: Rate::default(),
                factor: 1.0,
                has_started: false,
                rates: Vec::new(),
            },
            interrupted: false,
        })
    }

    /// Follows a run to its end, and drives its breakpoint search. Returns whether the run was
    /// interrupted.
    pub(crate) fn follow(
        mut self,
        running: Running,
        printed: &GuestOutput,
        mut search: Option<&mut SearchDriver>,
    ) -> (Finished, bool) {
        while !running.is_over() {
            if let Some(pacer) = search.as_deref_mut().filter(|_| !self.interrupted) {
                self.watcher.search(&running, pacer);
            }
            self.watcher.look(&running, printed);
            if self.asked_to_stop(
                REFRESH_INTERVAL,
                "stopping: no new ticks; open messages have 5 s to be confirmed (Ctrl-C again stops at once)",
            ) {
                running.stop();
            }
        }
        self.watcher.notices(&running, printed);
        self.watcher.live.clear();
        log_events::print_with(None);
        let mut last_line = Instant::now();
        let finished = running.finish(|progress| {
            self.asked_to_stop(
                Duration::ZERO,
                "the run is over and its log is being written (Ctrl-C again stops at once, and leaves it as it is)",
            );
            if last_line.elapsed() > LINE_INTERVAL {
                last_line = Instant::now();
                let trouble = progress.warning.as_deref().unwrap_or("writing");
                err!(
                    "closing the log: {trouble}; {} and {} wait",
                    plural(progress.waiting_bytes, "byte"),
                    plural(progress.pending_files, "file")
                );
            }
        });
        (finished, self.interrupted)
    }

    /// Returns whether the first signal arrived within a time; the second one ends the process.
    fn asked_to_stop(&mut self, within: Duration, answer: &str) -> bool {
        if !self.runtime.block_on(self.signals.came(within)) {
            return false;
        }
        if self.interrupted {
            self.watcher.live.clear();
            std::process::exit(130);
        }
        self.interrupted = true;
        self.watcher.live.print_line(answer);
        true
    }
}

struct Watcher {
    live: LiveView,
    form: OutputFormat,
    /// Warnings that were printed.
    printed: HashSet<String>,
    shown: Instant,
    rate: Rate,
    /// The rate factor of a breakpoint search.
    factor: f64,
    /// Whether the clock has started after its connections were opened.
    has_started: bool,
    /// Target and actual rate of each group with stages.
    rates: Vec<(Mean, Rate)>,
}

impl Watcher {
    fn look(&mut self, running: &Running, printed: &GuestOutput) {
        self.notices(running, printed);
        let due = match self.form {
            OutputFormat::Json => OBJECT_INTERVAL,
            OutputFormat::People if self.live.is_visible() => REFRESH_INTERVAL,
            OutputFormat::People => LINE_INTERVAL,
        };
        // Taken each time, since rates cover the last two seconds.
        let moment = self.moment(running);
        if self.shown.elapsed() < due {
            return;
        }
        self.shown = Instant::now();
        match self.form {
            OutputFormat::Json => {
                // A closed pipe does not end the run.
                let _ = writeln!(std::io::stdout(), "{}", moment.json());
            }
            OutputFormat::People if self.live.is_visible() => self.live.show(&moment),
            OutputFormat::People => self.live.print_line(&moment.line()),
        }
    }

    /// Reports once that the clock has started without some of its connections.
    fn note_start(&mut self, running: &Running, counters: &Counters) {
        if self.has_started {
            return;
        }
        let progress = running.connect_progress(counters);
        self.has_started = progress.is_some_and(|progress| progress.is_over);
        if let Some(progress) =
            progress.filter(|progress| self.has_started && progress.failed() > 0)
        {
            self.live.print_line(&progress.start_line());
        }
    }

    /// Performs the actions of a breakpoint search.
    fn search(&mut self, running: &Running, pacer: &mut SearchDriver) {
        for act in pacer.poll(running.elapsed(), &running.counters()) {
            match act {
                Action::SetRateFactor(factor) => {
                    self.factor = factor;
                    running.set_rate_factor(factor);
                }
                Action::StepDone(step) if self.form == OutputFormat::Json => {
                    let _ = writeln!(std::io::stdout(), "{}", step.json());
                }
                Action::StepDone(step) => self.live.print_line(&step.line()),
                Action::Stop => running.stop(),
            }
        }
    }

    fn moment(&mut self, running: &Running) -> ProgressSnapshot {
        let counters = running.counters();
        let progress = running.log();
        ProgressSnapshot {
            elapsed: running.elapsed(),
            duration: running.duration(),
            clock: running.clock(),
            connecting: running
                .connect_progress(&counters)
                .filter(|progress| !progress.is_over),
            devices: running.devices(),
            reached: self.rate.of(counters.got_through()),
            factor: self.factor * running.speed(),
            stages: self.stages(running, &counters),
            counters,
            rows: progress.counters.rows,
            bytes: progress.counters.bytes,
            warning: progress.warning,
        }
    }

    /// Returns the current stages, with target and actual rate over the last two seconds.
    fn stages(&mut self, running: &Running, counters: &Counters) -> Vec<StageProgress> {
        let mut stages = running.stages(counters);
        self.rates.resize_with(stages.len(), Default::default);
        for (stage, (asked, reached)) in stages.iter_mut().zip(&mut self.rates) {
            stage.asked = asked.of(stage.asked);
            stage.reached = reached.of(stage.ran);
        }
        stages
    }

    /// Prints new warnings, and the output of guests.
    fn notices(&mut self, running: &Running, printed: &GuestOutput) {
        for line in printed.take() {
            self.live.print_line(&line);
        }
        let counters = running.counters();
        self.note_start(running, &counters);
        for (trouble, first, _) in counters.warnings.iter() {
            if !self.printed.contains(trouble) {
                self.printed.insert(trouble.to_owned());
                self.live.print_line(&format!("warning: {first}"));
            }
        }
        let trouble = running.log().warning;
        if let Some(trouble) = trouble.filter(|trouble| self.printed.insert(trouble.clone())) {
            self.live.print_line(&format!("warning: {trouble}"));
        }
    }
}

/// The time over which rates are averaged.
const RATE_WINDOW: Duration = Duration::from_secs(2);

/// The mean of a value over the window.
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

/// Adds a value, and removes values older than the window.
fn recent<T>(marks: &mut VecDeque<(Instant, T)>, value: T) {
    let now = Instant::now();
    marks.push_back((now, value));
    let old = |mark: Option<&(Instant, T)>| mark.is_some_and(|(at, _)| now - *at > RATE_WINDOW);
    while marks.len() > 2 && old(marks.front()) {
        marks.pop_front();
    }
}

/// The rate of a counter over the window.
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

/// Signals that end the process: Ctrl-C, and SIGTERM of init systems.
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

    /// Returns whether a signal arrived within a time.
    async fn came(&mut self, within: Duration) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            () = tokio::time::sleep(within) => false,
        }
    }
}
