//! At most one fetch at a time: who makes it, who waits for it, and that nobody waits for ever.
//!
//! Knows nothing of keys or of the network, so that `tests/model` can run it through every order of
//! its steps.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// After its deadline by so much a fetch is lost, and another may be made: its leader is gone without a word, as in
/// a child with its parent's process id.
const OVERDUE: Duration = Duration::from_secs(10);

/// One fetch that may be under way, and `P`, what is remembered between fetches, under the same lock.
///
/// The locks are std's, whose whole state lies in the object, so that the child of a fork() can put a
/// new object in its place; parking_lot keeps a part in a table of the process.
#[derive(Debug)]
pub(crate) struct Flight<P> {
    state: Mutex<State<P>>,
    landed: Condvar,
}

#[derive(Debug)]
struct State<P> {
    under_way: Option<Leg>,
    /// Fetches that have ended, so that a follower sees the one it waited for end.
    ended: u64,
    pace: P,
}

/// The fetch under way.
#[derive(Debug, Clone, Copy)]
struct Leg {
    began: Instant,
    deadline: Instant,
}

/// A follower's place: the fetch after so many others, which ends by its leader's deadline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    ended: u64,
    deadline: Instant,
}

/// What came of asking for a fetch.
#[derive(Debug)]
pub(crate) enum Boarding<R> {
    /// This caller makes it, and must [`Flight::land`] however it ends. Who has another thread make it
    /// can follow by the ticket.
    Lead(Ticket),
    /// Another one does.
    Follow(Ticket),
    /// Nobody does, for this reason.
    Stay(R),
}

impl<P> Flight<P> {
    pub(crate) fn new(pace: P) -> Self {
        let state = State { under_way: None, ended: 0, pace };
        Self { state: Mutex::new(state), landed: Condvar::new() }
    }

    /// Leads a fetch that ends by `deadline`, follows the one under way, or stays where `decide` gives
    /// a reason to. It is asked under the lock, which [`Self::land`] takes after the keys are in force:
    /// what it then finds missing is missing, and no fetch is made twice.
    pub(crate) fn board<R>(
        &self,
        deadline: Instant,
        decide: impl FnOnce(&mut P) -> Option<R>,
    ) -> Boarding<R> {
        let mut state = self.state();
        let ended = state.ended;
        if let Some(leg) = state.under_way.filter(|leg| Instant::now() < leg.deadline + OVERDUE) {
            return Boarding::Follow(Ticket { ended, deadline: leg.deadline });
        }
        if let Some(reason) = decide(&mut state.pace) {
            return Boarding::Stay(reason);
        }
        state.under_way = Some(Leg { began: Instant::now(), deadline });
        Boarding::Lead(Ticket { ended, deadline })
    }

    /// Ends the fetch under way; `record` notes what came of it.
    pub(crate) fn land(&self, record: impl FnOnce(&mut P)) {
        let mut state = self.state();
        record(&mut state.pace);
        state.under_way = None;
        state.ended += 1;
        drop(state);
        self.landed.notify_all();
    }

    /// Waits until the fetch of `ticket` has ended; false where it has not by `until` or by its
    /// leader's deadline: followers share what time the leader has left.
    pub(crate) fn await_landing(&self, ticket: Ticket, until: Instant) -> bool {
        let until = until.min(ticket.deadline);
        let mut state = self.state();
        while state.ended == ticket.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.landed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Since when a fetch is under way.
    pub(crate) fn under_way_since(&self) -> Option<Instant> {
        self.state().under_way.map(|leg| leg.began)
    }

    /// Looks at what is remembered, or changes it.
    pub(crate) fn pace<R>(&self, look: impl FnOnce(&mut P) -> R) -> R {
        look(&mut self.state().pace)
    }

    /// A panic elsewhere leaves plain numbers behind, which are as good as before it.
    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
