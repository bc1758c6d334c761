//! Helps the fuzz targets: a scripted peer for the transports.

pub mod line;
