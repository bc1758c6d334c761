//! The world as a guest sees it: WASI 0.2 with the run's clock, the device's own
//! randomness and a console, and with no files, sockets, environment or arguments. What
//! the contract adds to it is in `surroundings`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult, subscribe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::console::{Printer, Stream};
use super::limits::Growth;
use super::surroundings::{self, Surroundings};

/// The most random bytes of one call: the host allocates them.
const RANDOM_BYTES: u64 = 64 << 10;

/// The packages that [`linker`] serves, each in any 0.2 version.
pub(super) const GIVEN: [&str; 6] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// The host's side of one cell.
pub(super) struct Sandbox {
    wasi: WasiCtx,
    table: ResourceTable,
    pub(super) growth: Growth,
    pub(super) printer: Printer,
    pub(super) surroundings: Arc<Surroundings>,
    /// The run's clock, microseconds since the Unix epoch; stands still in a call.
    pub(super) now: u64,
    /// Randomness of the device that is being called.
    pub(super) random: Random,
    /// What the thread had worked when the call at hand reached its deadline.
    pub(super) overtime: Option<Duration>,
}

impl Sandbox {
    pub(super) fn new(growth: Growth, printer: Printer, surroundings: Arc<Surroundings>) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(Output(printer.clone(), Stream::Out));
        wasi.stderr(Output(printer.clone(), Stream::Err));
        wasi.allow_tcp(false).allow_udp(false);
        Self {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            growth,
            printer,
            surroundings,
            now: 0,
            random: Random::default(),
            overtime: None,
        }
    }

    /// Says whose call follows, the how-manieth of this device, and when it is.
    pub(super) fn enter(&mut self, seat: u32, seed: u64, call: u64, now: u64) {
        self.printer.called(seat);
        self.now = now;
        self.random = Random::of_call(seed, call);
        self.overtime = None;
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// WASI 0.2 as guests get it, and the contract's own imports.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    linker.allow_shadowing(true);
    let l = &mut linker;
    wall_clock::add_to_linker::<Sandbox, HasSelf<Sandbox>>(l, |sandbox| sandbox)?;
    monotonic_clock::add_to_linker::<Sandbox, HasSelf<Sandbox>>(l, |sandbox| sandbox)?;
    random::add_to_linker::<Sandbox, HasSelf<Sandbox>>(l, |sandbox| sandbox)?;
    insecure::add_to_linker::<Sandbox, HasSelf<Sandbox>>(l, |sandbox| sandbox)?;
    insecure_seed::add_to_linker::<Sandbox, HasSelf<Sandbox>>(l, |sandbox| sandbox)?;
    linker.allow_shadowing(false);
    surroundings::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// A stream of random numbers that depends on the device and on how often it has
/// been called, and on nothing else: neither on its neighbours in the cell nor on
/// what earlier calls used up. SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Default)]
pub(super) struct Random(u64);

impl Random {
    fn of_call(seed: u64, call: u64) -> Self {
        // Two streams that start anywhere in the same cycle of 2^64 don't meet
        // within the numbers that a call can ask for.
        let mut random = Self(seed ^ 0x6d6f_636b_666c_6565);
        random.0 = random.next().wrapping_add(call);
        random.0 = random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > RANDOM_BYTES {
            wasmtime::bail!(
                "asked for {len} random bytes at once; at most {RANDOM_BYTES} are given"
            );
        }
        let len = usize::try_from(len)?;
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(len);
        Ok(bytes)
    }
}

/// The output function of SplitMix64: spreads any difference over all 64 bits.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl random::Host for Sandbox {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.next())
    }
}

impl insecure::Host for Sandbox {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.next())
    }
}

impl insecure_seed::Host for Sandbox {
    /// A constant: it seeds the hash maps of a whole instance, and with them the
    /// order in which they are walked, which must not depend on who shares a cell.
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((0x6d6f_636b, 0x666c_6565_7421))
    }
}

impl wall_clock::Host for Sandbox {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: self.now / 1_000_000,
            nanoseconds: u32::try_from(self.now % 1_000_000 * 1_000)?,
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: 0,
            nanoseconds: 1_000,
        })
    }
}

impl monotonic_clock::Host for Sandbox {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.now.saturating_mul(1_000))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1_000)
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.at_once()
    }

    fn subscribe_duration(&mut self, _length: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.at_once()
    }
}

impl Sandbox {
    /// A sleep ends at once: the run's clock stands still during a call, and a guest
    /// that slept for real would hold up every device of its worker.
    fn at_once(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let ready = self.table.push(Ready)?;
        subscribe(&mut self.table, ready)
    }
}

struct Ready;

#[wasmtime_wasi::async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

/// Standard output or error of a cell; always ready, never waits.
struct Output(Printer, Stream);

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Output(self.0.clone(), self.1))
    }
}

impl Pollable for Output {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write(self.1, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}
