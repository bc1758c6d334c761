//! Holds the client's part of an MQTT session: messages, identifiers, subscriptions.

pub(crate) mod accused;
pub(crate) mod doubted;
pub(crate) mod in_flight;
pub(crate) mod packet_ids;
pub(crate) mod read_proof;
pub(crate) mod releases;
pub(crate) mod subscriptions;
pub(crate) mod topic_filter;
pub(crate) mod unanswered;
