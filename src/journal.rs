//! What happened to the issuers' keys: a bounded ring of events that the host drains.
//!
//! Events are kept, not called out: a callback on a thread of ours would break Node and fight Python's
//! lock. None holds a token or a claim's value.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::error::bounded;
use crate::fork::PerProcess;
use crate::sync::{Mutex, PoisonError};

/// Events that are kept for the host; the oldest are lost first.
const CAPACITY: usize = 256;

/// Something that happened to an issuer's keys or metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Counts the verifier's events from 1; a gap means that some were lost.
    pub sequence: u64,
    /// When, in Unix seconds by this machine's clock.
    pub time: u64,
    /// The issuer that it concerns, as configured.
    pub issuer: String,
    /// Which document of the issuer's: `jwks`, or `authorization_server` for its metadata.
    pub document: &'static str,
    /// What.
    #[serde(flatten)]
    pub happening: Happening,
}

/// What can happen. Texts from elsewhere are escaped to printable ASCII and cut short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happening {
    /// A document came, or was confirmed.
    Fetched {
        /// From the network, or from a file that another process has written.
        source: Source,
        /// Whether it differs from the one before; true for the first.
        changed: bool,
        /// How long it counts as fresh, in seconds.
        ttl: u64,
        /// How long the fetch took, in milliseconds.
        milliseconds: u64,
    },
    /// A fetch failed.
    Failed {
        /// One sentence.
        reason: String,
        /// How many have failed in a row, this one included.
        failures: u32,
    },
    /// The keys in force are others than before.
    Rotated {
        /// Ids of keys that came; empty text for a key without one.
        added: Vec<String>,
        /// Ids of keys that are gone, and no longer verify anything.
        removed: Vec<String>,
    },
    /// An entry of the key set is not used. Told once for as long as it stays as it is.
    KeyDropped {
        /// Its place in the document, from 0.
        index: usize,
        /// Its id, where it has a legible one.
        kid: Option<String>,
        /// Why.
        reason: &'static str,
    },
    /// Tokens with unknown key ids came faster than the issuer is asked for them. Told once until the
    /// next fetch.
    Throttled {
        /// Seconds until such a token may cause a fetch again.
        retry_after: u32,
    },
    /// Keys past their time to live are used, since newer ones cannot be had. Told once until the next
    /// successful fetch.
    StaleServed {
        /// The keys' age in seconds.
        age: u64,
    },
    /// The issuer's clock and this machine's differ by more than the leeway. Told when it changes.
    SkewSeen {
        /// The issuer's clock less this machine's, in seconds: positive where this one is slow.
        skew: i64,
    },
    /// The shared key file could not be used; the issuer was asked instead.
    SharedFileRefused {
        /// One sentence.
        reason: String,
    },
    /// An operator should know something about how keys are fetched. Comes when the verifier is made.
    Warned {
        /// One sentence.
        reason: String,
    },
}

/// Where a document came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// The configured URL.
    Network,
    /// The shared file, written by another process.
    File,
    /// The configuration, or the host by a call.
    Given,
}

impl Happening {
    /// A sentence is always printable, on one line and short.
    fn bound(&mut self) {
        let (Self::Failed { reason: sentence, .. }
        | Self::SharedFileRefused { reason: sentence }
        | Self::Warned { reason: sentence }) = self
        else {
            return;
        };
        *sentence = bounded(std::mem::take(sentence).into()).into_owned();
    }
}

impl Event {
    /// The kind of event, such as `fetched`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.happening {
            Happening::Fetched { .. } => "fetched",
            Happening::Failed { .. } => "failed",
            Happening::Rotated { .. } => "rotated",
            Happening::KeyDropped { .. } => "key_dropped",
            Happening::Throttled { .. } => "throttled",
            Happening::StaleServed { .. } => "stale_served",
            Happening::SkewSeen { .. } => "skew_seen",
            Happening::SharedFileRefused { .. } => "shared_file_refused",
            Happening::Warned { .. } => "warned",
        }
    }

    /// The event as one JSON object: `event` (its name), `sequence`, `time`, `issuer`, `document`, and
    /// the members of its [`Happening`].
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A verifier's events. A forked child starts with none, since the parent reports its own.
#[derive(Debug)]
pub(crate) struct Journal {
    ring: PerProcess<Mutex<VecDeque<Event>>>,
    sequence: AtomicU64,
    lost: AtomicU64,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            ring: PerProcess::new(Default::default),
            sequence: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    pub(crate) fn note(
        &self,
        time: u64,
        issuer: &str,
        document: &'static str,
        mut happening: Happening,
    ) {
        happening.bound();
        let ring = self.ring.get();
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == CAPACITY {
            ring.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        // Under the lock, so that the order in the ring is that of the numbers.
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        ring.push_back(Event { sequence, time, issuer: issuer.to_owned(), document, happening });
    }

    pub(crate) fn next(&self) -> Option<Event> {
        self.ring.get().lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Events that were lost because nobody drained them.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_newest_and_counts_the_lost() {
        let journal = Journal::new();
        for age in 0..300 {
            journal.note(7, "i", "jwks", Happening::StaleServed { age });
        }
        assert_eq!(journal.lost(), 44);
        let first = journal.next().unwrap();
        assert_eq!((first.sequence, first.happening), (45, Happening::StaleServed { age: 44 }));
        assert_eq!(std::iter::from_fn(|| journal.next()).count(), 255);
        journal.note(7, "i", "jwks", Happening::SkewSeen { skew: -90 });
        assert_eq!(
            journal.next().unwrap().to_json(),
            r#"{"sequence":301,"time":7,"issuer":"i","document":"jwks","event":"skew_seen","skew":-90}"#
        );
    }

    #[test]
    fn sentences_in_events_are_printable_and_short() {
        let journal = Journal::new();
        let long = || "a\u{1b}\n".repeat(1000);
        for happening in [
            Happening::Failed { reason: long(), failures: 1 },
            Happening::SharedFileRefused { reason: long() },
            Happening::Warned { reason: long() },
        ] {
            journal.note(7, "i", "jwks", happening);
            let json: serde_json::Value =
                serde_json::from_str(&journal.next().unwrap().to_json()).unwrap();
            let reason = json["reason"].as_str().unwrap();
            assert_eq!(reason.chars().count(), 300);
            assert!(reason.chars().all(|c| matches!(c, ' '..='~' | '…')), "{reason}");
        }
    }

    #[test]
    fn every_event_says_its_name_in_its_json() {
        for happening in [
            Happening::Fetched { source: Source::File, changed: true, ttl: 1, milliseconds: 2 },
            Happening::Failed { reason: "r".into(), failures: 1 },
            Happening::Rotated { added: vec![], removed: vec![] },
            Happening::KeyDropped { index: 0, kid: None, reason: "r" },
            Happening::Throttled { retry_after: 1 },
            Happening::StaleServed { age: 1 },
            Happening::SkewSeen { skew: 1 },
            Happening::SharedFileRefused { reason: "r".into() },
            Happening::Warned { reason: "r".into() },
        ] {
            let (issuer, document) = (String::new(), "jwks");
            let event = Event { sequence: 1, time: 1, issuer, document, happening };
            let json: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
            assert_eq!(json["event"], event.name());
        }
    }

    #[test]
    fn a_forked_child_starts_with_an_empty_ring_that_no_thread_of_its_parent_holds() {
        let journal = Journal::new();
        journal.note(7, "i", "jwks", Happening::StaleServed { age: 1 });
        let parents = journal.ring.get();
        let _held = parents.lock().unwrap();
        journal.ring.forget_process();
        assert_eq!(journal.next(), None);
    }
}
