//! What `src/sync.rs` names, for ThreadSanitizer (`make tsan`, `make sanitize`): locks that are compiled with it. std comes
//! compiled without, so that it does not see std's locks hand over what they guard.

use std::sync::LockResult;
use std::time::Duration;

pub(crate) use parking_lot::MutexGuard;

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(parking_lot::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        Ok(self.0.lock())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(parking_lot::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait_timeout<'g, T>(
        &self,
        mut guard: MutexGuard<'g, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'g, T>, bool)> {
        let timed_out = self.0.wait_for(&mut guard, timeout).timed_out();
        Ok((guard, timed_out))
    }
}
