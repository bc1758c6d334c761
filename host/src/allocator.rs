//! Allocates memory with mimalloc, by its shortest call.
//!
//! Most allocations need no alignment beyond that of every mimalloc block, so they skip the
//! aligned calls. Other threads free payloads than those that allocate them, in great numbers.
//! The system's allocator keeps such blocks.

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{mi_malloc, mi_realloc, mi_zalloc};
use mimalloc::MiMalloc;

/// The allocator of the program: mimalloc.
#[derive(Debug, Clone, Copy)]
pub struct Allocator;

/// Alignment of every mimalloc block: 8, one word. MI_MAX_ALIGN_SIZE is 16, and applies to
/// blocks of 16 bytes and more. For a larger alignment, mimalloc searches a block that happens
/// to be aligned. The crate `mimalloc` makes it search for smaller alignments too.
const ALIGN: usize = 8;

// SAFETY: these are mimalloc's own functions, with the sizes and alignments that they accept.
// Each of them may free and move the blocks of the others.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: `mi_malloc` accepts any size.
            return unsafe { mi_malloc(layout.size()) }.cast();
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: `mi_zalloc` accepts any size.
            return unsafe { mi_zalloc(layout.size()) }.cast();
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc_zeroed`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: the caller guarantees that the block is mimalloc's.
            return unsafe { mi_realloc(block.cast(), size) }.cast();
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`.
        unsafe { MiMalloc.realloc(block, layout, size) }
    }
}
