//! Compiles and describes any bytes as a component.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use mockfleet_plugin::{Console, Engine, OutputLine, Plugin};

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// Compiles and describes the bytes as a plugin, in a child process of `compiler` with limits.
///
/// # Panics
/// A component is refused without a reason, or the name of a plugin has control characters.
pub fn component(compiler: &Path, bytes: &[u8]) {
    ENGINE.with_borrow_mut(|engine| {
        let engine = engine.get_or_insert_with(|| {
            let engine = Engine::uncached().expect("an engine");
            engine.with_compiler(compiler.to_owned())
        });
        let quiet: Console = Arc::new(|_: OutputLine<'_>| {});
        match Plugin::from_bytes(engine, Path::new("fuzz.wasm"), bytes, &quiet) {
            Ok(plugin) => assert!(!plugin.name().contains(char::is_control)),
            Err(error) => {
                let reason = error.to_string();
                assert!(reason.starts_with("plugin fuzz.wasm "), "{reason}");
                assert!(!reason.contains("cannot be compiled"), "{reason}");
            }
        }
    });
}
