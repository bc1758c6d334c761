//! Notes the offsets of a file's rows, one of every [`STRIDE`].

use serde::{Deserialize, Serialize};

/// Rows between two noted offsets. With rows of 30 bytes the index takes 1/8 of a percent
/// of the file; reading this many rows takes some microseconds.
pub(crate) const STRIDE: usize = 64;

/// The number of rows, and the offset of every [`STRIDE`]th one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct RowIndex {
    count: usize,
    offsets: Vec<u32>,
}

impl RowIndex {
    /// Adds the next row.
    pub(crate) fn push(&mut self, offset: usize) {
        if self.count.is_multiple_of(STRIDE) {
            self.offsets.push(u32::try_from(offset).unwrap_or(u32::MAX));
        }
        self.count += 1;
    }

    /// The number of rows.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// The nearest noted row at or before `row`, and its offset.
    pub(crate) fn nearest_before(&self, row: usize) -> (usize, usize) {
        let stride = row / STRIDE;
        let offset = self.offsets.get(stride).copied().unwrap_or(0);
        (
            stride * STRIDE,
            usize::try_from(offset).unwrap_or(usize::MAX),
        )
    }
}
