//! Tests rows from the appended record to the read row.

mod log;
mod recovery;
mod support;
mod timeline;
