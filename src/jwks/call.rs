//! One call of a verifier: what it wants of the keys, and how long it may wait for them.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use crate::clock::Moment;

/// Whether a caller may be made to wait for the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Allowed,
    No,
}

/// One call: since when, for which key, and how long it may wait in all, for however many fetches.
#[derive(Debug)]
pub(crate) struct Call<'k> {
    pub(super) wait: Wait,
    pub(super) began: Moment,
    /// The key id that the token names.
    pub(super) key_id: Option<&'k str>,
    /// The issuer is known to be slow, by another of its documents.
    pub(super) is_hopeless: bool,
    /// Set when it is first needed: a call that finds its key never asks for the time.
    pub(super) deadline: OnceCell<Instant>,
}

impl<'k> Call<'k> {
    pub(crate) fn new(wait: Wait, began: Moment) -> Self {
        Self { wait, began, key_id: None, is_hopeless: false, deadline: OnceCell::new() }
    }

    pub(crate) fn given_up_if(self, is_hopeless: bool) -> Self {
        Self { is_hopeless, ..self }
    }

    pub(crate) fn for_key(self, key_id: Option<&'k str>) -> Self {
        Self { key_id, ..self }
    }

    pub(super) fn deadline(&self, fetch_timeout: Duration) -> Instant {
        *self.deadline.get_or_init(|| Instant::now() + fetch_timeout)
    }
}
