//! Holds the packets of a session's start until the broker answers them.

use std::collections::VecDeque;

/// The packets of a session's start that the broker has not answered.
#[derive(Default)]
pub(crate) struct Unanswered {
    /// Identifiers of PUBREL packets.
    pub(crate) releases: VecDeque<u16>,
    /// Identifiers of SUBSCRIBE packets, with the places of their filters.
    pub(crate) subscribes: Vec<(u16, Vec<usize>)>,
}

impl Unanswered {
    /// Returns whether the broker has answered all.
    pub(crate) fn is_empty(&self) -> bool {
        self.releases.is_empty() && self.subscribes.is_empty()
    }
}
