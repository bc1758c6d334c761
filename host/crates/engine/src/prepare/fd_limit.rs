//! Raises and checks the limit of open files.
//!
//! Each connection is an open file, and the system limits their number for a process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use mockfleet_config::{Connections, Plan, Protocol};

/// Number of open files of a run besides its connections. They belong to the log, the plugins,
/// and each worker's I/O loop.
const BESIDES: u64 = 100;

/// The system does not allow the open files that a plan needs.
#[derive(Debug, thiserror::Error)]
#[error(
    "{connections} connections need {needed} open files, and this process may have {limit}; raise the limit with `ulimit -n {needed}` (or LimitNOFILE={needed} in a systemd unit), or let devices share connections with connections = 64"
)]
pub(crate) struct FdLimitError {
    connections: u64,
    needed: u64,
    limit: u64,
}

/// Raises the limit of open files for the connections of a plan, as far as the system allows.
///
/// # Errors
/// The number needed and how to raise the limit.
pub(crate) fn raise_fd_limit(plan: &Plan) -> Result<(), FdLimitError> {
    let connections = connections(plan);
    let needed = connections + BESIDES;
    let limits = getrlimit(Resource::Nofile);
    let allowed = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if allowed(limits.current) {
        return Ok(());
    }
    if allowed(limits.maximum) {
        let raised = Rlimit {
            current: limits.maximum,
            ..limits
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            return Ok(());
        }
    }
    Err(FdLimitError {
        connections,
        needed,
        limit: limits.maximum.unwrap_or_default(),
    })
}

/// Number of MQTT connections that are open at the same time. HTTP is not counted: it opens
/// and closes connections with the number of open requests.
fn connections(plan: &Plan) -> u64 {
    let mut devices = vec![0_u64; plan.targets.len()];
    for group in &plan.groups {
        if let Some(count) = devices.get_mut(group.target) {
            *count += u64::from(group.count);
        }
    }
    let of_target = |number: usize| devices.get(number).copied().unwrap_or(0);
    let targets = plan.targets.iter().enumerate();
    let counts = targets.map(|(number, target)| match &target.protocol {
        Protocol::Mqtt(mqtt) => match mqtt.connections {
            Connections::PerDevice => of_target(number),
            Connections::Shared(n) => u64::from(n.get()).min(of_target(number)),
        },
        Protocol::Http(_) => 0,
    });
    counts.sum()
}
