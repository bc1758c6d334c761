//! Advances the epoch by which wasmtime interrupts calls.

use std::time::Duration;

/// The time between two epochs. A call stops between its deadline and one interval
/// later. A shorter interval wakes the machine more often without need.
const EPOCH_INTERVAL: Duration = Duration::from_millis(5);

/// Starts the thread that advances the epoch. The thread ends with the engine.
///
/// # Errors
/// When the system starts no thread.
pub(crate) fn start_thread(engine: &wasmtime::Engine) -> std::io::Result<()> {
    // The engine lives as long as a plugin, so calls have deadlines.
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH_INTERVAL);
            }
        })?;
    Ok(())
}

/// Converts a deadline to epochs. The current epoch has already begun, so one is added.
pub(crate) fn epochs_for(deadline: Duration) -> u64 {
    let whole = deadline.as_micros().div_ceil(EPOCH_INTERVAL.as_micros());
    u64::try_from(whole)
        .unwrap_or(u64::MAX - 1)
        .saturating_add(1)
}
