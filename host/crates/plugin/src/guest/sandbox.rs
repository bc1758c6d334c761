//! Implements WASI 0.2 for one cell.
//!
//! A guest has the run's clock, the random numbers of its device and an output. It has
//! no files, sockets, environment or arguments.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult, subscribe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::guest::guest_output::{GuestOutput, StdStream};
use crate::guest::host_context::HostContext;
use crate::guest::limits::{MAX_HANDLES, MemoryLimiter};
use crate::guest::random::Random;

/// The host's side of one cell.
pub(crate) struct Sandbox {
    wasi: WasiCtx,
    table: ResourceTable,
    pub(crate) memory_limiter: MemoryLimiter,
    pub(crate) output: GuestOutput,
    pub(crate) host_context: Arc<HostContext>,
    /// The run's clock, microseconds since the Unix epoch. It does not move in a call.
    pub(crate) now: u64,
    /// The random numbers of the current call.
    pub(crate) random: Random,
    /// The CPU time of the thread when the current call reached its deadline.
    pub(crate) cpu_time_at_deadline: Option<Duration>,
}

impl Sandbox {
    /// Makes the sandbox of a cell.
    pub(crate) fn new(
        memory_limiter: MemoryLimiter,
        output: GuestOutput,
        host_context: Arc<HostContext>,
    ) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(Output(output.clone(), StdStream::Out));
        wasi.stderr(Output(output.clone(), StdStream::Err));
        wasi.allow_tcp(false).allow_udp(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            wasi: wasi.build(),
            table,
            memory_limiter,
            output,
            host_context,
            now: 0,
            random: Random::default(),
            cpu_time_at_deadline: None,
        }
    }

    /// Starts a call of a device: number `call` of this device, at time `now`.
    #[inline]
    pub(crate) fn enter(&mut self, handle: u32, seed: u64, call: u64, now: u64) {
        self.output.begin_call(handle);
        self.now = now;
        self.random = Random::for_call(seed, call);
        self.cpu_time_at_deadline = None;
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
        self.ready_pollable()
    }

    fn subscribe_duration(&mut self, _length: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.ready_pollable()
    }
}

impl Sandbox {
    /// Ends a sleep at once. The run's clock does not move during a call, and a real
    /// sleep would block every device of the worker.
    fn ready_pollable(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let ready = self.table.push(Ready)?;
        subscribe(&mut self.table, ready)
    }
}

/// A pollable that is ready.
struct Ready;

#[wasmtime_wasi::async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

/// Standard output or error of a cell, which is always ready.
struct Output(GuestOutput, StdStream);

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
