//! Describes why a file cannot be used as a plugin.

use crate::guest::crash::Crash;
use crate::versions::contract::{self, Contract};

/// The reason why a file is not a plugin of this host.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages describe each reason")]
pub enum LoadError {
    #[error(
        "plugin {file} cannot be read: {cause}; give a component (.wasm), the folder of a project, or builtin:NAME"
    )]
    Unreadable { file: String, cause: std::io::Error },
    #[error(
        "plugin {file} is a core WebAssembly module, not a component; name it as `module` in plugin.toml, and `mockfleet build` makes a component of it (docs/other-languages.md); Rust makes one itself for the target wasm32-wasip2"
    )]
    Module { file: String },
    #[error(
        "plugin {file} is no WebAssembly component: {cause}; `mockfleet build` makes one from a project"
    )]
    NoComponent { file: String, cause: String },
    #[error(
        "plugin {file} is refused: {cause}; other plugins need a fraction of that, so ask its author"
    )]
    TooLarge { file: String, cause: String },
    #[error(
        "plugin {file} cannot be compiled: {cause}; the program compiles plugins in a process of its own"
    )]
    NoCompiler { file: String, cause: String },
    #[error(
        "plugin {file} implements {found}, and this mockfleet runs {}; {}", contract::supported_versions(), contract::remedy(.found)
    )]
    OtherVersion { file: String, found: String },
    #[error(
        "plugin {file} does not export {}; it exports {found}. A behaviour implements the world `plugin` of wit/device.wit",
        contract::supported_behaviours()
    )]
    NoBehaviour { file: String, found: String },
    #[error(
        "plugin {file} imports {imports}, and a plugin is given WASI 0.2 without HTTP only; build it without what needs that"
    )]
    Imports { file: String, imports: String },
    #[error(
        "plugin {file} does not fit {contract}: {cause}; build it again with the SDK of that version"
    )]
    Mismatch {
        file: String,
        contract: Contract,
        cause: String,
    },
    #[error("plugin {file} cannot say what it is: {cause}; its `describe` has to return")]
    NoDescription { file: String, cause: Crash },
    #[error("plugin {file} is refused: {cause}; shorten it in the plugin")]
    LargeDescription { file: String, cause: String },
}
