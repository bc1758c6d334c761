//! Prepares, starts, watches and finishes a run.

pub(crate) mod before_clock;
mod finished;
mod options;
mod prepared;
pub(crate) mod running;
pub(crate) mod start_line;
mod threads;

pub use self::finished::Finished;
pub use self::options::RunOptions;
pub use self::prepared::{Prepared, prepare};
pub use self::running::Running;
