//! The fetches of all of a verifier's issuers, counted, so that a host can wait for the next one to end.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How long a wait for a fetch lasts if none is under way: long enough that a loop around it does not spin.
const IDLE_WAIT: Duration = Duration::from_secs(1);

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

    /// Waits until more than `seen` fetches have ended. False if no fetch has ended before `timeout`, or if none
    /// was under way for a second: true always means that something was fetched.
    pub(crate) fn wait(&self, seen: u64, timeout: Duration) -> bool {
        let began = Instant::now();
        let mut state = self.state();
        while state.ended <= seen {
            let timeout = if state.under_way > 0 { timeout } else { timeout.min(IDLE_WAIT) };
            let left = timeout.saturating_sub(began.elapsed());
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
