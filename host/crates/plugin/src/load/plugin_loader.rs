//! Loads a plugin: reads, compiles, checks and describes it.

use std::path::Path;
use std::time::{Duration, Instant};

use mockfleet_files::bounded_read::{self, MAX_COMPONENT};
use mockfleet_files::foreign_text::for_line;
use mockfleet_files::sha256;
use wasmtime::component::Component;

use crate::compile::child::{self, CompileError};
use crate::compile::compile_observer::CompileEvent;
use crate::compile::compiled::Compiled;
use crate::compile::engine::Engine;
use crate::compile::inputs::inputs_digest;
use crate::compile::plugin::{Plugin, PluginParts};
use crate::guest::bindings::empty_description;
use crate::guest::crash::innermost;
use crate::guest::guest_output::Console;
use crate::guest::host_imports::PROVIDED_PACKAGES;
use crate::guest::turn_limits::check_description;
use crate::load::load_error::LoadError;
use crate::load::probe;
use crate::versions::behaviour::Behaviour;
use crate::versions::contract::Contract;

impl Plugin {
    /// Reads a plugin, compiles it or finds it in the cache, and describes it.
    ///
    /// # Errors
    /// When the file is not a plugin of a contract that this host supports.
    pub fn load(engine: &Engine, file: &Path, console: &Console) -> Result<Self, LoadError> {
        let bytes = bounded_read::read(file, MAX_COMPONENT);
        let bytes = bytes.map_err(|cause| LoadError::Unreadable {
            file: file.display().to_string(),
            cause,
        })?;
        Self::from_bytes(engine, file, &bytes, console)
    }

    /// Loads a plugin from memory; `file` names it in messages.
    ///
    /// # Errors
    /// As [`Plugin::load`].
    pub fn from_bytes(
        engine: &Engine,
        file: &Path,
        bytes: &[u8],
        console: &Console,
    ) -> Result<Self, LoadError> {
        let shown = file.display().to_string();
        let digest = sha256::hex(bytes);
        let found = find_or_compile(engine, &shown, bytes, &digest)?;
        let mut plugin = assemble(engine, &shown, bytes, digest, found.component)?;
        plugin.file = file.to_owned();
        plugin.host_memory = found.host_memory;
        plugin.compile_time = found.compile_time;
        let (description, memory) =
            probe::describe(&plugin, console).map_err(|cause| LoadError::NoDescription {
                file: shown.clone(),
                cause,
            })?;
        check_description(&description)
            .map_err(|cause| LoadError::LargeDescription { file: shown, cause })?;
        plugin.memory = memory;
        let name = format!("{} {}", description.name, description.version);
        plugin.name = for_line(&name).into_owned();
        plugin.description = description;
        if plugin.compile_time.is_some() {
            engine.cache.name_file(&plugin.digest, &plugin.name);
        }
        Ok(Self::new(plugin))
    }
}

/// Returns the parts of a plugin that its component and its bytes tell.
///
/// # Errors
/// When the component is not a plugin of a contract that this host supports.
pub(crate) fn assemble(
    engine: &Engine,
    file: &str,
    bytes: &[u8],
    digest: String,
    component: Component,
) -> Result<PluginParts, LoadError> {
    let contract = contract_of(engine, file, &component)?;
    check_imports(engine, file, &component, contract)?;
    let behaviour = engine
        .linker
        .instantiate_pre(&component)
        .and_then(|pre| Behaviour::new(contract, pre))
        .map_err(|error| LoadError::Mismatch {
            file: file.to_owned(),
            contract,
            cause: format!("{error:#}"),
        })?;
    Ok(PluginParts {
        file: file.into(),
        name: file.to_owned(),
        digest,
        inputs: inputs_digest(bytes),
        contract,
        behaviour,
        description: empty_description(),
        memory: 0,
        host_memory: 0,
        compile_time: None,
    })
}

/// A component that was in the cache or was compiled.
pub(crate) struct FoundComponent {
    pub(crate) component: Component,
    host_memory: usize,
    /// The time that compiling took, `None` for code from the cache.
    pub(crate) compile_time: Option<Duration>,
}

/// Finds a component in the cache, or compiles it.
///
/// # Errors
/// When the bytes are no component, or it needs too much.
pub(crate) fn find_or_compile(
    engine: &Engine,
    file: &str,
    bytes: &[u8],
    digest: &str,
) -> Result<FoundComponent, LoadError> {
    check_header(file, bytes)?;
    let host_memory =
        |compiled: &Compiled| usize::try_from(compiled.host_memory).unwrap_or(usize::MAX);
    let cached = engine.cache.get(digest).unwrap_or_else(|why| {
        engine.notify(CompileEvent::CacheRefused(&why));
        None
    });
    if let Some(compiled) = cached
        // SAFETY: `put` wrote these bytes for this engine and this component, as digests in the
        // file prove. Only this user could write the file (`Cache::get`).
        && let Ok(component) = unsafe { Component::deserialize(&engine.wasmtime, &compiled.code) }
    {
        tracing::debug!(file, digest, "plugin found in cache");
        return Ok(FoundComponent {
            component,
            host_memory: host_memory(&compiled),
            compile_time: None,
        });
    }
    let began = Instant::now();
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    engine.notify(CompileEvent::Started(file, size));
    let compiled = compile(engine, bytes).and_then(|compiled| {
        // SAFETY: a process of this program has just made the code for this engine.
        let component = unsafe { Component::deserialize(&engine.wasmtime, &compiled.code) };
        let component = component.map_err(|error| CompileError::NoCompiler(innermost(&error)))?;
        Ok((component, compiled))
    });
    let (component, compiled) = compiled.map_err(|error| {
        engine.notify(CompileEvent::Failed);
        refused(file, error)
    })?;
    let compile_time = began.elapsed();
    engine.notify(CompileEvent::Finished(file, compile_time));
    let ms = u64::try_from(compile_time.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(file, digest, ms, "plugin compiled");
    engine.cache.put(&compiled, digest);
    Ok(FoundComponent {
        component,
        host_memory: host_memory(&compiled),
        compile_time: Some(compile_time),
    })
}

/// Refuses bytes that are no component by their first bytes.
fn check_header(file: &str, bytes: &[u8]) -> Result<(), LoadError> {
    // Both kinds begin with `\0asm`; the layer after the version tells them apart.
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Err(LoadError::Module {
            file: file.to_owned(),
        }),
        Some([0, b'a', b's', b'm', ..]) => Ok(()),
        _ => Err(LoadError::NoComponent {
            file: file.to_owned(),
            cause: "it does not begin with the bytes of WebAssembly".into(),
        }),
    }
}

/// Compiles a component: in a child process, or in this one if the engine has no program for
/// it.
fn compile(engine: &Engine, bytes: &[u8]) -> Result<Compiled, CompileError> {
    if let Some(program) = &engine.compiler {
        return child::compile(program, engine.reservation, bytes);
    }
    let code = Component::from_binary(&engine.wasmtime, bytes)
        .and_then(|component| component.serialize())
        .map_err(|error| CompileError::NoComponent(innermost(&error)))?;
    Ok(Compiled {
        code,
        host_memory: 0,
    })
}

fn refused(file: &str, error: CompileError) -> LoadError {
    let file = file.to_owned();
    match error {
        CompileError::NoComponent(cause) => LoadError::NoComponent { file, cause },
        CompileError::TooLarge(cause) => LoadError::TooLarge { file, cause },
        CompileError::NoCompiler(cause) => LoadError::NoCompiler { file, cause },
    }
}

/// Returns the version of the contract that a component implements.
fn contract_of(engine: &Engine, file: &str, component: &Component) -> Result<Contract, LoadError> {
    let kind = component.component_type();
    let names: Vec<String> = kind
        .exports(&engine.wasmtime)
        .map(|(name, _)| name.to_owned())
        .collect();
    Contract::from_exports(&names).map_err(|other| {
        let file = file.to_owned();
        match other {
            Some(found) => LoadError::OtherVersion { file, found },
            None if names.is_empty() => LoadError::NoBehaviour {
                file,
                found: "nothing".into(),
            },
            None => LoadError::NoBehaviour {
                file,
                found: names.join(", "),
            },
        }
    })
}

/// Refuses a component that imports interfaces which the host does not provide.
fn check_imports(
    engine: &Engine,
    file: &str,
    component: &Component,
    contract: Contract,
) -> Result<(), LoadError> {
    let kind = component.component_type();
    let foreign: Vec<String> = kind
        .imports(&engine.wasmtime)
        .map(|(name, _)| name.to_owned())
        .filter(|name| !(contract.provides(name) || is_wasi(name)))
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    Err(LoadError::Imports {
        file: file.to_owned(),
        imports: foreign.join(", "),
    })
}

/// Returns whether an import is a WASI 0.2 interface that the host provides.
fn is_wasi(import: &str) -> bool {
    let package = import.split('/').next().unwrap_or_default();
    let version = import.rsplit_once('@').map(|(_, version)| version);
    PROVIDED_PACKAGES.contains(&package) && version.is_some_and(|v| v.starts_with("0.2."))
}
