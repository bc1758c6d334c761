//! Computes when devices are due: clocks, schedules, stages, seeds.

pub(crate) mod bounded_lag;
pub(crate) mod clock;
pub(crate) mod event_queue;
pub(crate) mod late_watch;
pub(crate) mod numbers;
pub(crate) mod rate_scale;
pub(crate) mod seed;
pub(crate) mod stage_shape;
pub(crate) mod stages;
pub(crate) mod tick_schedule;
