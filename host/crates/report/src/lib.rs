//! What is left of a run to look at: the page of it for people, and what CI servers read;
//! and the figures that a tried device sends, over time. Makes texts of figures; knows
//! nothing of how they came about, and writes no file.

mod axis;
mod chart;
mod escape;
mod file;
mod head;
mod junit;
mod page;
mod pictures;
mod plot;
mod tables;

pub use junit::junit;
pub use page::{Told, page};
pub use plot::{Line, MOST, Plot, drawn, svg};
