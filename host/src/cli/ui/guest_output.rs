//! Passes the output of guests to the terminal.
//!
//! Workers send lines without waiting. Lines beyond the capacity are counted.

use mockfleet_metrics::{noun_for, plural};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use mockfleet_plugin::{Console, OutputLine, StdStream};

/// Maximum of lines that wait for the terminal.
const MAX_WAITING: usize = 1_000;

/// Collects the output of all cells.
pub(crate) struct GuestOutput {
    console: Console,
    lines: Receiver<String>,
    lost: Arc<AtomicU64>,
}

impl GuestOutput {
    pub(crate) fn new() -> Self {
        let (sender, lines) = sync_channel(MAX_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        let console: Console = Arc::new(move |line| hand_over(&sender, &counter, &line));
        Self {
            console,
            lines,
            lost,
        }
    }

    /// Returns the console for the cells.
    pub(crate) fn console(&self) -> Console {
        Arc::clone(&self.console)
    }

    /// Returns the lines since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.lines.try_iter().collect();
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            lines.push(format!(
                "({lost} more {} of plugins, faster than they can be shown)",
                noun_for(lost, "line")
            ));
        }
        lines
    }
}

fn hand_over(sender: &SyncSender<String>, lost: &AtomicU64, line: &OutputLine<'_>) {
    if sender.try_send(shown(line)).is_err() {
        lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// Formats a guest's line, without control characters.
fn shown(line: &OutputLine<'_>) -> String {
    let text: String = line
        .text
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    let stream = match line.stream {
        StdStream::Out => "",
        StdStream::Err => " (stderr)",
    };
    if text.is_empty() && line.skipped > 0 {
        return format!(
            "{}: {} left out, see limits.log-lines",
            line.from,
            plural(line.skipped, "line")
        );
    }
    let skipped = match line.skipped {
        0 => String::new(),
        n => format!(
            " ({} before it left out, see limits.log-lines)",
            plural(n, "line")
        ),
    };
    format!("{}{stream}: {text}{skipped}", line.from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        let line = OutputLine {
            from: "d-1",
            stream: StdStream::Err,
            text: "\u{1b}[2Jhello",
            skipped: 3,
        };
        assert_eq!(
            shown(&line),
            "d-1 (stderr): \u{fffd}[2Jhello (3 lines before it left out, see limits.log-lines)"
        );
    }

    #[test]
    fn lines_beyond_the_capacity_are_counted() {
        let printed = GuestOutput::new();
        let console = printed.console();
        for _ in 0..MAX_WAITING + 5 {
            console(OutputLine {
                from: "d",
                stream: StdStream::Out,
                text: "x",
                skipped: 0,
            });
        }
        let lines = printed.take();
        assert_eq!(lines.len(), MAX_WAITING + 1);
        assert!(
            lines
                .last()
                .is_some_and(|line| line.starts_with("(5 more lines"))
        );
    }
}
