//! Reads `plugin.toml`, the description of a plugin project.
//!
//! The file has the name of the project, the command that builds it, and the tools that the
//! build needs.

use std::path::{Path, PathBuf};

use crate::document::file_source::{Files, join_folder};
use crate::document::node::{Node, Value};
use crate::document::parser;
use crate::document::problem::{Problem, Problems, ValueError};
use crate::document::table_reader::{ReadContext, TableReader, text};
use mockfleet_files::bounded_read::{self, MAX_TEXT};

/// Name of the file in the project's folder.
const PROJECT_FILE: &str = "plugin.toml";

/// A project with its `plugin.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Folder of the project.
    pub folder: PathBuf,
    /// The plugin's name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// Build command for `sh`, which runs in the folder.
    pub build: String,
    /// The component that the build makes.
    pub output: PathBuf,
    /// The core module that the command writes, from which the component is made. `None`: the
    /// command writes the component.
    pub module: Option<PathBuf>,
    /// The contract of the module. `None`: the one of this program.
    pub wit: Option<PathBuf>,
    /// The folder for the bindings of the contract in C, which are written before the build.
    pub c_bindings: Option<PathBuf>,
    /// Source files and folders of the plugin.
    pub watch: Vec<PathBuf>,
    /// The tools that the build needs, in the order of their installation.
    pub needs: Vec<Requirement>,
}

/// A tool that the build needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The name of the tool in messages: `Rust`.
    pub what: String,
    /// Command for `sh` that succeeds if the tool is installed.
    pub check: String,
    /// The version that the command must print at least.
    pub least: Option<String>,
    /// Command line that installs the tool.
    pub install: String,
}

const KEYS: &[&str] = &[
    "name",
    "version",
    "build",
    "output",
    "module",
    "wit",
    "c-bindings",
    "watch",
    "needs",
];

const REQUIREMENT_KEYS: &[&str] = &["what", "check", "least", "install"];

impl Project {
    /// Reads the project in a folder.
    ///
    /// # Errors
    /// Returns all problems of its `plugin.toml`.
    pub fn read(folder: &Path) -> Result<Self, Problems> {
        let file = file_in(folder);
        let shown = file.display().to_string();
        let content = bounded_read::read_text(&file, MAX_TEXT).map_err(|error| {
            let mut problems = Problems::default();
            let text = format!(
                "the project cannot be read: {error}; `mockfleet new` makes a folder with one"
            );
            problems.push(Problem {
                place: shown.clone(),
                text,
            });
            problems
        })?;
        Self::parse(&content, &shown, folder)
    }

    /// Returns the path of its `plugin.toml`.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        file_in(&self.folder)
    }

    /// Reads the text of a `plugin.toml`; `shown` is its name in messages, and relative paths
    /// in it start at `folder`.
    ///
    /// # Errors
    /// Returns all problems of the text.
    pub fn parse(content: &str, shown: &str, folder: &Path) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let tree = parser::parse(content, shown, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let context = ReadContext::new(shown, Files::Folder(folder), problems);
        let project = TableReader::open(&context, &tree, PROJECT_FILE, KEYS)
            .and_then(|keys| project(&keys, folder));
        let problems = context.into_problems();
        match project {
            Some(project) if problems.is_empty() => Ok(project),
            _ => Err(problems),
        }
    }
}

fn file_in(folder: &Path) -> PathBuf {
    join_folder(folder, PROJECT_FILE)
}

/// Returns the component at a path: the file itself, or the output of the project in a folder.
///
/// # Errors
/// The project cannot be read, or is not built yet.
pub fn component_path(path: &Path) -> Result<PathBuf, ValueError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let project = Project::read(path).map_err(|problems| problems.to_string())?;
    if project.output.exists() {
        return Ok(project.output);
    }
    Err(format!(
        "the plugin of {} is not built yet; `mockfleet build {}` builds it",
        path.display(),
        path.display()
    )
    .into())
}

fn project(keys: &TableReader<'_>, folder: &Path) -> Option<Project> {
    let name = keys.require("name", "\"sensor\"", filled);
    let version = keys.require("version", "\"0.1.0\"", filled);
    let build = keys.require("build", "\"cargo build --release\"", filled);
    let output = keys.require("output", "\"sensor.wasm\"", |node| {
        filled(node).map(|path| keys.context.path(node, &path))
    });
    let watch = keys
        .read("watch", |node| match &node.value {
            Value::Array(entries) => entries
                .iter()
                .map(|entry| filled(entry).map(|path| keys.context.path(entry, &path)))
                .collect::<Result<Vec<_>, _>>(),
            _ => Err(format!("a list of paths is wanted, not {}", node.kind()).into()),
        })
        .unwrap_or_default();
    let path = |key| {
        keys.read(key, |node| {
            filled(node).map(|path| keys.context.path(node, &path))
        })
    };
    let (module, wit, c_bindings) = (path("module"), path("wit"), path("c-bindings"));
    if let Some(path) = wit.iter().find(|path| !path.is_file()) {
        keys.report(
            "wit",
            format_args!(
                "there is no {}; name the file with the contract",
                path.display()
            ),
        );
    }
    if wit.is_some() && module.is_none() && c_bindings.is_none() {
        keys.report(
            "wit",
            "it is for `module` and `c-bindings`, and neither is there",
        );
    }
    for path in &watch {
        if !path.exists() {
            keys.report(
                "watch",
                format_args!(
                    "there is no {}; name files and folders of the project",
                    path.display()
                ),
            );
        }
    }
    Some(Project {
        folder: folder.to_owned(),
        needs: needs(keys),
        name: name?,
        version: version?,
        build: build?,
        output: output?,
        module,
        wit,
        c_bindings,
        watch,
    })
}

fn needs(keys: &TableReader<'_>) -> Vec<Requirement> {
    let Some(node) = keys.node("needs") else {
        return Vec::new();
    };
    let Value::Array(entries) = &node.value else {
        keys.report(
            "needs",
            format_args!("entries [[needs]] are wanted, not {}", node.kind()),
        );
        return Vec::new();
    };
    let need = |entry| {
        let keys = TableReader::open(keys.context, entry, "[[needs]]", REQUIREMENT_KEYS)?;
        let what = keys.require("what", "\"Rust\"", filled);
        let check = keys.require("check", "\"rustc --version\"", filled);
        let install = keys.require("install", "\"rustup update stable\"", filled);
        let least = keys.read("least", |node| {
            let text = filled(node)?;
            match parts(&text) {
                Some(_) => Ok(text),
                None => Err(format!("{text:?} is no version; \"1.95\" is one").into()),
            }
        });
        Some(Requirement {
            what: what?,
            check: check?,
            least,
            install: install?,
        })
    };
    entries.iter().filter_map(need).collect()
}

fn filled(node: &Node) -> Result<String, ValueError> {
    match text(node)? {
        empty if empty.trim().is_empty() => {
            Err("it is empty; write a text between the quotes".into())
        }
        text => Ok(text),
    }
}

impl Requirement {
    /// Checks that the output of the check has a sufficient version.
    ///
    /// # Errors
    /// The version that is too old, or a text if the output has none.
    pub fn is_met_by(&self, printed: &str) -> Result<(), ValueError> {
        let Some(least) = self.least.as_deref().and_then(parts) else {
            return Ok(());
        };
        let found = printed
            .split(|c: char| !(c.is_ascii_digit() || c == '.'))
            .map(|word| word.trim_matches('.'))
            .find_map(|word| Some((word, parts(word)?)));
        match found {
            Some((_, found)) if found >= least => Ok(()),
            Some((word, _)) => Err(word.into()),
            None => Err("one that says no version".into()),
        }
    }
}

/// Parses the numbers of `1.95` or `20.11.1`.
fn parts(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Project, String> {
        Project::parse(text, "plugin.toml", Path::new(".")).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_project_says_how_it_is_built_and_what_that_needs() {
        let project = parse(
            r#"
            name = "sensor"
            version = "0.1.0"
            build = "make"
            output = "out/sensor.wasm"
            [[needs]]
            what = "Node.js"
            check = "node --version"
            least = "18"
            install = "apt-get install nodejs"
            "#,
        )
        .unwrap();
        assert_eq!(project.output, Path::new("out/sensor.wasm"));
        let [need] = project.needs.as_slice() else {
            panic!("one need");
        };
        assert_eq!(need.is_met_by("v20.20.2\n"), Ok(()));
        assert_eq!(need.is_met_by("v18.0.0"), Ok(()));
        assert_eq!(need.is_met_by("v16.4.1"), Err("16.4.1".into()));
        assert!(need.is_met_by("who knows").is_err());
    }

    #[test]
    fn module_contract_and_bindings_are_paths_in_the_project() {
        let text = "name = \"a\"\nversion = \"1\"\nbuild = \"make\"\noutput = \"a.wasm\"\n";
        let project = parse(text).unwrap();
        assert_eq!((project.module, project.c_bindings), (None, None));
        let more = format!("{text}module = \"out/a.wasm\"\nc-bindings = \"out/c\"\n");
        let project = parse(&more).unwrap();
        assert_eq!(project.module.as_deref(), Some(Path::new("out/a.wasm")));
        assert_eq!(project.c_bindings.as_deref(), Some(Path::new("out/c")));
        assert_eq!(
            parse(&format!("{text}wit = \"nowhere.wit\"\n")).unwrap_err(),
            "plugin.toml:5: wit in plugin.toml: there is no nowhere.wit; name the file with the contract
plugin.toml:5: wit in plugin.toml: it is for `module` and `c-bindings`, and neither is there"
        );
    }

    #[test]
    fn all_that_is_wrong_is_said_with_its_line() {
        let said = parse(
            "name = \"\"\nbiuld = \"make\"\nwatch = [\"nowhere\"]\noutput = 3\n[[needs]]\nwhat = \"x\"\nleast = \"new\"\n",
        )
        .unwrap_err();
        assert_eq!(
            said,
            "plugin.toml:2: unknown key \"biuld\" in plugin.toml; did you mean \"build\"?
plugin.toml:1: name in plugin.toml: it is empty; write a text between the quotes
plugin.toml:1: plugin.toml lacks the key \"version\"; write for example version = \"0.1.0\"
plugin.toml:1: plugin.toml lacks the key \"build\"; write for example build = \"cargo build --release\"
plugin.toml:4: output in plugin.toml: a text in quotes is wanted, not a number
plugin.toml:3: watch in plugin.toml: there is no nowhere; name files and folders of the project
plugin.toml:5: [[needs]] lacks the key \"check\"; write for example check = \"rustc --version\"
plugin.toml:5: [[needs]] lacks the key \"install\"; write for example install = \"rustup update stable\"
plugin.toml:7: least in [[needs]]: \"new\" is no version; \"1.95\" is one"
        );
    }
}
