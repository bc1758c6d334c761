//! Which versions of the contract this host runs plugins of: one table, from which checks,
//! messages and what a plugin may import follow. Must not know wasmtime: how a version is
//! spoken is in `bindings`.

use std::fmt;

/// The package that `wit/device.wit` is a version of.
const PACKAGE: &str = "mockfleet:device";

/// A released version of the contract. The later one is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contract {
    version: [u64; 3],
    /// The interfaces that a plugin of it may import.
    given: &'static [&'static str],
}

/// All that this host runs, the newest last. A released version stays for good, and its text
/// as it is: what changes comes as one more line here and one more world in `bindings`.
/// `tests/compat/README.md` has all the steps.
const RUN: [Contract; 1] = [Contract {
    version: [0, 1, 0],
    given: &["types", "data", "group"],
}];

impl Contract {
    /// The version that a component with these exports implements, the newest of several.
    ///
    /// # Errors
    /// When it is none of this host's: the version that it does implement, or `None` where
    /// it exports no behaviour at all.
    pub(super) fn of(exports: &[String]) -> Result<Self, Option<String>> {
        let exported = |contract: &&Self| exports.contains(&contract.interface("behaviour"));
        if let Some(contract) = RUN.iter().rev().find(exported) {
            return Ok(*contract);
        }
        let behaviour = format!("{PACKAGE}/behaviour");
        let other = exports.iter().find_map(|name| {
            let version = name.strip_prefix(&behaviour)?;
            (version.is_empty() || version.starts_with('@')).then(|| format!("{PACKAGE}{version}"))
        });
        Err(other)
    }

    /// Whether a plugin of this version may import the interface.
    pub(super) fn gives(self, import: &str) -> bool {
        self.given.iter().any(|name| self.interface(name) == import)
    }

    /// An interface as components name it: `mockfleet:device/behaviour@0.1.0`.
    fn interface(self, name: &str) -> String {
        let [major, minor, patch] = self.version;
        format!("{PACKAGE}/{name}@{major}.{minor}.{patch}")
    }
}

/// The package with its version, as it stands in messages and bundles.
impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.version;
        write!(f, "{PACKAGE}@{major}.{minor}.{patch}")
    }
}

/// The versions that this host runs, for a sentence: `mockfleet:device@0.1.0`.
pub(super) fn all() -> String {
    list(&RUN.map(|contract| contract.to_string()))
}

/// The behaviours that this host calls, for a sentence.
pub(super) fn behaviours() -> String {
    list(&RUN.map(|contract| contract.interface("behaviour")))
}

fn list(names: &[String]) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        names => names.concat(),
    }
}

/// What to do with a plugin of a version that this host does not run, such as
/// `mockfleet:device@0.2.0`.
pub(super) fn way_out(found: &str) -> &'static str {
    let newest = RUN.map(|contract| contract.version).into_iter().max();
    let later = version(found).is_some_and(|version| newest.is_some_and(|newest| version > newest));
    if later {
        "run it with a later mockfleet, or rebuild it against wit/device.wit of this version"
    } else {
        "rebuild it against wit/device.wit of this version"
    }
}

/// The three numbers after the `@`.
fn version(contract: &str) -> Option<[u64; 3]> {
    let (_, version) = contract.split_once('@')?;
    let numbers: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_newest_version_is_the_last_and_none_stands_twice() {
        assert!(RUN.windows(2).all(|two| two[0] < two[1]));
    }

    #[test]
    fn wit_is_the_newest_version() {
        let wit = include_str!("../wit/device.wit");
        let newest = RUN.last().unwrap().to_string();
        assert!(
            wit.starts_with(&format!("package {newest};\n")),
            "wit/device.wit is not {newest}"
        );
    }

    #[test]
    fn a_plugin_is_of_the_version_that_it_exports() {
        let of = |names: &[&str]| Contract::of(&exports(names));
        let ours = of(&["wasi:cli/run@0.2.6", "mockfleet:device/behaviour@0.1.0"]);
        assert_eq!(ours.unwrap().to_string(), "mockfleet:device@0.1.0");
        // A version is the whole of it: neither a patch nor a preview of ours is ours.
        for other in ["@0.1.1", "@0.1.0-rc", "@9.0.0", "@x", ""] {
            let name = format!("mockfleet:device/behaviour{other}");
            assert_eq!(of(&[&name]), Err(Some(format!("mockfleet:device{other}"))));
        }
        assert_eq!(of(&["mockfleet:device/behaviours@0.1.0"]), Err(None));
        assert_eq!(of(&[]), Err(None));
        let both = of(&[
            "mockfleet:device/behaviour@9.0.0",
            "mockfleet:device/behaviour@0.1.0",
        ]);
        assert_eq!(both, Ok(RUN[0]));
    }

    #[test]
    fn a_plugin_is_given_the_interfaces_of_its_own_version() {
        let [first, ..] = RUN;
        for name in ["types", "data", "group"] {
            assert!(first.gives(&format!("mockfleet:device/{name}@0.1.0")));
        }
        for foreign in [
            "mockfleet:device/types@0.1.1",
            "mockfleet:device/types@0.1.0-rc",
            "mockfleet:device/behaviour@0.1.0",
            "mockfleet:device/types",
        ] {
            assert!(!first.gives(foreign), "{foreign}");
        }
    }

    #[test]
    fn only_a_later_version_is_for_a_later_mockfleet() {
        for later in [
            "mockfleet:device@0.1.1",
            "mockfleet:device@0.10.0",
            "mockfleet:device@7.0.0",
        ] {
            assert!(
                way_out(later).starts_with("run it with a later mockfleet"),
                "{later}"
            );
        }
        for other in [
            "mockfleet:device@0.0.9",
            "mockfleet:device@0.2",
            "mockfleet:device@x",
            "mockfleet:device",
        ] {
            assert!(way_out(other).starts_with("rebuild it"), "{other}");
        }
    }

    #[test]
    fn several_versions_are_listed_in_a_sentence() {
        assert_eq!(list(&exports(&["a"])), "a");
        assert_eq!(list(&exports(&["a", "b", "c"])), "a, b and c");
    }
}
