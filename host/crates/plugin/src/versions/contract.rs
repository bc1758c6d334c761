//! Lists the versions of the contract that this host supports.
//!
//! Checks, messages and allowed imports derive from one table. The types of each version
//! are in `bindings`; this file does not use wasmtime.

use std::fmt;

/// The package of `wit/device.wit`.
const PACKAGE: &str = "mockfleet:device";

/// A version of the contract. The later one is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contract {
    numbers: [u64; 3],
    version: Version,
    /// The interfaces that a plugin of this version may import.
    imports: &'static [&'static str],
}

/// Selects the bindings of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V0_1_0,
    V0_2_0,
}

/// The supported versions, the newest last. A released version is never removed or
/// changed: a new version is one more entry here and one more module in `bindings`.
/// `tests/compat/README.md` has all the steps.
const SUPPORTED: [Contract; 2] = [
    Contract {
        numbers: [0, 1, 0],
        version: Version::V0_1_0,
        imports: &["types", "data", "group"],
    },
    Contract {
        numbers: [0, 2, 0],
        version: Version::V0_2_0,
        imports: &["types", "data", "group"],
    },
];

impl Contract {
    /// Returns the version that a component with these exports implements, the newest of
    /// several.
    ///
    /// # Errors
    /// The version that the component implements, if this host does not support it, or
    /// `None` if the component exports no behaviour.
    pub(crate) fn from_exports(exports: &[String]) -> Result<Self, Option<String>> {
        let exported = |contract: &&Self| exports.contains(&contract.interface("behaviour"));
        if let Some(contract) = SUPPORTED.iter().rev().find(exported) {
            return Ok(*contract);
        }
        let behaviour = format!("{PACKAGE}/behaviour");
        let other = exports.iter().find_map(|name| {
            let version = name.strip_prefix(&behaviour)?;
            (version.is_empty() || version.starts_with('@')).then(|| format!("{PACKAGE}{version}"))
        });
        Err(other)
    }

    /// Returns the version, for its bindings.
    pub(crate) fn version(self) -> Version {
        self.version
    }

    /// Returns whether a plugin of this version may import the interface.
    pub(crate) fn provides(self, import: &str) -> bool {
        self.imports
            .iter()
            .any(|name| self.interface(name) == import)
    }

    /// Names an interface as components do: `mockfleet:device/behaviour@0.1.0`.
    fn interface(self, name: &str) -> String {
        let [major, minor, patch] = self.numbers;
        format!("{PACKAGE}/{name}@{major}.{minor}.{patch}")
    }
}

/// The package with its version, as messages and bundles have it.
impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{PACKAGE}@{major}.{minor}.{patch}")
    }
}

/// Lists the supported versions for a sentence: `mockfleet:device@0.1.0 and …@0.2.0`.
pub(crate) fn supported_versions() -> String {
    list(&SUPPORTED.map(|contract| contract.to_string()))
}

/// Lists the interfaces of the supported behaviours for a sentence.
pub(crate) fn supported_behaviours() -> String {
    list(&SUPPORTED.map(|contract| contract.interface("behaviour")))
}

/// Joins names for a sentence: `a, b and c`.
fn list(names: &[String]) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        names => names.concat(),
    }
}

/// Returns the remedy for a plugin of an unsupported version, such as
/// `mockfleet:device@0.3.0`.
pub(crate) fn remedy(found: &str) -> &'static str {
    let newest = SUPPORTED.map(|contract| contract.numbers).into_iter().max();
    let later = numbers(found).is_some_and(|found| newest.is_some_and(|newest| found > newest));
    if later {
        "run it with a later mockfleet, or rebuild it against wit/device.wit of this version"
    } else {
        "rebuild it against wit/device.wit of this version"
    }
}

/// Parses the three numbers after the `@`.
fn numbers(contract: &str) -> Option<[u64; 3]> {
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
    fn versions_are_unique_and_in_ascending_order() {
        assert!(SUPPORTED.windows(2).all(|two| two[0] < two[1]));
    }

    #[test]
    fn wit_has_the_newest_version() {
        let wit = include_str!("../../wit/device.wit");
        let newest = SUPPORTED.last().unwrap().to_string();
        assert!(
            wit.starts_with(&format!("package {newest};\n")),
            "wit/device.wit is not {newest}"
        );
    }

    #[test]
    fn exports_determine_the_version() {
        let of = |names: &[&str]| Contract::from_exports(&exports(names));
        let ours = of(&["wasi:cli/run@0.2.6", "mockfleet:device/behaviour@0.1.0"]);
        assert_eq!(ours.unwrap().to_string(), "mockfleet:device@0.1.0");
        let newest = of(&["mockfleet:device/behaviour@0.2.0"]);
        assert_eq!(newest.unwrap().to_string(), "mockfleet:device@0.2.0");
        // The newest of several.
        let both = of(&[
            "mockfleet:device/behaviour@0.2.0",
            "mockfleet:device/behaviour@0.1.0",
        ]);
        assert_eq!(both, Ok(SUPPORTED[1]));
        // Versions are compared as a whole: a patch or preview is another version.
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
        assert_eq!(both, Ok(SUPPORTED[0]));
    }

    #[test]
    fn only_interfaces_of_the_own_version_are_provided() {
        let [first, newest] = SUPPORTED;
        for name in ["types", "data", "group"] {
            assert!(first.provides(&format!("mockfleet:device/{name}@0.1.0")));
            assert!(newest.provides(&format!("mockfleet:device/{name}@0.2.0")));
        }
        for foreign in [
            "mockfleet:device/types@0.1.1",
            "mockfleet:device/types@0.2.0",
            "mockfleet:device/types@0.1.0-rc",
            "mockfleet:device/behaviour@0.1.0",
            "mockfleet:device/types",
        ] {
            assert!(!first.provides(foreign), "{foreign}");
        }
    }

    #[test]
    fn later_version_needs_a_later_mockfleet() {
        for later in [
            "mockfleet:device@0.2.1",
            "mockfleet:device@0.10.0",
            "mockfleet:device@7.0.0",
        ] {
            assert!(
                remedy(later).starts_with("run it with a later mockfleet"),
                "{later}"
            );
        }
        for other in [
            "mockfleet:device@0.0.9",
            "mockfleet:device@0.1.1",
            "mockfleet:device@0.3",
            "mockfleet:device@x",
            "mockfleet:device",
        ] {
            assert!(remedy(other).starts_with("rebuild it"), "{other}");
        }
    }

    #[test]
    fn names_are_joined_for_a_sentence() {
        assert_eq!(list(&exports(&["a"])), "a");
        assert_eq!(list(&exports(&["a", "b", "c"])), "a, b and c");
    }
}
