//! What a verifier has and has done, as data: for a health check, a metric, a person with a 503.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::error::{Class, Code, Error};
use crate::journal::Source;
use crate::lane::{self, Apart, LANES};

/// A moment's state of a verifier and the counts since it was made. Counts go on in a forked child.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Each issuer's keys, in the order of the issuers' names.
    pub issuers: Vec<IssuerStats>,
    /// Tokens judged, by outcome: `OK`, or a code's name. Outcomes that never came are left out.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// The verified-token cache.
    pub token_cache: TokenCacheStats,
    /// Events that were lost because nobody drained them in time.
    pub events_lost: u64,
}

/// Verified tokens that are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokenCacheStats {
    /// How many there are.
    pub entries: u64,
    /// About how much memory they take.
    pub bytes: u64,
    /// Verdicts `OK` for which no signature was checked.
    pub hits: u64,
}

impl Stats {
    /// All of it as one JSON object, with the names of the fields.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// One number by its name in the JSON, for a metric: of one issuer, or over all of them (counts
    /// added up; of `ttl`, `next_refresh` and `generation` the least, of `age`, `retry_after`,
    /// `consecutive_failures` and `skew` the furthest from 0).
    ///
    /// Also `events_lost`, `token_cache.entries`, `token_cache.bytes`, `token_cache.hits` and, for each
    /// outcome, `verdicts.OK`, `verdicts.EXPIRED` and so on, which belong to no issuer. `None` for an unknown name or issuer, and where there is no such number now.
    #[must_use]
    pub fn number(&self, issuer: Option<&str>, name: &str) -> Option<i64> {
        if issuer.is_none() {
            let of_no_issuer = match name {
                "events_lost" => Some(self.events_lost),
                "token_cache.entries" => Some(self.token_cache.entries),
                "token_cache.bytes" => Some(self.token_cache.bytes),
                "token_cache.hits" => Some(self.token_cache.hits),
                _ => None,
            };
            if let Some(number) = of_no_issuer {
                return signed(number);
            }
            if let Some(outcome) = name.strip_prefix("verdicts.") {
                return self.verdict_count(outcome).and_then(signed);
            }
        }
        let wanted = |stats: &&IssuerStats| issuer.is_none_or(|issuer| stats.issuer == issuer);
        let numbers = self.issuers.iter().filter(wanted).filter_map(|stats| stats.number(name));
        match name {
            "ttl" | "next_refresh" | "generation" => numbers.min(),
            "age" | "retry_after" | "consecutive_failures" | "skew" => {
                numbers.max_by_key(|number| number.unsigned_abs())
            }
            _ => numbers.reduce(i64::saturating_add),
        }
    }

    fn verdict_count(&self, outcome: &str) -> Option<u64> {
        outcomes()
            .any(|known| known == outcome)
            .then(|| self.verdicts.get(outcome).copied())?
            .or(Some(0))
    }
}

impl IssuerStats {
    fn number(&self, name: &str) -> Option<i64> {
        let document = &self.document;
        match name {
            "keys" => i64::try_from(self.keys.len()).ok(),
            "dropped" => i64::try_from(self.dropped.len()).ok(),
            "age" => document.age.and_then(signed),
            "ttl" => document.ttl.and_then(signed),
            "next_refresh" => document.next_refresh.and_then(signed),
            "generation" => signed(document.generation),
            "fetches" => signed(document.fetches),
            "failures" => signed(document.failures),
            "consecutive_failures" => Some(document.consecutive_failures.into()),
            "retry_after" => document.retry_after.map(i64::from),
            "not_modified" => signed(document.not_modified),
            "throttled" => signed(document.throttled),
            "stale_served" => signed(document.stale_served),
            "skew" => document.skew,
            _ => None,
        }
    }
}

fn signed(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

/// The names of the outcomes: OK, and every code.
fn outcomes() -> impl Iterator<Item = &'static str> {
    std::iter::once("OK").chain(Code::ALL.iter().map(|code| code.name()))
}

/// One issuer's keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssuerStats {
    /// The issuer, as configured.
    pub issuer: String,
    /// Where its keys are fetched; `None` where they were given.
    pub jwks_url: Option<String>,
    /// The keys in use, as far as they can be told apart.
    pub keys: Vec<KeyInfo>,
    /// Entries of the key set that are not used.
    pub dropped: Vec<DroppedKey>,
    /// The document and its fetches.
    #[serde(flatten)]
    pub document: DocumentStats,
}

/// A key in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// Its id, escaped to printable ASCII and cut short.
    pub kid: Option<String>,
    /// The one algorithm that it verifies.
    pub alg: &'static str,
}

/// An entry of a key set that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DroppedKey {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its id where it has a legible one, escaped to printable ASCII and cut short.
    pub kid: Option<String>,
    /// Why.
    pub reason: &'static str,
}

/// A fetched document: how fresh it is, and how its fetches went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DocumentStats {
    /// `none`, `given`, `fresh`, `refresh_due`, `stale` (past its time to live, good in an outage) or
    /// `expired` (past the hard limit, not used).
    pub standing: &'static str,
    /// Where what is in force came from.
    pub source: Option<Source>,
    /// Seconds since its fetch began.
    pub age: Option<u64>,
    /// How long it counts as fresh, in seconds.
    pub ttl: Option<u64>,
    /// Seconds until it is refreshed ahead of that; 0 where that is due.
    pub next_refresh: Option<u64>,
    /// Counts the changes: 1 for the first document, one more for each that differs.
    pub generation: u64,
    /// Fetches that were begun, by network or shared file; a second try within one is not counted.
    pub fetches: u64,
    /// Fetches that failed.
    pub failures: u64,
    /// Fetches that failed since the last that did not.
    pub consecutive_failures: u32,
    /// Why the last fetch failed, unless one has succeeded since.
    pub last_failure: Option<String>,
    /// Seconds for which nobody is asked, after a failure.
    pub retry_after: Option<u32>,
    /// Answers that nothing has changed (HTTP 304).
    pub not_modified: u64,
    /// Tokens with unknown key ids that were refused without asking the issuer again.
    pub throttled: u64,
    /// Verdicts by keys past their time to live.
    pub stale_served: u64,
    /// The issuer's clock less this machine's at the last fetch, in seconds; 0 within what its
    /// duration can explain, `None` where the issuer sent no date.
    pub skew: Option<i64>,
    /// What the last answer's headers said.
    pub headers: Option<SeenHeaders>,
}

/// Headers of an answer that bear on freshness, escaped to printable ASCII and cut short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SeenHeaders {
    /// `Date`.
    pub date: Option<String>,
    /// `Age`.
    pub age: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Expires`, which is not used.
    pub expires: Option<String>,
}

/// Verdicts counted by code, by each lane's threads for themselves.
#[derive(Debug)]
pub(crate) struct Verdicts {
    lanes: [Apart<Counts>; LANES],
}

/// OK, and every code.
const OUTCOMES: usize = 1 + Code::ALL.len();
/// What is counted beside the outcomes.
const HITS: usize = OUTCOMES;

type Counts = [AtomicU64; OUTCOMES + 1];

impl Verdicts {
    pub(crate) fn new() -> Self {
        Self { lanes: [const { Apart([const { AtomicU64::new(0) }; OUTCOMES + 1]) }; LANES] }
    }

    /// Counts a verdict; that a caller has to come back is none.
    pub(crate) fn count<T>(&self, verdict: &Result<T, Error>) {
        let outcome = match verdict {
            Ok(_) => 0,
            Err(error) if error.code().class() == Class::WouldBlock => return,
            Err(error) => 1 + position(error.code()),
        };
        self.add_one(outcome);
    }

    /// Counts a verdict OK for which no signature was checked.
    pub(crate) fn count_hit(&self) {
        self.add_one(0);
        self.add_one(HITS);
    }

    fn add_one(&self, place: usize) {
        let counts = self.lanes.get(lane::of_this_thread());
        if let Some(count) = counts.and_then(|counts| counts.0.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> BTreeMap<&'static str, u64> {
        let totals = outcomes().enumerate().map(|(at, name)| (name, self.total(at)));
        totals.filter(|(_, total)| *total > 0).collect()
    }

    pub(crate) fn hits(&self) -> u64 {
        self.total(HITS)
    }

    fn total(&self, place: usize) -> u64 {
        let counts = self.lanes.iter().filter_map(|counts| counts.0.get(place));
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

fn position(code: Code) -> usize {
    Code::ALL.iter().position(|known| *known == code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_counted_by_code_from_any_number_of_threads() {
        let verdicts = Verdicts::new();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    verdicts.count(&Ok(()));
                    verdicts.count::<()>(&Err(Error::new(Code::Expired, "")));
                    verdicts.count(&Ok(()));
                });
            }
        });
        let read: Vec<_> = verdicts.read().into_iter().collect();
        assert_eq!(read, [("EXPIRED", 20), ("OK", 40)]);
    }

    fn issuer(issuer: &str, document: DocumentStats) -> IssuerStats {
        let (jwks_url, keys, dropped) = (None, Vec::new(), Vec::new());
        IssuerStats { issuer: issuer.to_owned(), jwks_url, keys, dropped, document }
    }

    #[test]
    fn every_number_of_the_json_is_found_by_its_name() {
        let document = DocumentStats {
            age: Some(1),
            ttl: Some(2),
            next_refresh: Some(3),
            generation: 4,
            fetches: 5,
            failures: 6,
            consecutive_failures: 7,
            retry_after: Some(8),
            not_modified: 9,
            throttled: 10,
            stale_served: 11,
            skew: Some(-12),
            ..DocumentStats::default()
        };
        let stats = issuer("i", document);
        let json = serde_json::to_value(&stats).unwrap();
        for (name, value) in json.as_object().unwrap() {
            let number = value.as_i64().or(value.as_array().map(|list| list.len() as i64));
            assert_eq!(stats.number(name), number, "{name}");
        }
    }

    #[test]
    fn numbers_over_all_issuers_are_added_up_or_the_most_telling() {
        let one = DocumentStats {
            fetches: 1,
            age: Some(5),
            ttl: Some(60),
            skew: Some(-90),
            ..Default::default()
        };
        let two = DocumentStats {
            fetches: 2,
            age: Some(9),
            ttl: Some(300),
            skew: Some(3),
            ..Default::default()
        };
        let stats = Stats {
            issuers: vec![issuer("a", one), issuer("b", two)],
            verdicts: BTreeMap::from([("OK", 3)]),
            token_cache: TokenCacheStats { entries: 5, bytes: 6, hits: 7 },
            events_lost: 4,
        };
        for (issuer, name, number) in [
            (None, "fetches", Some(3)),
            (Some("b"), "fetches", Some(2)),
            (None, "age", Some(9)),
            (None, "ttl", Some(60)),
            (None, "skew", Some(-90)),
            (None, "retry_after", None),
            (None, "events_lost", Some(4)),
            (None, "token_cache.entries", Some(5)),
            (None, "token_cache.bytes", Some(6)),
            (None, "token_cache.hits", Some(7)),
            (Some("a"), "token_cache.hits", None),
            (None, "verdicts.OK", Some(3)),
            (None, "verdicts.EXPIRED", Some(0)),
            (None, "verdicts.NONSENSE", None),
            (Some("a"), "verdicts.OK", None),
            (Some("c"), "fetches", None),
            (None, "nonsense", None),
        ] {
            assert_eq!(stats.number(issuer, name), number, "{issuer:?} {name}");
        }
    }
}
