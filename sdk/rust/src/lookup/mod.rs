//! Looks up the data files and the settings of a group.

pub mod data;
pub mod group;
