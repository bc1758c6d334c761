//! What every benchmark is made of: rounds of ours and a baseline in turn, and what
//! they come to; the broker, the sink and the server that count; runs of the program
//! and of bare loops as processes of their own, with their memory and their time.

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

/// The program's allocator, for ours and for what it is held against.
#[global_allocator]
static ALLOCATOR: mockfleet::Allocator = mockfleet::Allocator;

/// Runs ours and the baseline, by turns the one or the other first: whoever goes
/// second finds the machine as the first one left it.
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
