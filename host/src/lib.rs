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
//! It is [`run`]'s `worker.rs`, and reads in one sitting. The rooms of the house:
//!
//! | module | what it owns | what it must not know |
//! |---|---|---|
//! | [`fleet`] | the fleet file: from text to one checked plan | anything that runs |
//! | [`plugin`] | WebAssembly: loading, cells, calls, limits | schedules, networks, logs |
//! | [`transport`] | MQTT and HTTP: envelopes in, outcomes out | plugins, schedules, logs |
//! | [`sendlog`] | rows, Parquet, the store | plugins, networks, schedules |
//! | [`run`] | schedule, workers, supervision: brings them together | terminals |
//! | [`tables`] | rows of files and databases that others wrote | what they mean |
//! | [`verify`] | the send log against what was received | networks, terminals |
//! | [`bundle`] | a fleet with its plugins and data in one file | what they do |
//! | [`fetch`] | what lies at an address, and its digest | what it is |
//! | [`forecast`] | what a fleet will send, weigh and cost, before it runs | networks, terminals |
//! | [`report`] | the page of a run, and what CI servers read of it | networks, terminals |
//! | [`status`] | counts, and the words and figures they become | how they came about |
//! | [`cli`] | the command line; wires everything | |

mod allocator;
pub mod cli;
pub mod fetch;
pub mod forecast;

pub use allocator::Allocator;
