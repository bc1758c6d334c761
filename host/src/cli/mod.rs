//! Runs the command line.
//!
//! | module | content |
//! |---|---|
//! | `program` | the program's arguments and its commands |
//! | `run` | commands that run fleets, and read their results |
//! | `author` | commands for authors of plugins and bundles |
//! | `logs` | commands for send logs |
//! | `support` | parts that several commands share |
//! | `ui` | output: results, progress, output of guests |

mod author;
mod logs;
mod program;
mod run;
mod support;
mod ui;

pub use program::main;
