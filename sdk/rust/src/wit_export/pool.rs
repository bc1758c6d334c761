//! Allocates the small blocks of a plugin from lists by their size.
//!
//! A freed block is kept for the next call, so that a device that sends the same kind of
//! message again needs no memory from the system. Larger blocks, and the first of each
//! size, come from the system.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;

#[global_allocator]
static POOL: Pool = Pool(UnsafeCell::new([ptr::null_mut(); CLASSES]));

/// Blocks of up to 12, 28, 44 … 1,020 bytes: with the 4 bytes that the system puts before
/// each, they fill its grid of 16 bytes.
const CLASSES: usize = 64;
const GRID: usize = 16;
const OWN: usize = 4;
/// The alignment of every block of the system, in bytes.
const ALIGN: usize = 8;

/// The first free block of each class; its first bytes point to the next one.
struct Pool(UnsafeCell<[*mut u8; CLASSES]>);

// SAFETY: a component has one thread; nothing else enters it during a call.
unsafe impl Sync for Pool {}

/// The class of a block, if the pool has one of its size.
const fn class(layout: Layout) -> Option<usize> {
    let class = (layout.size() + OWN - 1) / GRID;
    if class < CLASSES && layout.align() <= ALIGN {
        Some(class)
    } else {
        None
    }
}

/// The largest block of a class.
const fn block(class: usize) -> Layout {
    let size = (class + 1) * GRID - OWN;
    // SAFETY: the alignment is a power of two, and the size below 1,024.
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}

/// A new block of this class from the system.
#[cold]
#[inline(never)]
fn fresh(class: usize) -> *mut u8 {
    // SAFETY: no class has blocks of no bytes.
    unsafe { System.alloc(block(class)) }
}

// SAFETY: a block has one owner at a time: it leaves its list when it is allocated, and
// enters it when it is freed. All blocks of a list have its class's size.
unsafe impl GlobalAlloc for Pool {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(layout) else {
            // SAFETY: as the caller's.
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: one thread, and a class below `CLASSES`; a free block begins with a
        // pointer, which was written when it was freed.
        unsafe {
            let first = (*self.0.get()).as_mut_ptr().add(class);
            let free = *first;
            if free.is_null() {
                return fresh(class);
            }
            *first = free.cast::<*mut u8>().read();
            free
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if class(layout).is_none() {
            // SAFETY: as the caller's; a new block of the system is zero already.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: a block of this size.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let Some(class) = class(layout) else {
            // SAFETY: the block came from the system.
            return unsafe { System.dealloc(pointer, layout) };
        };
        // SAFETY: as above; a block has room for a pointer, and is aligned for it.
        unsafe {
            let first = (*self.0.get()).as_mut_ptr().add(class);
            pointer.cast::<*mut u8>().write(*first);
            *first = pointer;
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's layout with another size that it vouches for.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(wanted)) {
            (Some(old), Some(new)) if old == new => pointer,
            // SAFETY: both are the system's.
            (None, None) => unsafe { System.realloc(pointer, layout, size) },
            // SAFETY: a new block, the smaller of both sizes copied, the old one freed.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(pointer, moved, layout.size().min(size));
                    self.dealloc(pointer, layout);
                }
                moved
            },
        }
    }
}
