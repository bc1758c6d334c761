//! Plots lines over time, in a terminal or as SVG.

mod canvas;
mod lines;
mod picture;
mod text;

pub use lines::{Line, MAX_LINES, Plot};
pub use picture::svg;
pub use text::terminal;
