//! The fetches of all of a verifier's issuers, counted, so that a host can wait for the next one to end.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many fetches have ended.
#[derive(Debug, Default)]
pub(crate) struct Landings {
    ended: Mutex<u64>,
    landed: Condvar,
}

impl Landings {
    pub(crate) fn end(&self) {
        *self.state() += 1;
        self.landed.notify_all();
    }

    pub(crate) fn ended(&self) -> u64 {
        *self.state()
    }

    /// Waits until more than `seen` fetches have ended; false if none has after `timeout`. It waits even
    /// if none is under way: "done" is never said if nothing was fetched.
    pub(crate) fn wait(&self, seen: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        while *state <= seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.landed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// A panic elsewhere leaves a plain number behind, which is as good as before it.
    fn state(&self) -> MutexGuard<'_, u64> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
