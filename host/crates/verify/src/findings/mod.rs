//! Collects, explains and checks findings.

pub(crate) mod collected;
pub(crate) mod explain;
pub(crate) mod finding_check;
pub(crate) mod gap;
