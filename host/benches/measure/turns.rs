//! Runs mockfleet and a baseline in turn, with one allocator.

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
