//! Collects the faults of a trial that a run would report.

use std::time::Duration;

use mockfleet_config::format_duration;
use mockfleet_metrics::{agree, plural};

/// The faults and answers of all calls of a trial.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    ticks: u64,
    failed_ticks: u64,
    /// Whether a call returned anything, failed, or retired its device.
    has_answer: bool,
    stray_turns: u64,
    /// Statuses that the plugin does not list, in their order.
    unlisted: Vec<String>,
    slow_calls: u64,
    slowest: Duration,
}

impl Findings {
    /// Counts a tick.
    pub(crate) fn tick(&mut self, has_failed: bool) {
        self.ticks += 1;
        self.failed_ticks += u64::from(has_failed);
    }

    /// Notes that a call had an effect.
    pub(crate) fn answer(&mut self) {
        self.has_answer = true;
    }

    /// Counts a turn with a channel that has no route.
    pub(crate) fn stray_turn(&mut self) {
        self.stray_turns += 1;
    }

    /// Counts a status that is not listed. Returns whether it is new.
    pub(crate) fn unlisted_status(&mut self, status: &str) -> bool {
        let is_new = !self.unlisted.iter().any(|known| known == status);
        if is_new {
            self.unlisted.push(status.to_owned());
        }
        is_new
    }

    /// Counts a call that took longer than a run allows. Returns whether it is the first.
    pub(crate) fn slow_call(&mut self, took: Duration) -> bool {
        self.slow_calls += 1;
        self.slowest = self.slowest.max(took);
        self.slow_calls == 1
    }

    fn all_ticks_failed(&self) -> bool {
        self.ticks > 0 && self.failed_ticks == self.ticks
    }

    /// Describes the faults; `None` if there are none. `deadline` is that of a run.
    pub(crate) fn faults(&self, deadline: Duration) -> Option<String> {
        let mut faults = Vec::new();
        if self.all_ticks_failed() {
            faults.push(match self.ticks {
                1 => "the only tick failed".to_owned(),
                ticks => format!("all {} failed", plural(ticks, "tick")),
            });
        }
        if self.stray_turns > 0 {
            faults.push(format!(
                "{} {} on a channel that is not named",
                plural(self.stray_turns, "turn"),
                agree(self.stray_turns, "is", "are")
            ));
        }
        if !self.unlisted.is_empty() {
            let number = self.unlisted.len();
            faults.push(format!(
                "{} {} not listed",
                match number {
                    1 => "1 status".to_owned(),
                    number => format!("{number} statuses"),
                },
                agree(number, "is", "are")
            ));
        }
        if self.slow_calls > 0 {
            faults.push(format!(
                "{} took longer than the {} of a run, {} the longest",
                plural(self.slow_calls, "call"),
                format_duration(deadline),
                shown(self.slowest)
            ));
        }
        match faults.is_empty() {
            true => None,
            false => Some(format!("a run would report: {}", faults.join("; "))),
        }
    }

    /// Returns a hint if the calls returned nothing at all.
    pub(crate) fn hint(&self, listens: bool) -> Option<String> {
        if self.ticks == 0 || self.has_answer {
            return None;
        }
        let more = match listens {
            true => "; if it only answers messages, --send CHANNEL=PAYLOAD sends one",
            false => "",
        };
        Some(format!(
            "hint: {} returned no message, status, next tick or connection action; a device sends what its tick returns, and a tick without a return sends nothing{more}",
            match self.ticks {
                1 => "the only tick".to_owned(),
                ticks => format!("all {}", plural(ticks, "tick")),
            }
        ))
    }
}

/// Formats a time in whole milliseconds.
pub(crate) fn shown(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    format_duration(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_millis(100);

    #[test]
    fn trial_without_faults_is_silent() {
        let mut findings = Findings::default();
        findings.tick(false);
        findings.tick(true);
        findings.answer();
        assert_eq!(findings.faults(DEADLINE), None);
        assert_eq!(findings.hint(true), None);
        assert_eq!(Findings::default().hint(true), None);
    }

    #[test]
    fn all_faults_are_in_one_sentence() {
        let mut findings = Findings::default();
        findings.tick(true);
        findings.answer();
        let said = |findings: &Findings| findings.faults(DEADLINE).unwrap();
        assert_eq!(said(&findings), "a run would report: the only tick failed");
        findings.tick(true);
        findings.stray_turn();
        assert!(findings.unlisted_status("weird") && !findings.unlisted_status("weird"));
        assert!(findings.slow_call(Duration::from_micros(350_900)));
        assert!(!findings.slow_call(Duration::from_millis(200)));
        assert_eq!(
            said(&findings),
            "a run would report: all 2 ticks failed; 1 turn is on a channel that is not named; 1 status is not listed; 2 calls took longer than the 100ms of a run, 350ms the longest"
        );
    }

    #[test]
    fn ticks_without_an_answer_are_hinted_at() {
        let mut findings = Findings::default();
        findings.tick(false);
        let hint = findings.hint(false).unwrap();
        assert!(
            hint.starts_with("hint: the only tick returned no message"),
            "{hint}"
        );
        assert!(
            findings
                .hint(true)
                .unwrap()
                .ends_with("--send CHANNEL=PAYLOAD sends one")
        );
    }
}
