//! The fetches of all of a verifier's issuers, counted, so that a host can wait for the next one to end.

use std::time::{Duration, Instant};

use crate::clock::after;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many fetches have ended, and how many are under way.
#[derive(Debug, Default)]
pub(crate) struct Landings {
    state: Mutex<Count>,
    landed: Condvar,
}

#[derive(Debug, Default)]
struct Count {
    ended: u64,
    under_way: u64,
}

impl Landings {
    pub(crate) fn begin(&self) {
        self.state().under_way += 1;
    }

    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
        state.ended += 1;
        drop(state);
        self.landed.notify_all();
    }

    pub(crate) fn ended(&self) -> u64 {
        self.state().ended
    }

    /// Waits while no more than `seen` fetches have ended and one is under way. False where that is
    /// still so after `timeout`.
    pub(crate) fn wait(&self, seen: u64, timeout: Duration) -> bool {
        self.wait_while(timeout, |count| count.ended <= seen && count.under_way > 0)
    }

    /// Waits for a fetch to end, be one under way or not, for as long as `pause`.
    pub(crate) fn pause(&self, seen: u64, pause: Duration) {
        self.wait_while(pause, |count| count.ended <= seen);
    }

    fn wait_while(&self, timeout: Duration, condition: impl Fn(&Count) -> bool) -> bool {
        let deadline = after(timeout);
        let mut state = self.state();
        while condition(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.landed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// A panic elsewhere leaves plain numbers behind, which are as good as before it.
    fn state(&self) -> MutexGuard<'_, Count> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
