//! From a file to a plugin that can be instantiated: what it is, whether it speaks
//! this host's contract, what it imports, and what it says about itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use super::Description;
use super::bindings::PluginPre;
use super::cell::Cell;
use super::console::Console;
use super::contract::{self, Contract};
use super::engine::{Compiling, Engine};
use super::fault::{Fault, innermost};
use super::limits::Limits;
use super::sandbox::{GIVEN, Sandbox};
use super::surroundings;
use mockfleet_files::sha256;

/// A compiled plugin, ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    file: PathBuf,
    name: String,
    digest: String,
    contract: Contract,
    behaviour: PluginPre<Sandbox>,
    description: Description,
    memory: usize,
    compiled: Option<Duration>,
}

/// Why a file is no plugin.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum LoadError {
    #[error("plugin {file} cannot be read: {cause}")]
    Unreadable { file: String, cause: std::io::Error },
    #[error(
        "plugin {file} is a core WebAssembly module, not a component; build it for the target wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    Module { file: String },
    #[error("plugin {file} is no WebAssembly component: {cause}")]
    NoComponent { file: String, cause: String },
    #[error(
        "plugin {file} implements {found}, and this mockfleet runs {}; {}", contract::all(), contract::way_out(.found)
    )]
    OtherVersion { file: String, found: String },
    #[error(
        "plugin {file} does not export {}; it exports {found}. A behaviour implements the world `plugin` of wit/device.wit",
        contract::behaviours()
    )]
    NoBehaviour { file: String, found: String },
    #[error(
        "plugin {file} imports {imports}, and a plugin is given WASI 0.2 without HTTP only; build it without what needs that"
    )]
    Imports { file: String, imports: String },
    #[error("plugin {file} does not fit {contract}: {cause}")]
    Mismatch {
        file: String,
        contract: Contract,
        cause: String,
    },
    #[error("plugin {file} cannot say what it is: {cause}")]
    NoDescription { file: String, cause: Fault },
}

/// The longest that start-up and `describe` may take when a plugin is loaded: an
/// interpreter starts up once, and nothing else runs yet.
const DESCRIBE: Duration = Duration::from_secs(5);

impl Plugin {
    /// Reads, compiles (or finds in the cache) and asks a plugin what it is.
    ///
    /// # Errors
    /// One sentence on why the file is no plugin of this host's contract.
    pub fn load(engine: &Engine, file: &Path, console: &Console) -> Result<Self, LoadError> {
        let bytes = std::fs::read(file).map_err(|cause| LoadError::Unreadable {
            file: file.display().to_string(),
            cause,
        })?;
        Self::from_bytes(engine, file, &bytes, console)
    }

    /// The same for a plugin that is in memory; `file` names it in messages.
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
        let (component, compiled) = compile(engine, &shown, bytes, &digest)?;
        let contract = contract_of(engine, &shown, &component)?;
        check_imports(engine, &shown, &component, contract)?;
        let behaviour = engine
            .linker
            .instantiate_pre(&component)
            .and_then(PluginPre::new)
            .map_err(|error| LoadError::Mismatch {
                file: shown.clone(),
                contract,
                cause: format!("{error:#}"),
            })?;
        let mut plugin = Inner {
            file: file.to_owned(),
            name: shown.clone(),
            digest,
            contract,
            behaviour,
            description: unknown(),
            memory: 0,
            compiled,
        };
        let (description, memory) = describe(&plugin, console)
            .map_err(|cause| LoadError::NoDescription { file: shown, cause })?;
        plugin.memory = memory;
        plugin.name = format!("{} {}", description.name, description.version);
        plugin.description = description;
        if plugin.compiled.is_some() {
            engine.cache.label(&plugin.digest, &plugin.name);
        }
        Ok(Self(Arc::new(plugin)))
    }

    /// The file it came from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Name and version, as they stand in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The SHA-256 of its bytes, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The version of the contract that it implements.
    #[must_use]
    pub fn contract(&self) -> Contract {
        self.0.contract
    }

    /// What the behaviour says about itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// Linear memory of an instance without devices, bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.0.memory
    }

    /// How long it took to compile; `None` where the compiled code was found in the cache.
    #[must_use]
    pub fn compiled(&self) -> Option<Duration> {
        self.0.compiled
    }

    pub(super) fn behaviour(&self) -> &PluginPre<Sandbox> {
        &self.0.behaviour
    }

    pub(super) fn engine(&self) -> &wasmtime::Engine {
        self.0.behaviour.engine()
    }
}

/// The compiled code, and how long it took to make.
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
        return Ok((component, None));
    }
    let began = Instant::now();
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    engine.tell(Compiling::Begun(file, size));
    let component = Component::from_binary(&engine.wasmtime, bytes).map_err(|error| {
        engine.tell(Compiling::Failed);
        no_component(innermost(&error))
    })?;
    let compiled = began.elapsed();
    engine.tell(Compiling::Done(file, compiled));
    engine.cache.put(&component, digest);
    Ok((component, Some(compiled)))
}

/// The version of the contract that a component implements.
fn contract_of(engine: &Engine, file: &str, component: &Component) -> Result<Contract, LoadError> {
    let kind = component.component_type();
    let names: Vec<String> = kind
        .exports(&engine.wasmtime)
        .map(|(name, _)| name.to_owned())
        .collect();
    Contract::of(&names).map_err(|other| {
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
        .filter(|name| !(contract.gives(name) || is_wasi(name)))
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    Err(LoadError::Imports {
        file: file.to_owned(),
        imports: foreign.join(", "),
    })
}

fn is_wasi(import: &str) -> bool {
    let package = import.split('/').next().unwrap_or_default();
    let version = import.rsplit_once('@').map(|(_, version)| version);
    GIVEN.contains(&package) && version.is_some_and(|v| v.starts_with("0.2."))
}

/// What it says of itself, and how much memory it then has.
fn describe(plugin: &Inner, console: &Console) -> Result<(Description, usize), Fault> {
    let limits = Limits {
        deadline: DESCRIBE,
        memory: 512 << 20,
        ..Limits::default()
    };
    let probe = Plugin(Arc::new(Inner {
        file: plugin.file.clone(),
        name: plugin.name.clone(),
        digest: plugin.digest.clone(),
        contract: plugin.contract,
        behaviour: plugin.behaviour.clone(),
        description: unknown(),
        memory: 0,
        compiled: None,
    }));
    let mut cell = Cell::new(&probe, &limits, &surroundings::nothing(), console)?;
    let description = cell.describe()?;
    Ok((description, cell.memory()))
}

/// Stands in until the plugin has been asked.
fn unknown() -> Description {
    Description {
        name: String::new(),
        version: String::new(),
        summary: String::new(),
        config_schema: None,
        channels: Vec::new(),
        statuses: Vec::new(),
        interests: super::Interests::empty(),
    }
}
