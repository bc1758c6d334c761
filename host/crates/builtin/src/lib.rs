//! Contains the plugins, the componentizer and the project templates of mockfleet.
//!
//! For the program alone: the interface changes with each version.
//!
//! ```
//! let component = mockfleet_builtin::find("thermometer")?;
//! assert!(component.starts_with(b"\0asm"));
//!
//! let error = mockfleet_builtin::find("toaster").unwrap_err();
//! assert!(error.to_string().starts_with("there is no built-in plugin \"toaster\""));
//! # Ok::<(), mockfleet_builtin::UnknownPlugin>(())
//! ```

mod plugins;
mod template_files;

pub use plugins::{UnknownPlugin, componentizer, find, names};
pub use template_files::template_files;
