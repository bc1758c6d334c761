//! Extends deadlines until a call has used that processor time.
//!
//! In virtual time, the same call must end in the same way on any machine, however busy
//! the machine is.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Store, UpdateDeadline};

use crate::guest::sandbox::Sandbox;

/// Lets a call that reaches its deadline use the processor for the deadline once more.
///
/// The call's processor time before the deadline is unknown. Reading that clock at every call
/// would cost a tenth of the call.
pub(crate) fn enable(store: &mut Store<Sandbox>, deadline: Duration) {
    store.epoch_deadline_callback(move |mut context| {
        let now = thread_cpu_time();
        let at_deadline = &mut context.data_mut().cpu_time_at_deadline;
        let since = *at_deadline.get_or_insert(now);
        Ok(match now.saturating_sub(since) >= deadline {
            true => UpdateDeadline::Interrupt,
            false => UpdateDeadline::Continue(1),
        })
    });
}

/// Returns the processor time of this thread.
#[must_use]
pub fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
