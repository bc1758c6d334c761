//! Contains the parts of all benchmarks: rounds, counters and processes.
//!
//! A case has rounds of mockfleet and of a baseline in turn. Broker, sink and server count
//! messages. The program and bare loops run as processes of their own, with their memory and
//! time.

mod baselines;
mod options;
pub(crate) mod parts;
mod processes;
mod report;
mod turns;

pub(crate) use baselines::bare_loop;
pub(crate) use options::{float, option, pick, short};
pub(crate) use parts::{guests, rows, sendlog, wire};
pub(crate) use processes::broker::Mosquitto;
pub(crate) use processes::child::{Child, Usage, bare, raise_open_files, resident, watch};
pub(crate) use processes::ours::{Fleet, now};
pub(crate) use processes::window::{Load, Sample, counted, load};
pub(crate) use report::bench::Bench;
pub(crate) use report::case::{Bar, Case};
pub(crate) use turns::in_turn;
