//! Contains the parts of all benchmarks: rounds, counters and processes.
//!
//! A case has rounds of mockfleet and of a baseline in turn. Broker, sink and server count
//! messages. The program and bare loops run as processes of their own, with their memory and
//! time.

mod bare_http;
mod bare_mqtt;
mod bench;
mod broker;
mod case;
mod child;
pub(crate) mod guests;
mod machine;
mod options;
mod ours;
pub(crate) mod rows;
pub(crate) mod sendlog;
mod server;
mod sink;
pub(crate) mod wire;

pub(crate) use bench::Bench;
pub(crate) use broker::Mosquitto;
pub(crate) use case::{Bar, Case};
pub(crate) use child::{Child, Usage, bare, bare_loop, raise_open_files, resident, watch};
pub(crate) use options::{float, option, pick, short};
pub(crate) use ours::{Fleet, now};

/// The program's allocator, for mockfleet and for the baselines.
#[global_allocator]
static ALLOCATOR: mockfleet::Allocator = mockfleet::Allocator;

/// Runs mockfleet and the baseline, and alternates the order. The second one finds the machine
/// in the state that the first one left.
pub(crate) fn in_turn<A, B>(
    round: u32,
    ours: impl FnOnce() -> A,
    baseline: impl FnOnce() -> B,
) -> (A, B) {
    if round.is_multiple_of(2) {
        let ours = ours();
        (ours, baseline())
    } else {
        let baseline = baseline();
        (ours(), baseline)
    }
}
