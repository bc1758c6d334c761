//! What a cell weighs, and each further device in it: cells and devices are made until the
//! process has grown enough to tell, and let go again.
//!
//! Measured is memory that is really there and belongs to no file (`Anonymous` of
//! smaps_rollup, proc(5)): the guest's own as far as it was touched, and what the host has
//! beside it. What a guest's allocator or the host's takes in one piece and hands out bit by
//! bit is spread over many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::subject::Subject;
use super::trial::cell;
use mockfleet_plugin::{CallError, Cell, Console, Tick};

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// A cell with its first device, after a tick.
    pub(super) cell: u64,
    /// Each further device in it, after a tick; if so many could be made.
    pub(super) further: Option<u64>,
}

/// How much a process has to grow until it is told what by: many times what its allocator
/// takes, keeps or gives back in one piece.
const ENOUGH: u64 = 32 << 20;

/// Where cells and devices are so small, so many at a time tell enough.
const MOST: u32 = 8_192;

/// How long each goes on: after this, what was measured so far is told. The devices of an
/// interpreter first fill the memory that came with its cell.
const CELLS: Duration = Duration::from_millis(200);
const DEVICES: Duration = Duration::from_millis(400);

/// Measures; `None` where the system does not tell, or no cell could be made.
pub(super) fn measure(subject: &Subject) -> Option<Memory> {
    let mut cells = Vec::new();
    let cell = grow(CELLS, |_| {
        let mut cell = silent(subject)?;
        settle(&mut cell, subject, 0)?;
        cells.push(cell);
        Some(())
    })?;
    // They stay: what they leave would be taken by the devices, and not be seen.
    let further = cells
        .last_mut()
        .and_then(|last| grow(DEVICES, |number| settle(last, subject, number + 1)));
    Some(Memory { cell, further })
}

/// Makes one after the other, each time as many as there are, until enough were made. Says
/// by how much one makes the process grow: the middle one of the last three times, since
/// now and then an allocator takes or returns a large piece.
fn grow(patience: Duration, mut make: impl FnMut(u32) -> Option<()>) -> Option<u64> {
    let began = Instant::now();
    let (mut made, mut more) = (0, 1);
    let mut found: Vec<u64> = Vec::new();
    while more <= MOST {
        let before = anonymous()?;
        if (made..made + more).any(|number| make(number).is_none()) {
            break;
        }
        let grown = anonymous()?.saturating_sub(before);
        found.push(grown / u64::from(more));
        if grown >= ENOUGH || began.elapsed() > patience {
            break;
        }
        made += more;
        more = made;
    }
    let mut last: Vec<u64> = found.into_iter().rev().take(3).collect();
    last.sort_unstable();
    last.get(last.len() / 2).copied()
}

/// A cell of which nothing is heard.
fn silent(subject: &Subject) -> Option<Cell> {
    let console: Console = Arc::new(|_| {});
    cell(subject, &console).ok()
}

/// Makes a device that has had a tick: some have all that they need only then.
fn settle(cell: &mut Cell, subject: &Subject, index: u32) -> Option<()> {
    let spec = subject.another(index)?;
    let seat = cell.create(&spec).ok()?;
    let tick = Tick {
        at: spec.born,
        sequence: 0,
    };
    match cell.tick(seat, tick) {
        Err(CallError::Crash(_)) => None,
        // One that fails weighs what it weighs.
        _ => Some(()),
    }
}

/// Bytes of this process that belong to no file.
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
    fn what_is_made_is_weighed() {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        let each = grow(CELLS, |number| {
            kept.push(vec![u8::try_from(number % 200).unwrap() + 1; 1 << 20]);
            Some(())
        });
        let each = each.unwrap();
        assert!((500 << 10..2_000 << 10).contains(&each), "{each}");
        assert_eq!(grow(CELLS, |_| None), None);
    }
}
