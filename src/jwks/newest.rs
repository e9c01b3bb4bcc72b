//! The newest of what was fetched, read without a lock, and never replaced by something older.

use std::sync::Arc;

use crate::sync::ArcSwapOption;

/// A value in force. Reading costs no lock, so that neither a writer nor a fork() can stop a reader.
#[derive(Debug)]
pub(crate) struct Newest<T>(ArcSwapOption<T>);

impl<T> Newest<T> {
    pub(crate) fn none() -> Self {
        Self(ArcSwapOption::empty())
    }

    pub(crate) fn get(&self) -> Option<Arc<T>> {
        self.0.load_full()
    }

    /// What a look at the value says, which costs not even a count of references.
    pub(crate) fn look<R>(&self, at: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.load().as_deref().map(at)
    }

    /// Puts a value in force whatever is there.
    pub(crate) fn put(&self, value: T) {
        self.0.store(Some(Arc::new(value)));
    }

    /// Puts a value in force unless what is there is newer, as `is_newer` (of what is there) says.
    /// Gives what was replaced, or `Err` with what stays.
    pub(crate) fn put_unless(
        &self,
        value: T,
        is_newer: impl Fn(&T) -> bool,
    ) -> Result<Option<Arc<T>>, Arc<T>> {
        let value = Arc::new(value);
        let previous = self.0.rcu(|current| match current {
            Some(current) if is_newer(current) => Some(Arc::clone(current)),
            _ => Some(Arc::clone(&value)),
        });
        match previous {
            Some(previous) if is_newer(&previous) => Err(previous),
            previous => Ok(previous),
        }
    }
}
