//! What a fetch is for, which decides how it is made and whether another one will do.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::document::Document;
use super::snapshot::{Snapshot, Sought};

/// What a fetch is for.
#[derive(Debug)]
pub(super) struct Errand {
    /// The key id that the token of the caller names, if it is not at hand.
    pub(super) key_id: Option<String>,
    /// When that caller's call began.
    pub(super) since: Duration,
    /// That caller cannot wait and comes back.
    pub(super) comes_back: bool,
    /// It is made for an unknown key, and spends one of the fetches that those may cause.
    pub(super) is_look_up: bool,
    /// The host asked: what another process has fetched is not enough.
    pub(super) forced: bool,
    /// One more request may be made if the first fails in passing.
    pub(super) may_retry: bool,
}

impl Errand {
    /// What the fetch is to be remembered for, if its caller comes back.
    pub(super) fn sought(&self, landed: Duration) -> Option<Sought> {
        let key_id = self.key_id.clone().filter(|_| self.comes_back)?;
        Some(Sought { key_id, landed, answered: AtomicBool::new(false) })
    }

    /// Whether what another process has fetched makes this fetch needless.
    pub(super) fn is_done_by<D: Document>(&self, stored: &Snapshot<D>) -> bool {
        self.key_id.as_ref().is_none_or(|key_id| {
            let is_answer = stored.first_hand && stored.began.monotonic >= self.since;
            is_answer || stored.holds(key_id)
        })
    }
}
