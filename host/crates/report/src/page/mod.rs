//! Renders the HTML page of a run.

mod appendix;
mod charts;
mod format;
mod header;
mod html;
mod page_data;
mod run_status;
mod tables;

pub use html::page;
pub use page_data::PageData;
