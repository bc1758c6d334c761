//! The compiler and its clock: one wasmtime engine a process, each setting with its
//! reason, and the thread that moves the epoch on.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::cache::{Cache, identity};
use super::sandbox::{self, Sandbox};

/// The epoch moves this often. A call is stopped between its deadline and one
/// period later; shorter periods wake the machine more often for no gain.
const EPOCH: Duration = Duration::from_millis(5);

/// Compiles plugins and bounds the time of their calls.
pub struct Engine {
    pub(super) wasmtime: wasmtime::Engine,
    pub(super) linker: wasmtime::component::Linker<Sandbox>,
    pub(super) cache: Cache,
    watch: Option<Watch>,
    builtins: Option<Builtins>,
}

/// Finds the component of a built-in plugin by its name, or says which names there are.
pub type Builtins = fn(&str) -> Result<&'static [u8], String>;

/// What becomes of a plugin whose compiled code is not in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiling<'a> {
    /// It is compiled from here on: its file, and its bytes.
    Begun(&'a str, u64),
    /// It was compiled, and took so long.
    Done(&'a str, Duration),
    /// It is no component.
    Failed,
}

/// Hears of each plugin that is compiled, on the thread that waits for it.
pub type Watch = Arc<dyn Fn(Compiling<'_>) + Send + Sync>;

/// As many cells may have an address space of their own. Each takes three mappings, and
/// vm.max_map_count is 65,530 as it comes; each takes 4 GiB of addresses, and there are
/// 128 TiB of them.
const ROOMY: u64 = 4_000;

/// How the memories of cells lie in the address space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memories {
    /// Each has all addresses that a guest can name: what lies beyond its memory faults,
    /// and no access is checked by an instruction.
    Roomy,
    /// Each has what it uses, and accesses are checked.
    Dense,
}

impl Memories {
    fn of(cells: u64) -> Self {
        // `ulimit -v` counts addresses, used or not.
        let limited = getrlimit(Resource::As).current.is_some();
        match cells {
            ..=ROOMY if !limited => Self::Roomy,
            _ => Self::Dense,
        }
    }
}

impl Engine {
    /// Starts the engine for a few cells.
    ///
    /// # Errors
    /// As [`Engine::for_cells`].
    pub fn new() -> wasmtime::Result<Self> {
        Self::for_cells(1)
    }

    /// Starts the engine for about so many cells.
    ///
    /// # Errors
    /// When wasmtime refuses its settings on this machine.
    pub fn for_cells(cells: u64) -> wasmtime::Result<Self> {
        let wasmtime = wasmtime::Engine::new(&settings(Memories::of(cells)))?;
        let linker = sandbox::linker(&wasmtime)?;
        // As long as a plugin lives, so does its engine, and calls have deadlines.
        let engine = wasmtime.weak();
        std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || {
                while let Some(engine) = engine.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(EPOCH);
                }
            })?;
        Ok(Self {
            cache: Cache::of_user(&wasmtime),
            wasmtime,
            linker,
            watch: None,
            builtins: None,
        })
    }

    /// The same, which tells of what it compiles.
    #[must_use]
    pub fn watched(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// The same, with built-in plugins.
    #[must_use]
    pub fn with_builtins(mut self, builtins: Builtins) -> Self {
        self.builtins = Some(builtins);
        self
    }

    /// Returns the component of a built-in plugin.
    ///
    /// # Errors
    /// A sentence that lists the names that exist.
    pub fn builtin(&self, name: &str) -> Result<&'static [u8], String> {
        match self.builtins {
            Some(find) => find(name),
            None => Err(format!(
                "there are no built-in plugins here, and so no {name:?}"
            )),
        }
    }

    pub(super) fn tell(&self, what: Compiling<'_>) {
        if let Some(watch) = &self.watch {
            watch(what);
        }
    }
}

/// What this mockfleet calls the engines that it compiles for, for the names of kept files.
pub(super) fn identities() -> Vec<u64> {
    [Memories::Roomy, Memories::Dense]
        .into_iter()
        .filter_map(|memories| wasmtime::Engine::new(&settings(memories)).ok())
        .map(|engine| identity(&engine))
        .collect()
}

/// A deadline in epochs. The running epoch is already under way, hence one more.
pub(super) fn epochs(deadline: Duration) -> u64 {
    let whole = deadline.as_micros().div_ceil(EPOCH.as_micros());
    u64::try_from(whole)
        .unwrap_or(u64::MAX - 1)
        .saturating_add(1)
}

fn settings(memories: Memories) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.wasm_component_model(true);
    // Guest calls are synchronous; without this each store carries the tables of
    // concurrent ones.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config.guard_before_linear_memory(false);
    // A cell's first pages are written at once, mostly; an image to copy from on write
    // would only be one more mapping.
    config.memory_init_cow(false);
    if memories == Memories::Roomy {
        // It has all the room that it can grow into: guests need not look up where it is.
        config.memory_may_move(false);
    } else {
        // The defaults reserve 4 GiB a cell and stop near 16,000 cells at the usual
        // vm.max_map_count of 65,530.
        config.memory_reservation(0);
        config.memory_guard_size(0);
        config.memory_reservation_for_growth(0);
    }
    // Nobody unwinds through guest code with a native debugger here.
    config.native_unwind_info(false);
    // Enough for a serializer; the worker's own stack is 2 MiB.
    config.max_wasm_stack(512 << 10);
    config
}
