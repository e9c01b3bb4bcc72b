//! State that the child of a fork() must not inherit: its locks may be held by threads that the child lacks.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// A value of this process alone: stamped with the process id, and made anew in a child.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    current: ArcSwap<Stamped<T>>,
    make: fn() -> T,
}

#[derive(Debug)]
struct Stamped<T> {
    process: u32,
    value: Arc<T>,
}

impl<T> Stamped<T> {
    fn now(make: fn() -> T) -> Arc<Self> {
        Arc::new(Self { process: std::process::id(), value: Arc::new(make()) })
    }
}

impl<T> PerProcess<T> {
    pub(crate) fn new(make: fn() -> T) -> Self {
        Self { current: ArcSwap::new(Stamped::now(make)), make }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        let current = self.current.load();
        if current.process == std::process::id() {
            return Arc::clone(&current.value);
        }
        // Two threads of a fresh child may both get here; the loser's value was seen by nobody.
        self.current.compare_and_swap(&current, Stamped::now(self.make));
        Arc::clone(&self.current.load().value)
    }

    /// As in a child of the process that made it.
    #[cfg(test)]
    pub(crate) fn forget_process(&self) {
        let value = self.get();
        self.current.store(Arc::new(Stamped { process: 0, value }));
    }
}
