//! What `src/sync.rs` names, from the model checker.

use std::sync::Arc;

pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use std::sync::PoisonError;

/// arc_swap's swapped pointer, as far as it is used: each of its steps is atomic, and between the steps
/// of an `rcu` others can come.
#[derive(Debug)]
pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

impl<T> ArcSwapOption<T> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn load_full(&self) -> Option<Arc<T>> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn load(&self) -> Option<Arc<T>> {
        self.load_full()
    }

    pub(crate) fn store(&self, value: Option<Arc<T>>) {
        *self.0.lock().unwrap() = value;
    }

    pub(crate) fn rcu(
        &self,
        mut change: impl FnMut(&Option<Arc<T>>) -> Option<Arc<T>>,
    ) -> Option<Arc<T>> {
        loop {
            let seen = self.load_full();
            let wanted = change(&seen);
            let mut current = self.0.lock().unwrap();
            if current.as_ref().map(Arc::as_ptr) == seen.as_ref().map(Arc::as_ptr) {
                *current = wanted;
                return seen;
            }
        }
    }
}
