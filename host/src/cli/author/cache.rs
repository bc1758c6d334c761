//! `mockfleet cache`: lists and clears cached files.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::fetch::cache::{self as fetch_cache, CachedFile};
use crate::num::as_u64;
use mockfleet_config::{Problem, Problems, did_you_mean};
use mockfleet_files::cache_dir;
use mockfleet_metrics::bytes;
use mockfleet_metrics::plural;
use mockfleet_plugin::CachedPlugin;
use mockfleet_sendlog::TextTable;

/// Lists cached plugins and fetched files, or clears them.
///
/// A plugin is compiled for the machine once, and cached in $XDG_CACHE_HOME/mockfleet or
/// ~/.cache/mockfleet; fetched files are in the folder `fetched` below it. All of it is created
/// again on demand.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  mockfleet cache
  mockfleet cache clear --stale
  mockfleet cache clear sensor"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Clear(Clear),
}

/// Deletes all cached files, or those that are named.
///
/// Other files in the folder stay.
#[derive(Debug, clap::Args)]
struct Clear {
    /// A plugin's name, with or without its version, or the first digits of a digest (at least 6).
    #[arg(value_name = "NAME|DIGEST")]
    named: Vec<String>,
    /// Only plugins that another version of mockfleet compiled, and this one never uses.
    #[arg(long)]
    stale: bool,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

/// A cached file.
enum Entry {
    Plugin(CachedPlugin),
    Fetched(CachedFile),
}

pub(crate) fn cache(arguments: &Arguments) -> Result<Ending, Failure> {
    let entries = entries();
    match &arguments.what {
        Some(What::Clear(clear)) => self::clear(clear, entries),
        None => {
            if arguments.json {
                out_json!("{}", object(&entries));
            } else {
                out!("{}", text(&entries));
            }
            Ok(Ending::Done)
        }
    }
}

fn entries() -> Vec<Entry> {
    let plugins = mockfleet_plugin::cached_plugins()
        .into_iter()
        .map(Entry::Plugin);
    plugins
        .chain(fetch_cache::fetched().into_iter().map(Entry::Fetched))
        .collect()
}

fn clear(clear: &Clear, entries: Vec<Entry>) -> Result<Ending, Failure> {
    check(&clear.named, &entries)?;
    let named = |entry: &Entry| {
        clear.named.is_empty() || clear.named.iter().any(|name| entry.is_called(name))
    };
    let meant = |entry: &Entry| named(entry) && (!clear.stale || entry.is_stale());
    let (mut gone, mut failed) = (Vec::new(), Vec::new());
    for entry in entries.into_iter().filter(meant) {
        match entry.delete() {
            Ok(()) => gone.push(entry),
            Err(error) => failed.push((entry, error.to_string())),
        }
    }
    if clear.named.is_empty() {
        mockfleet_plugin::delete_partial_files();
        fetch_cache::delete_partial_files();
    }
    if clear.json {
        let failed: Vec<Value> = failed
            .iter()
            .map(|(entry, why)| json!({ "entry": entry.json(), "why": why }))
            .collect();
        let (size, gone): (u64, Vec<Value>) =
            (all_bytes(&gone), gone.iter().map(Entry::json).collect());
        let all = json!({ "folder": folder(), "cleared": gone, "bytes": size, "failed": failed });
        out!("{all}");
    } else {
        out!("{}", cleared(&gone));
    }
    for (entry, why) in &failed {
        err!("warning: {} is not deleted: {why}", entry.shown());
    }
    match failed.is_empty() {
        true => Ok(Ending::Done),
        false => Ok(Ending::Failed),
    }
}

/// Reports all names that match no entry, at once.
fn check(named: &[String], entries: &[Entry]) -> Result<(), Failure> {
    let mut problems = Problems::default();
    for name in named {
        if entries.iter().any(|entry| entry.is_called(name)) {
            continue;
        }
        let mut known: Vec<&str> = entries.iter().map(Entry::name).collect();
        known.sort_unstable();
        known.dedup();
        problems.push(Problem {
            place: "NAME|DIGEST".into(),
            text: format!(
                "nothing in the cache is called {name:?}{}",
                did_you_mean(name, known.into_iter())
            ),
        });
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::Input(problems)),
    }
}

/// Fewest digits that may abbreviate a digest.
const DIGITS: usize = 6;

impl Entry {
    /// Returns the plugin's name without its version, or the first digits of the digest.
    fn name(&self) -> &str {
        match self {
            Self::Plugin(CachedPlugin {
                name: Some(name), ..
            }) => name.split(' ').next().unwrap_or(name),
            _ => self.short(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Plugin(plugin) => plugin.name.clone().unwrap_or_else(|| "(no name)".into()),
            Self::Fetched(_) => "(fetched)".into(),
        }
    }

    fn digest(&self) -> &str {
        match self {
            Self::Plugin(plugin) => &plugin.digest,
            Self::Fetched(kept) => &kept.digest,
        }
    }

    fn short(&self) -> &str {
        self.digest().get(..12).unwrap_or_default()
    }

    fn is_called(&self, name: &str) -> bool {
        let plugin = match self {
            Self::Plugin(plugin) => plugin.name.as_deref(),
            Self::Fetched(_) => None,
        };
        let by_name = plugin.is_some_and(|full| {
            full == name || self.name() == name || full.replacen(' ', "@", 1) == name
        });
        by_name || name.len() >= DIGITS && self.digest().starts_with(name)
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Plugin(plugin) => plugin.bytes,
            Self::Fetched(kept) => kept.bytes,
        }
    }

    fn used(&self) -> jiff::Timestamp {
        let used: SystemTime = match self {
            Self::Plugin(plugin) => plugin.used,
            Self::Fetched(kept) => kept.used,
        };
        jiff::Timestamp::try_from(used).unwrap_or_default()
    }

    fn is_stale(&self) -> bool {
        matches!(self, Self::Plugin(plugin) if plugin.stale)
    }

    fn delete(&self) -> std::io::Result<()> {
        match self {
            Self::Plugin(plugin) => plugin.delete(),
            Self::Fetched(kept) => kept.delete(),
        }
    }

    fn json(&self) -> Value {
        let (kind, name) = match self {
            Self::Plugin(plugin) => ("plugin", plugin.name.as_deref()),
            Self::Fetched(_) => ("fetched", None),
        };
        json!({
            "kind": kind,
            "name": name,
            "sha256": self.digest(),
            "bytes": self.bytes(),
            "used": self.used().to_string(),
            "stale": self.is_stale(),
        })
    }
}

fn folder() -> Option<String> {
    cache_dir::user_cache_dir().map(|folder| folder.display().to_string())
}

fn all_bytes(entries: &[Entry]) -> u64 {
    entries.iter().map(Entry::bytes).sum()
}

fn object(entries: &[Entry]) -> Value {
    let listed: Vec<Value> = entries.iter().map(Entry::json).collect();
    json!({ "folder": folder(), "entries": listed, "bytes": all_bytes(entries) })
}

/// Formats counts: `3 compiled plugins and 1 fetched file, 68.3 MiB`.
fn counted(entries: &[Entry]) -> String {
    let fetched = |entry: &&Entry| matches!(entry, Entry::Fetched(_));
    let fetched = entries.iter().filter(fetched).count();
    format!(
        "{} and {}, {}",
        plural(as_u64(entries.len() - fetched), "compiled plugin"),
        plural(as_u64(fetched), "fetched file"),
        bytes(all_bytes(entries))
    )
}

fn text(entries: &[Entry]) -> String {
    let place = folder().unwrap_or_else(|| "no folder: HOME is not set".into());
    let head = format!("{place}: {}", counted(entries));
    if entries.is_empty() {
        return head;
    }
    let mut columns = TextTable::new(["plugin", "size", "last used, UTC", "sha256", ""]);
    for entry in entries {
        columns.push_row([
            entry.shown(),
            bytes(entry.bytes()),
            entry.used().strftime("%Y-%m-%d %H:%M:%S").to_string(),
            entry.short().to_owned(),
            match entry.is_stale() {
                true => "stale: of another version of mockfleet".into(),
                false => String::new(),
            },
        ]);
    }
    format!("{head}\n\n{}", columns.render())
}

fn cleared(gone: &[Entry]) -> String {
    match gone {
        [] => "there was nothing to clear".into(),
        gone => format!("cleared {}", counted(gone)),
    }
}
