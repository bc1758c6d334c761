//! Calls that reach their deadline while the machine was busy with something else: they
//! go on until they have had the processor for as long. Where time waits for a call, the
//! same call must come to the same end on any machine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Store, UpdateDeadline};

use super::sandbox::Sandbox;

/// From now on, a call that reaches its deadline may work for as long once more: how long
/// it had the processor before is not known, and asking at every call would cost a tenth
/// of one.
pub(super) fn allow(store: &mut Store<Sandbox>, deadline: Duration) {
    store.epoch_deadline_callback(move |mut context| {
        let worked = worked();
        let overtime = &mut context.data_mut().overtime;
        let since = *overtime.get_or_insert(worked);
        Ok(match worked.saturating_sub(since) >= deadline {
            true => UpdateDeadline::Interrupt,
            false => UpdateDeadline::Continue(1),
        })
    });
}

/// For how long this thread has had a processor.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
