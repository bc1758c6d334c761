//! Makes the component of a project whose compiler makes a core module.
//!
//! Before the build command, the bindings of the contract in C are written. After it, the module
//! becomes a component.

use std::path::Path;

use mockfleet_config::Project;
use mockfleet_files::bounded_read::{self, MAX_COMPONENT, MAX_TEXT};
use mockfleet_files::{atomic_write, foreign_text::for_line};
use mockfleet_plugin::{Componentizer, Engine};

/// The page with the steps for any language.
const PAGE: &str = "docs/other-languages.md has the steps";

/// The contract in the files of `mockfleet new`.
const CONTRACT: &str = "wit/device.wit";

/// The end of the bindings' source. They call this function to link an object file with the types
/// of the contract, which the component gets when it is made.
const TYPES: &str = "
void __component_type_object_force_link_plugin(void) {}
";

/// Writes the bindings of the contract, and the folder of the module.
///
/// # Errors
/// A sentence that begins with the key of plugin.toml.
pub(crate) fn prepare(engine: &Engine, project: &Project) -> Result<(), String> {
    if let Some(folder) = project.module.as_deref().and_then(Path::parent) {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("module: {} cannot be made: {error}", folder.display()))?;
    }
    let Some(folder) = &project.c_bindings else {
        return Ok(());
    };
    let mut files = componentizer(engine)?
        .c_bindings(&contract(project)?)
        .map_err(|cause| format!("wit: {}", for_line(&cause)))?;
    if let Some((_, source)) = files.iter_mut().find(|(name, _)| name == "plugin.c") {
        source.extend_from_slice(TYPES.as_bytes());
    }
    files.push(("project.h".into(), project_header(project).into_bytes()));
    write_changed(folder, &files).map_err(|error| {
        format!(
            "c-bindings: {} cannot be written: {error}",
            folder.display()
        )
    })
}

/// Makes the component of the module that the build command wrote.
///
/// # Errors
/// A sentence that begins with the key of plugin.toml.
pub(crate) fn componentize(engine: &Engine, project: &Project) -> Result<(), String> {
    let Some(module) = &project.module else {
        return Ok(());
    };
    let shown = module.display();
    let bytes = bounded_read::read(module, MAX_COMPONENT).map_err(|error| {
        format!(
            "module: the build wrote no {shown}: {error}; module names the core module that it writes"
        )
    })?;
    check_header(&bytes).map_err(|cause| format!("module: {shown} {cause}"))?;
    let component = componentizer(engine)?
        .componentize(&contract(project)?, &bytes)
        .map_err(|cause| {
            format!(
                "module: {shown} is no module of the contract: {}; {PAGE}",
                for_line(root_cause(&cause))
            )
        })?;
    atomic_write::write(&project.output, &component).map_err(|error| {
        format!(
            "output: {} cannot be written: {error}",
            project.output.display()
        )
    })
}

/// Returns an error of the componentizer without the steps that it names before the cause.
fn root_cause(error: &str) -> &str {
    const STEPS: &str = "failed to decode world from module: module was not valid: ";
    error.strip_prefix(STEPS).unwrap_or(error)
}

/// Refuses bytes that are no core module by their first bytes.
fn check_header(bytes: &[u8]) -> Result<(), &'static str> {
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', ..]) => {
            Err("is a component already; name it as `output`, and leave `module` away")
        }
        _ => Err("does not begin with the bytes of WebAssembly"),
    }
}

fn componentizer(engine: &Engine) -> Result<Componentizer<'_>, String> {
    Componentizer::load(engine, mockfleet_builtin::componentizer())
        .map_err(|error| error.to_string())
}

/// Returns the contract of a project: its own, or the newest of this program.
fn contract(project: &Project) -> Result<String, String> {
    if let Some(file) = &project.wit {
        return bounded_read::read_text(file, MAX_TEXT)
            .map_err(|error| format!("wit: {} cannot be read: {error}", file.display()));
    }
    let mut files = mockfleet_builtin::template_files().map_err(|error| error.to_string())?;
    let text = files.remove(CONTRACT).unwrap_or_default();
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// Returns a header with the name and the version of the project.
fn project_header(project: &Project) -> String {
    let Project { name, version, .. } = project;
    format!(
        "/* Written by `mockfleet build` from plugin.toml. */\n#define MOCKFLEET_NAME {}\n#define MOCKFLEET_VERSION {}\n",
        c_text(name),
        c_text(version)
    )
}

/// Returns a text as a literal of C.
fn c_text(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => literal.extend(['\\', char::from(byte)]),
            b' '..=b'~' => literal.push(char::from(byte)),
            // Three octal digits end an escape, whatever comes next.
            other => literal.push_str(&format!("\\{other:03o}")),
        }
    }
    literal.push('"');
    literal
}

/// Writes the files that are new or have another content: a compiler need not read the others
/// again.
fn write_changed(folder: &Path, files: &[(String, Vec<u8>)]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, content) in files {
        let file = folder.join(name);
        if std::fs::read(&file).is_ok_and(|there| there == *content) {
            continue;
        }
        atomic_write::write(&file, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_literal_of_c() {
        assert_eq!(c_text("a b"), "\"a b\"");
        assert_eq!(c_text("\"\\"), "\"\\\"\\\\\"");
        assert_eq!(c_text("é\n1"), "\"\\303\\251\\0121\"");
    }

    #[test]
    fn error_begins_with_its_cause() {
        let error =
            "failed to decode world from module: module was not valid: failed to find export";
        assert_eq!(root_cause(error), "failed to find export");
        assert_eq!(root_cause("no memory"), "no memory");
    }

    #[test]
    fn component_and_other_bytes_are_no_module() {
        assert_eq!(check_header(b"\0asm\x01\0\0\0"), Ok(()));
        let said = check_header(b"\0asm\x0d\0\x01\0").unwrap_err();
        assert!(said.starts_with("is a component already"), "{said}");
        assert!(check_header(b"#!/bin/sh").is_err());
    }

    #[test]
    fn unchanged_file_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("build/bindings");
        let files = [("plugin.h".to_owned(), b"1".to_vec())];
        write_changed(&below, &files).unwrap();
        let time = || {
            std::fs::metadata(below.join("plugin.h"))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = time();
        write_changed(&below, &files).unwrap();
        assert_eq!(time(), before);
        write_changed(&below, &[("plugin.h".to_owned(), b"2".to_vec())]).unwrap();
        assert_eq!(std::fs::read(below.join("plugin.h")).unwrap(), b"2");
    }
}
