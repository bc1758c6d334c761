//! Measures the memory of a cell and of each further device.
//!
//! The probe creates cells and devices until the process has grown enough. It divides the
//! growth by their number. It measures anonymous resident memory (`Anonymous` of smaps_rollup,
//! proc(5)): touched guest memory plus host overhead. Allocators take memory in large pieces.
//! Therefore many cells are needed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::author::try_plugin::devices::TriedDevices;
use mockfleet_plugin::{CallError, Cell, Console, Tick};

/// Memory of a cell and of a further device, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryUse {
    /// Memory of a cell with its first device, after a tick.
    pub(crate) cell: u64,
    /// Memory of each further device after a tick, if enough could be created.
    pub(crate) further: Option<u64>,
}

/// Sufficient growth of the process: 32 MiB, many times the size of an allocation.
const SUFFICIENT_GROWTH: u64 = 32 << 20;

/// Maximum number at a time, for small cells and devices.
const MAX_AT_ONCE: u32 = 8_192;

/// Time limits of both measurements. The devices of an interpreter first fill the memory of their
/// cell, so they get longer.
const CELL_TIME_LIMIT: Duration = Duration::from_millis(200);
const DEVICE_TIME_LIMIT: Duration = Duration::from_millis(400);

/// Measures; `None` if the system has no figures, or no cell could be created.
pub(crate) fn measure(devices: &TriedDevices) -> Option<MemoryUse> {
    let mut cells = Vec::new();
    let cell = grow(CELL_TIME_LIMIT, |_| {
        let mut cell = silent(devices)?;
        settle(&mut cell, devices, 0)?;
        cells.push(cell);
        Some(())
    })?;
    // The cells stay, since devices would reuse their memory.
    let further = cells.last_mut().and_then(|last| {
        grow(DEVICE_TIME_LIMIT, |number| {
            settle(last, devices, number + 1)
        })
    });
    Some(MemoryUse { cell, further })
}

/// Creates instances, doubling their number, until the growth suffices. Returns the growth for one
/// instance: the median of the last three, since allocators sometimes take or return a large
/// piece.
fn grow(time_limit: Duration, mut make: impl FnMut(u32) -> Option<()>) -> Option<u64> {
    let began = Instant::now();
    let (mut made, mut more) = (0, 1);
    let mut found: Vec<u64> = Vec::new();
    while more <= MAX_AT_ONCE {
        let before = anonymous()?;
        if (made..made + more).any(|number| make(number).is_none()) {
            break;
        }
        let grown = anonymous()?.saturating_sub(before);
        found.push(grown / u64::from(more));
        if grown >= SUFFICIENT_GROWTH || began.elapsed() > time_limit {
            break;
        }
        made += more;
        more = made;
    }
    let mut last: Vec<u64> = found.into_iter().rev().take(3).collect();
    last.sort_unstable();
    last.get(last.len() / 2).copied()
}

/// Creates a cell that prints nothing.
fn silent(devices: &TriedDevices) -> Option<Cell> {
    let console: Console = Arc::new(|_| {});
    devices.instantiate_large(&console).ok()
}

/// Creates a device and runs a tick, since some devices allocate only then.
fn settle(cell: &mut Cell, devices: &TriedDevices, index: u32) -> Option<()> {
    let spec = devices.another(index)?;
    let seat = cell.create(&spec).ok()?;
    let tick = Tick {
        at: spec.born,
        sequence: 0,
    };
    match cell.tick(seat, tick) {
        Err(CallError::Crash(_)) => None,
        // A device with a failed tick uses memory too.
        _ => Some(()),
    }
}

/// Returns the anonymous memory of this process in bytes.
fn anonymous() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Anonymous:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_of_allocations_is_measured() {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        let each = grow(CELL_TIME_LIMIT, |number| {
            kept.push(vec![u8::try_from(number % 200).unwrap() + 1; 1 << 20]);
            Some(())
        });
        let each = each.unwrap();
        assert!((500 << 10..2_000 << 10).contains(&each), "{each}");
        assert_eq!(grow(CELL_TIME_LIMIT, |_| None), None);
    }
}
