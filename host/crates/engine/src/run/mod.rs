//! Prepares, starts, watches and finishes a run.

mod finished;
mod options;
mod prepared;
pub(crate) mod running;
mod threads;

pub use self::finished::Finished;
pub use self::options::RunOptions;
pub use self::prepared::{Prepared, prepare};
pub use self::running::Running;
