//! Provides the functions that guests import: WASI 0.2 and the contract.

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::guest::bindings::{v0_1_0, v0_2_0};
use crate::guest::host_context::read_window;
use crate::guest::sandbox::Sandbox;

/// The packages that [`linker`] provides, each in any 0.2 version.
pub(crate) const PROVIDED_PACKAGES: [&str; 6] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// Returns a linker with WASI 0.2 and the imports of the contract.
///
/// # Errors
/// When wasmtime refuses an import.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
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
    add_contract(&mut linker)?;
    Ok(linker)
}

/// Adds the imports of each version of the contract.
fn add_contract(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    v0_1_0::Plugin::add_to_linker::<Sandbox, HasSelf<Sandbox>>(linker, |sandbox| sandbox)?;
    v0_2_0::Plugin::add_to_linker::<Sandbox, HasSelf<Sandbox>>(linker, |sandbox| sandbox)
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
    /// Returns a constant. It seeds the hash maps of a whole instance, and with them their
    /// iteration order. That order must not depend on the devices that share a cell.
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((0x6d6f_636b, 0x666c_6565_7421))
    }
}

/// Provides the imports of a version. They are the same in all versions.
macro_rules! provide_imports {
    ($version:ident) => {
        impl $version::mockfleet::device::types::Host for Sandbox {}

        impl $version::mockfleet::device::data::Host for Sandbox {
            fn size(&mut self, name: String) -> Result<u64, String> {
                let file = self.host_context.file(&name)?;
                Ok(u64::try_from(file.len()).unwrap_or(u64::MAX))
            }

            fn read(&mut self, name: String, offset: u64, length: u32) -> Result<Vec<u8>, String> {
                let file = self.host_context.file(&name)?;
                Ok(read_window(file, offset, length))
            }

            fn leave(&mut self, name: String, content: Vec<u8>) -> Result<(), String> {
                self.host_context.shared.put(name, content)
            }

            fn left(&mut self, name: String, offset: u64, length: u32) -> Option<Vec<u8>> {
                let content = self.host_context.shared.get(&name)?;
                Some(read_window(&content, offset, length))
            }
        }

        impl $version::mockfleet::device::group::Host for Sandbox {
            fn channels(&mut self) -> Option<Vec<String>> {
                self.host_context.channels.clone()
            }

            fn downlink(&mut self) -> Option<Vec<String>> {
                self.host_context.downlink.clone()
            }

            fn interval(&mut self) -> Option<u64> {
                self.host_context.interval
            }
        }
    };
}

provide_imports!(v0_1_0);
provide_imports!(v0_2_0);
