//! Tells limits of the host from failures of the network.

use std::io;

/// A limit of the host that keeps a connection from being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostLimit {
    /// The process, or the machine, has no free file.
    Files,
    /// The address has no free port for connections to the same backend.
    Ports,
}

impl HostLimit {
    /// Returns the limit that an error of the system's `connect` reports.
    pub(crate) fn from_error(error: &io::Error) -> Option<Self> {
        match error.raw_os_error()? {
            // EMFILE, ENFILE
            23 | 24 => Some(Self::Files),
            // EADDRNOTAVAIL
            99 => Some(Self::Ports),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_from_failures_of_the_network() {
        let limit = |code| HostLimit::from_error(&io::Error::from_raw_os_error(code));
        assert_eq!(limit(24), Some(HostLimit::Files));
        assert_eq!(limit(99), Some(HostLimit::Ports));
        // ECONNREFUSED, EHOSTUNREACH
        assert_eq!((limit(111), limit(113)), (None, None));
        assert_eq!(HostLimit::from_error(&io::Error::other("x")), None);
    }
}
