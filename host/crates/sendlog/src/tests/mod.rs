//! Tests the way from an appended record to a row that is read back.

mod log;
mod recovery;
mod support;
mod timeline;
