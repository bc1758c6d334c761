//! Runs fleets of virtual IoT devices. A device's behaviour is a WebAssembly
//! component; the host calls each device on schedule, sends what it returns over MQTT
//! or HTTP, and writes one row for every message as Parquet.
//!
//! The one path, from left to right:
//!
//! ```text
//! schedule ─due─▶ cell ─turn─▶ route ─envelope─▶ transport ─outcome─▶ send log ─▶ Parquet
//!    ▲              │                               │
//!    └─ next tick ──┘◀────────────── event ─────────┘
//! ```
//!
//! ARCHITECTURE.md in the repository has the map of the crates below `host/crates`. This crate
//! is the program: the command line ([`cli`]), forecasts of size and cost ([`forecast`]), and
//! files from an address ([`fetch`]).

mod allocator;
pub mod cli;
mod fetch;
mod forecast;
mod num;

pub use allocator::Allocator;
