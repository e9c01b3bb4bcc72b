//! What happened to the issuers' keys: a bounded ring of events that the host drains, and lines for its log.
//!
//! Events are kept, not called out: a callback on a thread of ours would break Node and fight Python's
//! lock. None holds a token or a claim's value.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::clock::Moment;
use crate::config::Names;
use crate::error::bounded;
use crate::fork::PerProcess;
use crate::log::{Level, Log, LogLine};
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
    fn bound(&mut self, names: &Names) {
        let (Self::Failed { reason: sentence, .. }
        | Self::SharedFileRefused { reason: sentence }
        | Self::Warned { reason: sentence }) = self
        else {
            return;
        };
        *sentence = bounded(names.respelled(sentence).into()).into_owned();
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

    /// How loud it is in a log.
    #[must_use]
    pub fn level(&self) -> Level {
        match self.happening {
            Happening::Fetched { .. } | Happening::Rotated { .. } => Level::Info,
            _ => Level::Warning,
        }
    }

    /// One sentence for a log or a person, with the issuer in front.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{}: {}", self.issuer, self.happening.sentence(self.subject()))
    }

    /// The event as one JSON object: `event` (its name), `sequence`, `time`, `issuer`, `document`, the members of
    /// its [`Happening`], `level` (`info` or `warning`) and `message`.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Told<'e> {
            #[serde(flatten)]
            event: &'e Event,
            level: &'static str,
            message: String,
        }
        let told = Told { event: self, level: self.level().name(), message: self.message() };
        serde_json::to_string(&told).unwrap_or_default()
    }

    /// What was to be fetched.
    fn subject(&self) -> &'static str {
        if self.document == KEYS { "the keys" } else { "the authorization server's metadata" }
    }

    /// What the log tells apart within one kind of event.
    fn topic(&self) -> String {
        let which = match &self.happening {
            Happening::KeyDropped { reason, .. } => reason,
            Happening::Warned { reason } => reason.as_str(),
            _ => "",
        };
        format!("{} {} {which}", self.issuer, self.document)
    }
}

/// A key set's name among the documents.
const KEYS: &str = "jwks";
/// The most key ids that a sentence lists.
const MAX_LISTED: usize = 5;

impl Happening {
    /// One sentence about `subject`, the document.
    fn sentence(&self, subject: &str) -> String {
        match self {
            Self::Fetched { source, ttl, milliseconds, .. } => match source {
                Source::Network => {
                    format!("fetched {subject} in {milliseconds} ms; fresh for {ttl} s")
                }
                Source::File => {
                    format!("read {subject} from the shared key file; fresh for {ttl} s")
                }
                Source::Given => format!("{subject} were given by the host"),
            },
            Self::Failed { reason, failures: 1 } => format!("could not fetch {subject}: {reason}"),
            Self::Failed { reason, failures } => {
                format!("could not fetch {subject} ({failures} failures in a row): {reason}")
            }
            Self::Rotated { added, removed } => {
                format!("{subject} changed; added: {}; removed: {}", listed(added), listed(removed))
            }
            Self::KeyDropped { index, kid, reason } => {
                // Escaped already.
                let kid = kid
                    .as_deref()
                    .map_or_else(|| "without an id".to_owned(), |kid| format!("'{kid}'"));
                format!("the key {kid} (entry {index} of the key set) is not used: {reason}")
            }
            Self::Throttled { retry_after } => format!(
                "tokens with unknown key ids come too fast; the issuer is not asked about one for {retry_after} s"
            ),
            Self::StaleServed { age } => {
                format!("uses {subject} of {age} s ago, because newer ones cannot be fetched")
            }
            Self::SkewSeen { skew } => {
                let direction = if *skew > 0 { "behind" } else { "ahead of" };
                let seconds = skew.unsigned_abs();
                format!(
                    "this machine's clock is {seconds} s {direction} the issuer's; set it by NTP"
                )
            }
            Self::SharedFileRefused { reason } => {
                format!("the shared key file is not used: {reason}")
            }
            Self::Warned { reason } => reason.clone(),
        }
    }
}

fn listed(ids: &[String]) -> String {
    let mut shown: Vec<String> = ids.iter().take(MAX_LISTED).map(|id| format!("'{id}'")).collect();
    match ids.len().saturating_sub(shown.len()) {
        0 if shown.is_empty() => return "none".to_owned(),
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    shown.join(", ")
}

/// A verifier's events and its log. A forked child starts with none, since the parent reports its own.
#[derive(Debug)]
pub(crate) struct Journal {
    ring: PerProcess<Mutex<VecDeque<Event>>>,
    sequence: AtomicU64,
    lost: AtomicU64,
    log: Log,
    names: Arc<Names>,
    /// Issuers and documents whose last fetch failed.
    failing: PerProcess<Mutex<BTreeSet<(String, &'static str)>>>,
}

impl Journal {
    /// A journal whose sentences call settings by these names.
    pub(crate) fn new(names: Arc<Names>) -> Self {
        Self {
            names,
            ring: PerProcess::new(Default::default),
            sequence: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            log: Log::new(),
            failing: PerProcess::new(Default::default),
        }
    }

    /// The lines for the host's log.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn note(
        &self,
        moment: Moment,
        issuer: &str,
        document: &'static str,
        mut happening: Happening,
    ) {
        happening.bound(&self.names);
        let (time, issuer) = (moment.wall.as_secs(), issuer.to_owned());
        let mut event = Event { sequence: 0, time, issuer, document, happening };
        self.write(&event, moment);
        let ring = self.ring.get();
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == CAPACITY {
            ring.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        // Under the lock, so that the order in the ring is that of the numbers.
        event.sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        ring.push_back(event);
    }

    /// Writes what a person should know to the log: trouble, its end, and other keys.
    fn write(&self, event: &Event, moment: Moment) {
        let was_failing = self.track(event);
        let line = match event.happening {
            Happening::Fetched { .. } if !was_failing => return,
            Happening::Fetched { .. } => {
                let message = format!("{}: {} can be fetched again", event.issuer, event.subject());
                LogLine::info(message)
            }
            _ => LogLine { level: event.level(), text: event.message() },
        };
        self.log.happened(event.name(), &event.topic(), line, moment);
    }

    /// Whether the document's last fetch failed before this event.
    fn track(&self, event: &Event) -> bool {
        let failing = self.failing.get();
        let mut failing = failing.lock().unwrap_or_else(PoisonError::into_inner);
        let document = (event.issuer.clone(), event.document);
        match event.happening {
            Happening::Failed { .. } => !failing.insert(document),
            Happening::Fetched { .. } => failing.remove(&document),
            _ => false,
        }
    }

    pub(crate) fn next(&self) -> Option<Event> {
        self.log.leave_keys_to_the_host();
        self.ring.get().lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Events that were lost because nobody drained them.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        let time = Duration::from_secs(seconds);
        Moment { monotonic: time, wall: time }
    }

    fn lines(journal: &Journal) -> Vec<LogLine> {
        std::iter::from_fn(|| journal.log().next(at(0))).collect()
    }

    fn fetched() -> Happening {
        Happening::Fetched { source: Source::Network, changed: true, ttl: 1, milliseconds: 2 }
    }

    fn failed(failures: u32) -> Happening {
        Happening::Failed { reason: "r".into(), failures }
    }

    #[test]
    fn trouble_its_end_and_other_keys_are_written_but_not_every_fetch() {
        let journal = Journal::new(Arc::default());
        let rotated = Happening::Rotated { added: vec!["a".into()], removed: vec![] };
        for (seconds, happening) in [
            (1, fetched()),
            (20, failed(1)),
            (21, failed(2)),
            (40, failed(3)),
            (60, fetched()),
            (80, fetched()),
            (80, rotated),
        ] {
            journal.note(at(seconds), "i", "jwks", happening);
        }
        let expected = [
            LogLine::warning("i: could not fetch the keys: r"),
            LogLine::warning("i: could not fetch the keys (3 failures in a row): r"),
            LogLine::info("i: the keys can be fetched again"),
            LogLine::info("i: the keys changed; added: 'a'; removed: none"),
        ];
        assert_eq!(lines(&journal), expected);
    }

    #[test]
    fn a_sentence_lists_few_of_many_keys() {
        let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(listed(&ids), "'0', '1', '2', '3', '4', 95 more");
    }

    #[test]
    fn the_ring_keeps_the_newest_and_counts_the_lost() {
        let journal = Journal::new(Arc::default());
        for age in 0..300 {
            journal.note(at(7), "i", "jwks", Happening::StaleServed { age });
        }
        assert_eq!(journal.lost(), 44);
        let first = journal.next().unwrap();
        assert_eq!((first.sequence, first.happening), (45, Happening::StaleServed { age: 44 }));
        assert_eq!(std::iter::from_fn(|| journal.next()).count(), 255);
        journal.note(at(7), "i", "jwks", Happening::SkewSeen { skew: -90 });
        assert_eq!(
            journal.next().unwrap().to_json(),
            r#"{"sequence":301,"time":7,"issuer":"i","document":"jwks","event":"skew_seen","skew":-90,"level":"warning","message":"i: this machine's clock is 90 s ahead of the issuer's; set it by NTP"}"#
        );
    }

    #[test]
    fn sentences_in_events_are_printable_and_short() {
        let journal = Journal::new(Arc::default());
        let long = || "a\u{1b}\n".repeat(1000);
        for happening in [
            Happening::Failed { reason: long(), failures: 1 },
            Happening::SharedFileRefused { reason: long() },
            Happening::Warned { reason: long() },
        ] {
            journal.note(at(7), "i", "jwks", happening);
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
        let journal = Journal::new(Arc::default());
        journal.note(at(7), "i", "jwks", Happening::StaleServed { age: 1 });
        let parents = journal.ring.get();
        let _held = parents.lock().unwrap();
        journal.ring.forget_process();
        assert_eq!(journal.next(), None);
    }
}
