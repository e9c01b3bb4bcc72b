//! A document as it was at one moment: how fresh it is, and what it says of key ids that it lacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Moment;
use crate::journal::Source;
use crate::stats::SeenHeaders;

use super::document::Document;
use super::freshness::{Lifetime, Standing};

/// Most key ids that are remembered after the issuer has withdrawn them: as many as a key set has keys.
const MAX_WITHDRAWN: usize = 100;
/// So many first-hand fetches in a row must lack a withdrawn key id, until it is unknown without another one.
const CONFIRMED_MISSES: u8 = 2;
/// For so long: the issuer may publish it again.
const WITHDRAWN_FOR: Duration = Duration::from_secs(60);
/// Within this time a caller that could not wait has come back for the answer of its fetch.
const COME_BACK: Duration = Duration::from_secs(2);

/// A document and until when it is good; without a lifetime where it was given, and does not age.
#[derive(Debug)]
pub(crate) struct Snapshot<D> {
    pub(crate) document: Arc<D>,
    /// As it came, where it is shared with other processes.
    pub(super) octets: Option<Arc<Vec<u8>>>,
    /// The entity tag that the server gave it.
    pub(super) tag: Option<String>,
    pub(super) lifetime: Option<Lifetime>,
    /// When its fetch began, or when it was given: what is known since then is newer.
    pub(super) began: Moment,
    /// Whether the issuer itself was asked, and no cache on the way could answer.
    pub(super) first_hand: bool,
    pub(super) source: Source,
    pub(super) generation: u64,
    pub(super) skew: Option<i64>,
    pub(super) headers: SeenHeaders,
    /// For whom it was fetched, if that was a caller who could not wait for it.
    pub(super) sought: Option<Sought>,
    /// Key ids that were published before and are missing here.
    pub(super) withdrawn: Vec<Withdrawn>,
}

/// A key id that the issuer published once.
#[derive(Debug, Clone)]
pub(super) struct Withdrawn {
    pub(super) key_id: String,
    /// How many first-hand fetches in a row have lacked it.
    pub(super) misses: u8,
    /// When the last of these began.
    pub(super) missed_at: Duration,
}

/// The key id in search of which a caller who could not wait had a fetch started.
#[derive(Debug)]
pub(super) struct Sought {
    pub(super) key_id: String,
    /// When the fetch ended.
    pub(super) landed: Duration,
    /// Whether that caller has come back.
    pub(super) answered: AtomicBool,
}

impl<D> Snapshot<D> {
    /// Given keys do not age.
    pub(super) fn standing(&self, now: Moment) -> Standing {
        self.lifetime.map_or(Standing::Fresh, |lifetime| lifetime.standing(now))
    }

    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        matches!(self.standing(now), Standing::Fresh | Standing::RefreshDue)
    }

    pub(super) fn standing_name(&self, now: Moment) -> &'static str {
        self.lifetime.map_or("given", |lifetime| lifetime.standing(now).name())
    }

    /// Whether the issuer has said what it publishes since then, or never will: given keys are all there are.
    pub(super) fn answers(&self, asked: Moment) -> bool {
        self.lifetime.is_none() || (self.first_hand && self.began.monotonic >= asked.monotonic)
    }

    /// Whether the issuer has withdrawn this key id for certain.
    pub(super) fn has_withdrawn(&self, key_id: &str, now: Moment) -> bool {
        let is_certain = |it: &Withdrawn| {
            it.key_id == key_id
                && it.misses >= CONFIRMED_MISSES
                && now.monotonic.saturating_sub(it.missed_at) < WITHDRAWN_FOR
        };
        self.withdrawn.iter().any(is_certain)
    }

    /// Whether this is the answer to a caller that could not wait and now asks again, by `try_verify` and
    /// then `verify`: the second call must not cause a second fetch. True once.
    pub(super) fn was_sought_for(&self, key_id: &str, now: Moment) -> bool {
        self.sought.as_ref().is_some_and(|sought| {
            self.first_hand
                && sought.key_id == key_id
                && now.monotonic.saturating_sub(sought.landed) < COME_BACK
                && !sought.answered.swap(true, Ordering::Relaxed)
        })
    }
}

impl<D: Document> Snapshot<D> {
    pub(super) fn holds(&self, key_id: &str) -> bool {
        self.document.key_ids().contains(&key_id)
    }

    /// The key ids that were published before this and are not any more, the latest first.
    pub(super) fn withdrawn_since(&self, before: Option<&Self>) -> Vec<Withdrawn> {
        let Some(before) = before else { return Vec::new() };
        let fresh = |id: &str| Withdrawn {
            key_id: id.to_owned(),
            misses: 0,
            missed_at: self.began.monotonic,
        };
        let fresh = before.document.key_ids().into_iter().map(fresh);
        let missing =
            fresh.chain(before.withdrawn.iter().cloned()).filter(|it| !self.holds(&it.key_id));
        let counted = |it: Withdrawn| match self.first_hand {
            true => {
                let misses = it.misses.saturating_add(1);
                Withdrawn { misses, missed_at: self.began.monotonic, ..it }
            }
            false => it,
        };
        missing.map(counted).take(MAX_WITHDRAWN).collect()
    }
}
