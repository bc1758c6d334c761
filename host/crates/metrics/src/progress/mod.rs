//! Describes the progress of a running fleet.

pub(crate) mod clock_progress;
pub(crate) mod connect_progress;
pub(crate) mod live_view;
pub(crate) mod snapshot;
pub(crate) mod stages;

pub use clock_progress::{ClockPosition, ClockProgress};
pub use connect_progress::ConnectProgress;
pub use live_view::LiveView;
pub use snapshot::ProgressSnapshot;
pub use stages::{StageProgress, StageResult};
