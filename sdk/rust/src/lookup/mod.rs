//! Looks up the data files of a group and its place in the fleet.

pub mod data;
pub mod group;
