//! Lanes: what threads write at every token lies in a few copies, each alone on its cache lines. One number for
//! all would be fought over by the processors.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many copies there are: threads share them in turn where there are more.
pub(crate) const LANES: usize = 8;

/// Bytes between what two threads write: cache lines have 64, and processors fetch them in pairs.
const APART: usize = 128;

/// Alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

/// Nothing: what ends with it is so long that the beginnings of two lie [`APART`], wherever an allocator puts
/// them. For what is made for each token; memory that is aligned for it takes longer to get.
pub(crate) struct Gap(#[allow(dead_code)] MaybeUninit<[u8; APART]>);

impl Gap {
    pub(crate) fn new() -> Self {
        Self(MaybeUninit::uninit())
    }
}

/// The lane of the calling thread, below [`LANES`].
pub(crate) fn of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    // At a thread's end its locals may be gone; any lane will do.
    MINE.try_with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed) % LANES);
        }
        mine.get()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_lane_and_others_get_others() {
        let mine = of_this_thread();
        assert_eq!(of_this_thread(), mine);
        let lane = || std::thread::spawn(of_this_thread).join().unwrap();
        let others: std::collections::BTreeSet<_> = (0..64).map(|_| lane()).collect();
        assert!(others.len() > 1 && others.iter().all(|lane| *lane < LANES), "{others:?}");
    }
}
