//! Checks the readers of external bytes.
//!
//! Internal to mockfleet. There is one function for each kind of input. It takes any bytes, and panics if a property of its reader
//! does not hold. libFuzzer calls them with new bytes (`fuzz/`), and `cargo test` with the kept
//! ones in `fuzz/seeds`.
//!
//! | module | input |
//! |---|---|
//! | `bundle` | bundles, and manifests of bundles |
//! | `component` | components of plugins, compiled and described under limits |
//! | `dom` | the elements of a page, as a browser builds them |
//! | `exchange` | responses of a broker or a server |
//! | `fleet` | fleet files, prices, overrides |
//! | `honest` | a run with each part that a page can show |
//! | `log_folder` | folders of logs: manifests, headers and segments of the spool, metadata, Parquet |
//! | `page` | texts of a run on the page, and in JUnit XML |
//! | `schema` | JSON Schemas and values |
//! | `terminal` | texts that are written to a terminal, to JSON or to a shell |
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a check fails by panicking"
)]

mod bundle;
mod component;
mod dom;
mod exchange;
mod fleet;
mod honest;
mod log_folder;
mod page;
mod schema;
mod terminal;

pub use bundle::bundle;
pub use component::component;
pub use exchange::{http, mqtt};
pub use fleet::fleet;
pub use log_folder::{footer, recovery};
pub use page::report;
pub use schema::schema;
pub use terminal::terminal;
