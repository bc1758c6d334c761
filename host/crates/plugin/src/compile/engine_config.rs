//! Configures wasmtime, each setting with its reason.

use std::hash::{DefaultHasher, Hash, Hasher};

use rustix::process::{Resource, getrlimit};

/// Identifies the layout of a file in the cache; it changes when the layout changes.
pub(crate) const CACHE_FORMAT: &[u8; 8] = b"mfcwasm2";

/// The number of cells that may reserve 4 GiB of addresses each. A cell takes three
/// mappings, and vm.max_map_count is 65,530 by default. There are 128 TiB of addresses.
const MAX_CELLS_WITH_RESERVATION: u64 = 4_000;

/// The address space that a cell's linear memory reserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryReservation {
    /// All addresses that a guest can name: an access out of bounds faults, and no
    /// instruction checks an access.
    PerInstance4GiB,
    /// The memory in use only; instructions check accesses.
    OnDemand,
}

impl MemoryReservation {
    /// Returns the name by which a child process is told the reservation.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PerInstance4GiB => "4gib",
            Self::OnDemand => "on-demand",
        }
    }

    /// Returns the reservation with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::PerInstance4GiB, Self::OnDemand];
        all.into_iter()
            .find(|reservation| reservation.name() == name)
    }

    /// Returns the reservation for a number of cells on this machine.
    pub(crate) fn for_cells(cells: u64) -> Self {
        // `ulimit -v` counts addresses, used or not.
        let limited = getrlimit(Resource::As).current.is_some();
        match cells {
            ..=MAX_CELLS_WITH_RESERVATION if !limited => Self::PerInstance4GiB,
            _ => Self::OnDemand,
        }
    }
}

/// Returns the identities of the engines of this mockfleet, as cached files are named.
pub(crate) fn identities() -> Vec<u64> {
    [
        MemoryReservation::PerInstance4GiB,
        MemoryReservation::OnDemand,
    ]
    .into_iter()
    .filter_map(|reservation| wasmtime::Engine::new(&config(reservation)).ok())
    .map(|engine| identity(&engine))
    .collect()
}

/// Hashes wasmtime's version, settings and processor, and the layout of a cached file.
pub(crate) fn identity(engine: &wasmtime::Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    CACHE_FORMAT.hash(&mut hasher);
    hasher.finish()
}

/// Returns the settings of an engine.
pub(crate) fn config(reservation: MemoryReservation) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.wasm_component_model(true);
    // Guest calls are synchronous; without this each store carries the tables of
    // concurrent ones.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config.guard_before_linear_memory(false);
    // Most cells write their first pages at once. A copy-on-write image would only be
    // one more mapping.
    config.memory_init_cow(false);
    if reservation == MemoryReservation::PerInstance4GiB {
        // The memory never moves, so guest code does not look up its base address.
        config.memory_may_move(false);
    } else {
        // The defaults reserve 4 GiB a cell and stop near 16,000 cells at the usual
        // vm.max_map_count of 65,530.
        config.memory_reservation(0);
        config.memory_guard_size(0);
        config.memory_reservation_for_growth(0);
    }
    // No native debugger unwinds through guest code.
    config.native_unwind_info(false);
    // Enough for 128 KiB of the stack of QuickJS, whose frames here are up to ten times as
    // large: it then reports a recursion as an error. The worker's own stack is 4 MiB.
    config.max_wasm_stack(3 << 19);
    config
}
