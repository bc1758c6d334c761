//! Draws the live view on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mockfleet_files::foreign_text::{for_line, for_terminal};

use crate::progress::snapshot::ProgressSnapshot;

/// The block on the terminal, and lines above it.
pub struct LiveView {
    bar: ProgressBar,
}

impl LiveView {
    /// Creates a view that draws on standard error, if that is a terminal.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Returns whether the block is visible.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows a snapshot in the block.
    pub fn show(&self, snapshot: &ProgressSnapshot) {
        self.bar
            .set_message(for_terminal(&snapshot.block()).into_owned());
        self.bar.tick();
    }

    /// Prints one line above the block, or alone.
    pub fn print_line(&self, line: &str) {
        let line = for_line(line);
        if self.is_visible() {
            self.bar.println(&*line);
        } else {
            eprintln!("{line}");
        }
    }

    /// Returns a function that prints lines above the block, for other threads.
    pub fn printer(&self) -> impl Fn(&str) + Send + 'static {
        let view = Self {
            bar: self.bar.clone(),
        };
        move |line| view.print_line(line)
    }

    /// Removes the block.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for LiveView {
    fn default() -> Self {
        Self::new()
    }
}
