//! Allocates memory with mimalloc, by its shortest call.
//! aligned to. Payloads are freed on other threads than they were made on, and in great
//! numbers; the system's allocator holds on to them.

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{mi_malloc, mi_realloc, mi_zalloc};
use mimalloc::MiMalloc;

/// mimalloc.
#[derive(Debug, Clone, Copy)]
pub struct Allocator;

/// Alignment of every mimalloc block (MI_MAX_ALIGN_SIZE is 16, for blocks of 16 bytes and
/// and more; smaller ones are a word). For more it looks for a block that happens to lie
/// right, and the crate `mimalloc` has it look for less, too.
const ALIGN: usize = 8;

// SAFETY: mimalloc's own functions, with the sizes and alignments that they are made for;
// any of them may free and move what another one gave.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: any size will do.
            return unsafe { mi_malloc(layout.size()) }.cast();
        }
        // SAFETY: as the caller's.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: any size will do.
            return unsafe { mi_zalloc(layout.size()) }.cast();
        }
        // SAFETY: as the caller's.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: the block is mimalloc's, as the caller vouches for.
            return unsafe { mi_realloc(block.cast(), size) }.cast();
        }
        // SAFETY: as the caller's.
        unsafe { MiMalloc.realloc(block, layout, size) }
    }
}
