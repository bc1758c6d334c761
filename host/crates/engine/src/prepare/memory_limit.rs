//! Finds the memory that this process may use.

use std::path::{Path, PathBuf};

use mockfleet_config::Plan;

/// The default of `in-flight` on a machine with enough memory, 512 MiB.
const DEFAULT_IN_FLIGHT: u64 = 512 << 20;

/// The default of `in-flight` on a machine with little memory, 16 MiB at least.
const MIN_IN_FLIGHT: u64 = 16 << 20;

/// Returns the memory of messages on their way, in bytes.
pub(crate) fn in_flight(plan: &Plan) -> u64 {
    plan.in_flight
        .map_or_else(default_in_flight, mockfleet_config::ByteSize::bytes)
}

/// Returns the default memory of messages on their way: 512 MiB, or a quarter of the memory of the
/// machine or of the container if that is less.
fn default_in_flight() -> u64 {
    let memory = memory_limit(Path::new("/"));
    let quarter = memory.map_or(DEFAULT_IN_FLIGHT, |bytes| bytes / 4);
    quarter.clamp(MIN_IN_FLIGHT, DEFAULT_IN_FLIGHT)
}

/// Returns the smallest limit of memory for this process, below a root of the file system.
fn memory_limit(root: &Path) -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo").and_then(|text| total(&text));
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().flat_map(|line| group_limits(root, line));
    limits.chain(machine).min()
}

/// Returns the memory of the machine in `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

/// Returns the limits of a control group and of those above it. The line is one of
/// `/proc/self/cgroup`: number, controllers and path.
fn group_limits(root: &Path, line: &str) -> Vec<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
        return Vec::new();
    };
    let (mount, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    let mount = root.join(mount);
    let mut folder: PathBuf = mount.join(path.trim_start_matches('/'));
    let mut limits = Vec::new();
    while folder.starts_with(&mount) {
        // The text of no limit is `max`, or a number beyond any memory.
        let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        limits.extend(text.trim().parse::<u64>());
        if !folder.pop() {
            break;
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn smallest_limit_of_machine_and_groups_holds() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(memory_limit(root), None);
        write(
            root,
            "proc/meminfo",
            "MemTotal:       16384 kB\nMemFree: 1 kB\n",
        );
        assert_eq!(memory_limit(root), Some(16 << 20));
        write(root, "proc/self/cgroup", "0::/a/b\n");
        write(root, "sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(memory_limit(root), Some(16 << 20));
        write(root, "sys/fs/cgroup/a/memory.max", "8388608\n");
        assert_eq!(memory_limit(root), Some(8 << 20));
        write(root, "proc/self/cgroup", "5:cpu:/x\n4:memory,x:/c\n");
        write(
            root,
            "sys/fs/cgroup/memory/c/memory.limit_in_bytes",
            "4194304\n",
        );
        assert_eq!(memory_limit(root), Some(4 << 20));
    }

    #[test]
    fn default_is_at_most_512_mib() {
        let bytes = default_in_flight();
        assert!(
            (MIN_IN_FLIGHT..=DEFAULT_IN_FLIGHT).contains(&bytes),
            "{bytes}"
        );
    }
}
