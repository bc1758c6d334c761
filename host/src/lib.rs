//! Runs fleets of virtual IoT devices from the command line.
//!
//! Internal to mockfleet: the library serves its binary and benches, and has no stable API. A
//! device's behaviour is a WebAssembly component. The host calls each device on schedule, sends
//! its messages over MQTT or HTTP, and writes one row for every message as Parquet.
//!
//! The path of a message, from left to right:
//!
//! ```text
//! schedule ─due─▶ cell ─turn─▶ route ─envelope─▶ transport ─outcome─▶ send log ─▶ Parquet
//!    ▲              │                               │
//!    └─ next tick ──┘◀────────────── event ─────────┘
//! ```
//!
//! ARCHITECTURE.md in the repository has the map of the crates below `host/crates`, and
//! GLOSSARY.md defines the terms. This crate is the program: the command line (`cli`),
//! forecasts of size and cost (`forecast`), and files from an address (`fetch`).

mod allocator;
pub mod cli;
mod fetch;
mod forecast;
mod num;

pub use allocator::Allocator;
