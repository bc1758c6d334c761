//! Tests rows from the appended record to the read row.

mod hostile_store;
mod log;
mod recovery;
mod support;
mod timeline;
