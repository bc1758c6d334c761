//! Writes the summary for a terminal.

use crate::check;
use crate::counters::warnings::Warnings;
use crate::format::{count, rate};
use crate::num::as_f64;
use crate::progress::stages::StageResult;
use crate::summary::run_summary::Summary;

/// Causes, and warnings, that are listed; the rest is a number.
const MAX_CAUSES: usize = 5;

/// Stages that are listed; the rest is a number.
const MAX_STAGES: usize = 24;

impl Summary {
    /// Returns the summary as lines of a heading and a text.
    #[must_use]
    pub fn text(&self) -> String {
        let c = &self.counters;
        let seconds = self.took.as_secs_f64();
        let mut lines = Lines(vec![
            format!(
                "{}: {} devices, {} messages in {seconds:.1} s ({}), run {}",
                self.fleet,
                count(self.devices),
                count(c.messages),
                rate(as_f64(c.messages) / seconds.max(0.001)),
                self.run
            ),
            String::new(),
        ]);
        lines.add("Did everything arrive?", self.arrived());
        lines.list("", top(&c.causes, "causes; the column `error` has them"));
        if let Some(clock) = &self.clock {
            lines.add("Virtual time", clock.text(self.ran));
        }
        if !c.injected.is_none() {
            lines.add("Injected faults", c.injected.text());
            let causes = &c.injected.causes;
            lines.list("", top(causes, "causes; the column `error` has them"));
        }
        lines.add("Was the schedule kept?", self.kept());
        lines.add("Bottleneck", self.evidence().verdict().1);
        if let Some(result) = &self.breakpoint {
            lines.list("Limit", result.lines());
        }
        if !self.checks.is_empty() {
            lines.add("Checks", check::verdict(&self.checks));
            lines.list("", self.checks.iter().map(|check| check.line()).collect());
        }
        if !self.stages.is_empty() {
            lines.add("Stages", String::new());
            lines.list("", stages(&self.stages));
        }
        if c.failed_calls + c.cell_restarts + c.retired > 0 {
            lines.add("Plugin errors", self.plugin_errors());
        }
        lines.list("Warnings", top(&c.warnings, "warnings"));
        lines.add("Where is the log?", self.log.text());
        let readable = self.log.error.is_none() && self.log.rows > 0;
        if let Some(query) = self.log.query.as_ref().filter(|_| readable) {
            lines.add("First query", format!("duckdb -c \"{query}\""));
        }
        lines.0.join("\n")
    }
}

/// Lines with headings in a column of 25 characters.
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, heading: &str, text: String) {
        let line = format!("{heading:<25}{text}");
        self.0.push(line.trim_end().to_owned());
    }

    /// Adds texts, the first of them with the heading.
    fn list(&mut self, heading: &str, texts: Vec<String>) {
        let mut heading = heading;
        for text in texts {
            self.add(heading, text);
            heading = "";
        }
    }
}

fn stages(stages: &[StageResult]) -> Vec<String> {
    let shown = stages.iter().take(MAX_STAGES);
    let mut lines: Vec<String> = shown.map(StageResult::line).collect();
    let more = stages.len().saturating_sub(MAX_STAGES);
    if more > 0 {
        lines.push(format!("and {more} more; --json has each"));
    }
    lines
}

/// Returns the most frequent texts with their counts, and the count of the `others`.
fn top(warnings: &Warnings, others: &str) -> Vec<String> {
    let ranked = warnings.ranked();
    let mut lines: Vec<String> = ranked
        .iter()
        .take(MAX_CAUSES)
        .map(|(why, n)| format!("{} × {why}", count(*n)))
        .collect();
    let rest: u64 = ranked.iter().skip(MAX_CAUSES).map(|(_, n)| n).sum::<u64>() + warnings.others();
    if rest > 0 {
        lines.push(format!("{} × other {others}", count(rest)));
    }
    lines
}
