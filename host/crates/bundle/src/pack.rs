//! Packs a fleet into a bundle.
//!
//! The same input gives the same bytes: parts in a fixed order, no times, no user names, one
//! compression.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use bytes::Bytes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::fleet_file::{self, Links};
use super::manifest::{FORMAT, Kind, Manifest, NAME, Part, plain_name};
use mockfleet_config::{Fleet, Problem, Problems};
use mockfleet_files::bounded_read::MAX_DATA_FILE;
use mockfleet_files::sha256;

/// A group's plugin.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// The origin: a path, or the name of a built-in plugin.
    pub from: String,
    /// Name and version.
    pub name: String,
    /// SHA-256 of everything that it was built from, if its build wrote it.
    pub inputs: Option<String>,
    /// The component.
    pub bytes: Bytes,
}

/// Packs a fleet with the text of its file. `plugins` has the plugin of each group, in order,
/// and `contract` the latest contract of any plugin.
///
/// # Errors
/// Files that a bundle does not take, or that cannot be read.
pub fn pack(
    fleet: &Fleet,
    text: &str,
    plugins: &[Plugin],
    contract: &str,
) -> Result<(Manifest, Vec<u8>), Problems> {
    let mut parts = Parts::default();
    let links = parts.links(fleet, plugins);
    if !parts.problems.is_empty() {
        return Err(parts.problems);
    }
    let whole = fleet_file::linked(text, &links)
        .map_err(|why| Problems::one(fleet.shown().to_owned(), why))?;
    let fleet_path = plain_name(fleet.shown());
    let mut list = vec![part(&fleet_path, Kind::Fleet, whole.as_bytes())];
    let mut contents = vec![Bytes::from(whole)];
    for (path, content) in parts.found {
        list.push(Part {
            plugin: content.name,
            inputs: content.inputs,
            ..part(&path, content.kind, &content.bytes)
        });
        contents.push(content.bytes);
    }
    let manifest = Manifest {
        format: FORMAT,
        mockfleet: env!("CARGO_PKG_VERSION").to_owned(),
        contract: contract.to_owned(),
        fleet: fleet_path,
        parts: list,
    };
    let archive = archive(&manifest, &contents).map_err(|error| {
        Problems::one(
            fleet.shown().to_owned(),
            format!("cannot be packed: {error}"),
        )
    })?;
    Ok((manifest, archive))
}

fn part(path: &str, kind: Kind, bytes: &[u8]) -> Part {
    Part {
        path: path.to_owned(),
        kind,
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        sha256: sha256::hex(bytes),
        plugin: None,
        inputs: None,
    }
}

struct Content {
    kind: Kind,
    bytes: Bytes,
    name: Option<String>,
    inputs: Option<String>,
}

/// The parts without the fleet file, by their paths.
#[derive(Default)]
struct Parts {
    found: BTreeMap<String, Content>,
    problems: Problems,
}

impl Parts {
    /// Adds all files of a fleet, and returns their keys with their parts.
    fn links(&mut self, fleet: &Fleet, plugins: &[Plugin]) -> Links {
        let mut links = Links::default();
        for (number, (group, plugin)) in fleet.plan.groups.iter().zip(plugins).enumerate() {
            let stem = plain_name(&plugin.from);
            let stem = stem.strip_suffix(".wasm").unwrap_or(&stem);
            let content = Content {
                kind: Kind::Plugin,
                bytes: plugin.bytes.clone(),
                name: Some(plugin.name.clone()),
                inputs: plugin.inputs.clone(),
            };
            let path = self.add("plugins", &format!("{stem}.wasm"), content);
            links.groups.push((number, vec!["plugin".into()], path));
            for (name, file) in &group.data {
                let key = ["groups", &group.name, "data", name];
                if let Some(path) = self.file(fleet, &key, file, Kind::Data) {
                    links
                        .groups
                        .push((number, vec!["data".into(), name.clone()], path));
                }
            }
        }
        for target in &fleet.plan.targets {
            let key = ["targets", target.name.as_str(), "tls", "ca"];
            if let Some(ca) = &target.tls.ca
                && let Some(path) = self.file(fleet, &key, ca, Kind::Certificate)
            {
                links.targets.push((target.name.clone(), path));
            }
            if target.tls.identity.is_some() {
                let text = format!(
                    "a private key is a secret, and a bundle holds none: take cert and key out of the file, and give them where the bundle runs, with --set targets.{0}.tls.cert=client.pem --set targets.{0}.tls.key=client.key",
                    target.name
                );
                let place = fleet.place(&["targets", &target.name, "tls", "key"]);
                self.problems.push(Problem { place, text });
            }
        }
        links
    }

    fn file(
        &mut self,
        fleet: &Fleet,
        key: &[&str],
        file: &mockfleet_config::File,
        kind: Kind,
    ) -> Option<String> {
        match file.read(MAX_DATA_FILE) {
            Ok(bytes) => {
                let folder = match kind {
                    Kind::Certificate => "tls",
                    _ => "data",
                };
                let content = Content {
                    kind,
                    bytes,
                    name: None,
                    inputs: None,
                };
                Some(self.add(folder, &plain_name(&file.to_string()), content))
            }
            Err(error) => {
                self.problems.push(Problem {
                    place: fleet.place(key),
                    text: format!("{file} cannot be read: {error}; a bundle needs every file that the fleet file names"),
                });
                None
            }
        }
    }

    /// Returns the path of a part. Equal content is stored once. Other content of the same
    /// name gets a number.
    fn add(&mut self, folder: &str, name: &str, content: Content) -> String {
        let (stem, end) = match name.rsplit_once('.') {
            Some((stem, end)) => (stem, format!(".{end}")),
            None => (name, String::new()),
        };
        let mut path = format!("{folder}/{name}");
        for number in 2.. {
            match self.found.get(&path) {
                Some(other) if other.bytes != content.bytes => {
                    path = format!("{folder}/{stem}-{number}{end}");
                }
                Some(_) => break,
                None => {
                    self.found.insert(path.clone(), content);
                    break;
                }
            }
        }
        path
    }
}

fn archive(manifest: &Manifest, contents: &[Bytes]) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(NAME, options)?;
    let mut text = serde_json::to_string_pretty(manifest).map_err(std::io::Error::from)?;
    text.push('\n');
    zip.write_all(text.as_bytes())?;
    for (part, content) in manifest.parts.iter().zip(contents) {
        zip.start_file(part.path.as_str(), options)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}
