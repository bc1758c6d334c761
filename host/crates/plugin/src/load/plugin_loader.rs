//! Loads a plugin: reads, compiles, checks and describes it.

use std::path::Path;
use std::time::{Duration, Instant};

use mockfleet_files::sha256;
use wasmtime::component::Component;

use crate::compile::compile_observer::CompileEvent;
use crate::compile::engine::Engine;
use crate::compile::inputs::inputs_digest;
use crate::compile::plugin::{Plugin, PluginParts};
use crate::guest::crash::innermost;
use crate::guest::guest_output::Console;
use crate::guest::host_imports::PROVIDED_PACKAGES;
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
        let bytes = std::fs::read(file).map_err(|cause| LoadError::Unreadable {
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
        let (component, compile_time) = compile(engine, &shown, bytes, &digest)?;
        let contract = contract_of(engine, &shown, &component)?;
        check_imports(engine, &shown, &component, contract)?;
        let behaviour = engine
            .linker
            .instantiate_pre(&component)
            .and_then(|pre| Behaviour::new(contract, pre))
            .map_err(|error| LoadError::Mismatch {
                file: shown.clone(),
                contract,
                cause: format!("{error:#}"),
            })?;
        let mut plugin = PluginParts {
            file: file.to_owned(),
            name: shown.clone(),
            digest,
            inputs: inputs_digest(bytes),
            contract,
            behaviour,
            description: probe::empty_description(),
            memory: 0,
            compile_time,
        };
        let (description, memory) = probe::describe(&plugin, console)
            .map_err(|cause| LoadError::NoDescription { file: shown, cause })?;
        plugin.memory = memory;
        plugin.name = format!("{} {}", description.name, description.version);
        plugin.description = description;
        if plugin.compile_time.is_some() {
            engine.cache.name_file(&plugin.digest, &plugin.name);
        }
        Ok(Self::new(plugin))
    }
}

/// Returns the compiled code and the time that compiling took, `None` for code from
/// the cache.
fn compile(
    engine: &Engine,
    file: &str,
    bytes: &[u8],
    digest: &str,
) -> Result<(Component, Option<Duration>), LoadError> {
    let no_component = |cause: String| LoadError::NoComponent {
        file: file.to_owned(),
        cause,
    };
    // Both kinds begin with `\0asm`; the layer after the version tells them apart.
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => {
            return Err(LoadError::Module {
                file: file.to_owned(),
            });
        }
        Some([0, b'a', b's', b'm', ..]) => {}
        _ => {
            return Err(no_component(
                "it does not begin with the bytes of WebAssembly".into(),
            ));
        }
    }
    if let Some(component) = engine.cache.get(&engine.wasmtime, digest) {
        tracing::debug!(file, digest, "plugin found in cache");
        return Ok((component, None));
    }
    let began = Instant::now();
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    engine.notify(CompileEvent::Started(file, size));
    let component = Component::from_binary(&engine.wasmtime, bytes).map_err(|error| {
        engine.notify(CompileEvent::Failed);
        no_component(innermost(&error))
    })?;
    let compiled = began.elapsed();
    engine.notify(CompileEvent::Finished(file, compiled));
    let ms = u64::try_from(compiled.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(file, digest, ms, "plugin compiled");
    engine.cache.put(&component, digest);
    Ok((component, Some(compiled)))
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
