//! Searches for the rate at which a backend breaks.

mod search;
mod search_driver;
mod stop_condition;

pub use self::search::BreakpointSearch;
pub use self::search_driver::{Action, SearchDriver};
pub use self::stop_condition::{StopCondition, StopConditionError};
