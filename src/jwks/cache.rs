//! One issuer's keys over time: an immutable snapshot, read without a lock, replaced by one fetch at a time.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::algorithm::Algorithm;
use crate::clock::{Clock, Moment};
use crate::error::{Code, Error, Result};

use super::fetch::{FETCH_TIMEOUT, Fetch, FetchError};
use super::freshness::{Lifetime, Standing};
use super::keyset::KeySet;
use super::throttle::TokenBucket;

/// Time between a failed fetch and the next, where the server asks for no longer.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Longest time between two tries to refresh keys that are still good.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Whether a caller may be made to wait for the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Allowed,
    No,
}

/// A key set and until when it is good; `None` for keys that were given, which do not age.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) keys: Arc<KeySet>,
    /// The entity tag that the server gave the document.
    tag: Option<String>,
    lifetime: Option<Lifetime>,
    /// When its fetch began, or when it was given: what is known since then is newer.
    began: Moment,
    /// For whom it was fetched, where that was a caller who could not wait for it.
    sought: Option<Sought>,
}

/// The key id in search of which a caller who could not wait had a fetch started.
#[derive(Debug)]
struct Sought {
    key_id: String,
    /// Whether that caller has come back.
    answered: AtomicBool,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct KeyCache {
    /// `None` where the keys were given and nothing is ever fetched.
    source: Option<Box<dyn Fetch>>,
    algorithms: Vec<Algorithm>,
    clock: Arc<dyn Clock>,
    snapshot: ArcSwapOption<Snapshot>,
    flight: ArcSwap<Flight>,
}

/// The one fetch that may be under way, and what limits the next.
///
/// Stamped with the process id: after fork() the child has neither the thread that was fetching nor
/// a promise that no lock was held, so it starts with a new one. The locks are std's, whose whole
/// state lies in the object that is replaced; parking_lot keeps a part in a global table.
#[derive(Debug)]
struct Flight {
    process: u32,
    state: Mutex<FlightState>,
    landed: Condvar,
}

#[derive(Debug)]
struct FlightState {
    under_way: bool,
    /// Fetches that have ended, so that a follower sees the one it waited for end.
    ended: u64,
    last: std::result::Result<(), FetchError>,
    /// No fetch before this moment, after a failure.
    not_before: Duration,
    /// No refresh of keys that are still good before this moment: a fleet must not wait for its
    /// issuer in step. Who has no keys, or misses one, does not wait so long.
    refresh_not_before: Duration,
    /// Fetches that have failed since the last that did not.
    failures: u32,
    unknown_keys: TokenBucket,
}

/// Why a fetch is wanted.
#[derive(Clone, Copy)]
enum Cause<'k> {
    /// The keys are missing, stale or soon stale.
    Age,
    /// A token names a key that is not in the set; limited, since anybody can send such tokens.
    UnknownKey { id: &'k str, searched: &'k Arc<Snapshot> },
    /// The host asked.
    Request,
}

/// What came of asking for a fetch.
enum Boarding {
    /// This caller fetches.
    Leader(Landing),
    /// Another one does; it is the one after this many.
    Follower(Arc<Flight>, u64),
    /// Nobody needs to: these have come since the caller looked.
    Arrived(Arc<Snapshot>),
    /// Nobody does for this long, since the last fetch failed.
    Paused(FetchError, Duration),
    /// Nobody does for this long, since unknown key ids have caused enough fetches.
    Throttled(Duration),
}

/// Ends a flight however its leader ends, by panic too: followers must not wait for nobody.
struct Landing {
    cache: Arc<KeyCache>,
    flight: Arc<Flight>,
    /// The key id in search of which it is made, for who cannot wait.
    sought: Option<String>,
    outcome: std::result::Result<(), FetchError>,
}

impl KeyCache {
    /// Keys that are fetched when first needed.
    pub(crate) fn fetched(
        source: Box<dyn Fetch>,
        algorithms: Vec<Algorithm>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            source: Some(source),
            algorithms,
            clock,
            snapshot: ArcSwapOption::empty(),
            flight: ArcSwap::from_pointee(Flight::new()),
        }
    }

    /// Keys that are given.
    pub(crate) fn given(
        document: &str,
        algorithms: Vec<Algorithm>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let cache = Self {
            source: None,
            algorithms,
            clock,
            snapshot: ArcSwapOption::empty(),
            flight: ArcSwap::from_pointee(Flight::new()),
        };
        cache.give(document)?;
        Ok(cache)
    }

    /// Installs given keys, which stay until others are installed or fetched.
    pub(crate) fn give(&self, document: &str) -> Result<()> {
        let keys = KeySet::parse(document.as_bytes(), &self.algorithms)
            .map_err(|reason| Error::new(Code::Config, format!("jwks: {reason}")))?;
        let began = self.clock.moment();
        self.snapshot.store(Some(Arc::new(Snapshot {
            keys: Arc::new(keys),
            tag: None,
            lifetime: None,
            began,
            sought: None,
        })));
        Ok(())
    }

    /// Keys good enough to judge a token with.
    pub(crate) fn current(self: &Arc<Self>, wait: Wait) -> Result<Arc<Snapshot>> {
        let known = self.snapshot.load_full();
        let standing = known.as_ref().map(|snapshot| snapshot.standing(&*self.clock));
        match (known, standing) {
            (Some(snapshot), Some(Standing::Fresh)) => Ok(snapshot),
            (Some(snapshot), Some(Standing::RefreshDue)) => {
                // Nobody waits and nobody fails for a refresh that is merely due.
                let _ = self.obtain(Cause::Age, Wait::No);
                Ok(snapshot)
            }
            (Some(snapshot), Some(Standing::Stale)) if self.is_failing() => {
                // In an outage nobody waits for what will most likely fail again.
                let _ = self.obtain(Cause::Age, Wait::No);
                Ok(snapshot)
            }
            (Some(snapshot), Some(Standing::Stale)) => match self.obtain(Cause::Age, wait) {
                Err(error) if error.code() == Code::WouldBlock => Err(error),
                obtained => obtained.or(Ok(snapshot)),
            },
            _ => self.obtain(Cause::Age, wait),
        }
    }

    /// Newer keys than those in which this key id was not found.
    pub(crate) fn newer_than(
        self: &Arc<Self>,
        searched: &Arc<Snapshot>,
        key_id: &str,
        wait: Wait,
    ) -> Result<Arc<Snapshot>> {
        if searched.lifetime.is_none() || searched.answers(key_id, self.clock.moment()) {
            return Err(unknown_key());
        }
        self.obtain(Cause::UnknownKey { id: key_id, searched }, wait)
    }

    /// Fetches now, whatever the keys' age.
    pub(crate) fn refresh(self: &Arc<Self>) -> Result<()> {
        if self.source.is_none() {
            return Ok(());
        }
        self.obtain(Cause::Request, Wait::Allowed).map(|_| ())
    }

    /// One more fetch, made or joined or, for who cannot wait, started.
    fn obtain(self: &Arc<Self>, cause: Cause<'_>, wait: Wait) -> Result<Arc<Snapshot>> {
        match (self.board(cause, wait), wait) {
            (Boarding::Leader(landing), Wait::Allowed) => {
                landing.fetch();
                self.outcome()
            }
            (Boarding::Leader(landing), Wait::No) => {
                landing.fetch_elsewhere();
                Err(would_block())
            }
            (Boarding::Follower(flight, ended), Wait::Allowed) => {
                flight.await_landing(ended)?;
                self.outcome()
            }
            (Boarding::Follower(..), Wait::No) => Err(would_block()),
            (Boarding::Arrived(snapshot), _) => Ok(snapshot),
            (Boarding::Throttled(pause), _) => {
                Err(unknown_key().with_retry_after(whole_seconds(pause)))
            }
            (Boarding::Paused(error, pause), _) => Err(unavailable(&error, whole_seconds(pause))),
        }
    }

    fn board(self: &Arc<Self>, cause: Cause<'_>, wait: Wait) -> Boarding {
        let flight = self.flight();
        let mut state = flight.state();
        if state.under_way {
            let ended = state.ended;
            drop(state);
            return Boarding::Follower(flight, ended);
        }
        if let Some(snapshot) = self.arrived_for(cause) {
            return Boarding::Arrived(snapshot);
        }
        // Pauses end by the clock that nobody sets.
        let now = self.clock.moment().monotonic;
        let not_before = match cause {
            Cause::Request => Duration::ZERO,
            Cause::Age if self.has_good_keys() => state.refresh_not_before,
            Cause::Age | Cause::UnknownKey { .. } => state.not_before,
        };
        if now < not_before {
            let error = state
                .last
                .clone()
                .err()
                .unwrap_or_else(|| FetchError::new("the last fetch failed"));
            return Boarding::Paused(error, not_before - now);
        }
        if matches!(cause, Cause::UnknownKey { .. })
            && let Err(pause) = state.unknown_keys.take(now)
        {
            return Boarding::Throttled(pause);
        }
        state.under_way = true;
        drop(state);
        let sought = match (cause, wait) {
            (Cause::UnknownKey { id, .. }, Wait::No) => Some(id.to_owned()),
            _ => None,
        };
        Boarding::Leader(Landing {
            cache: Arc::clone(self),
            flight,
            sought,
            outcome: Err(FetchError::new("the fetch was broken off")),
        })
    }

    /// Keys that have come between the caller's look and its turn. Asked under the flight's lock, which
    /// a fetch takes to end after it has put its keys in force, so that none is made twice.
    fn arrived_for(&self, cause: Cause<'_>) -> Option<Arc<Snapshot>> {
        let snapshot = self.snapshot.load_full()?;
        let arrived = match cause {
            Cause::Age => snapshot.standing(&*self.clock) == Standing::Fresh,
            Cause::UnknownKey { searched, .. } => !Arc::ptr_eq(&snapshot, searched),
            Cause::Request => false,
        };
        arrived.then_some(snapshot)
    }

    fn fetch(&self, sought: Option<String>) -> std::result::Result<(), FetchError> {
        let began = self.clock.moment();
        let source =
            self.source.as_ref().ok_or_else(|| FetchError::new("no JWKS URL is configured"))?;
        let known = self.snapshot.load_full();
        let fetched = source.fetch(known.as_ref().and_then(|known| known.tag.as_deref()))?;
        let keys = match (fetched.document, known) {
            (Some(document), _) => {
                Arc::new(KeySet::parse(&document, &self.algorithms).map_err(FetchError::new)?)
            }
            (None, Some(known)) => Arc::clone(&known.keys),
            (None, None) => return Err(FetchError::new("nothing was fetched, now or before")),
        };
        let lifetime = Some(Lifetime::new(began, fetched.ttl, random_octet()));
        let answered = AtomicBool::new(false);
        let sought = sought.map(|key_id| Sought { key_id, answered });
        self.install(Snapshot { keys, tag: fetched.tag, lifetime, began, sought });
        Ok(())
    }

    /// Puts fetched keys in force, unless what is in force is newer than their fetch: keys that were
    /// given while it was under way must not be replaced by what the server said before.
    fn install(&self, fetched: Snapshot) {
        let fetched = Arc::new(fetched);
        self.snapshot.rcu(|current| match current {
            Some(current) if current.began.monotonic > fetched.began.monotonic => {
                Some(Arc::clone(current))
            }
            _ => Some(Arc::clone(&fetched)),
        });
    }

    /// What the fetch that has just ended left behind.
    fn outcome(&self) -> Result<Arc<Snapshot>> {
        let flight = self.flight();
        let last = flight.state().last.clone();
        if let Err(error) = last {
            let pause = error.retry_after.unwrap_or_else(|| whole_seconds(RETRY_PAUSE));
            return Err(unavailable(&error, pause));
        }
        self.snapshot
            .load_full()
            .ok_or_else(|| Error::new(Code::Internal, "a fetch succeeded without keys"))
    }

    /// Whether there are keys that can be used, be they stale.
    fn has_good_keys(&self) -> bool {
        let snapshot = self.snapshot.load_full();
        snapshot.is_some_and(|snapshot| snapshot.standing(&*self.clock) != Standing::Expired)
    }

    /// Whether the last fetch failed.
    fn is_failing(&self) -> bool {
        self.flight().state().last.is_err()
    }

    /// This process's flight.
    fn flight(&self) -> Arc<Flight> {
        let flight = self.flight.load_full();
        if flight.process == std::process::id() {
            return flight;
        }
        // Two threads of a fresh child may both get here; the loser's flight has no passengers yet.
        self.flight.compare_and_swap(&flight, Arc::new(Flight::new()));
        self.flight.load_full()
    }
}

impl Snapshot {
    /// Given keys do not age, and cost no look at the clock.
    fn standing(&self, clock: &dyn Clock) -> Standing {
        self.lifetime.map_or(Standing::Fresh, |lifetime| lifetime.standing(clock.moment()))
    }

    /// Whether these keys are the answer to who could not wait and now asks again, by `try_verify`
    /// and then `verify`: the second call must not cause a second fetch. True once.
    fn answers(&self, key_id: &str, now: Moment) -> bool {
        self.sought.as_ref().is_some_and(|sought| {
            sought.key_id == key_id
                && now.since(self.began) < FETCH_TIMEOUT
                && !sought.answered.swap(true, Ordering::Relaxed)
        })
    }
}

impl Flight {
    fn new() -> Self {
        let state = FlightState {
            under_way: false,
            ended: 0,
            last: Ok(()),
            not_before: Duration::ZERO,
            refresh_not_before: Duration::ZERO,
            failures: 0,
            unknown_keys: TokenBucket::full(),
        };
        Self { process: std::process::id(), state: Mutex::new(state), landed: Condvar::new() }
    }

    /// A panic elsewhere leaves plain numbers behind, which are as good as before it.
    fn state(&self) -> MutexGuard<'_, FlightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the fetch after `ended` others, no longer than a fetch can take.
    fn await_landing(&self, ended: u64) -> Result<()> {
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let mut state = self.state();
        while state.ended == ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(unavailable(
                    &FetchError::new("the fetch under way takes too long"),
                    whole_seconds(RETRY_PAUSE),
                ));
            }
            state = self.landed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    fn land(&self, outcome: std::result::Result<(), FetchError>, now: Duration) {
        let mut state = self.state();
        match &outcome {
            Ok(()) => state.failures = 0,
            Err(error) => {
                let asked = error
                    .retry_after
                    .map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds.into()));
                state.not_before = now + asked.max(RETRY_PAUSE);
                state.refresh_not_before =
                    state.not_before.max(now + backoff(state.failures, random_octet()));
                state.failures = state.failures.saturating_add(1);
            }
        }
        state.last = outcome;
        state.under_way = false;
        state.ended += 1;
        drop(state);
        self.landed.notify_all();
    }
}

impl Landing {
    /// Fetches and installs, on this thread.
    fn fetch(mut self) {
        self.outcome = self.cache.fetch(self.sought.take());
    }

    /// Fetches on a thread that lives no longer than the fetch: an idle process stays idle. Where no
    /// thread can be had, dropping the unstarted work ends the flight.
    fn fetch_elsewhere(self) {
        let _ = thread::Builder::new().name("authkit-jwks".to_owned()).spawn(move || self.fetch());
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Ok(()));
        self.flight.land(outcome, self.cache.clock.moment().monotonic);
    }
}

/// The error for a key id that is in no key set.
pub(crate) fn unknown_key() -> Error {
    Error::new(Code::UnknownKey, "the token names a key that the issuer does not publish")
}

fn would_block() -> Error {
    Error::new(Code::WouldBlock, "the issuer's keys are being fetched")
}

fn unavailable(error: &FetchError, retry_after: u32) -> Error {
    Error::new(
        Code::KeysUnavailable,
        format!("the issuer's keys are not available: {}", error.reason),
    )
    .with_retry_after(retry_after)
}

/// Full jitter: anything up to a limit that doubles with each failure.
fn backoff(failures: u32, spread: u8) -> Duration {
    let limit = RETRY_PAUSE.saturating_mul(1 << failures.min(6)).min(MAX_BACKOFF);
    limit * u32::from(spread) / u32::from(u8::MAX)
}

fn whole_seconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

/// Not for secrets: spreads a fleet's refreshes.
#[allow(clippy::cast_possible_truncation)]
fn random_octet() -> u8 {
    RandomState::new().hash_one(0u8) as u8
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    // A test that fails must not fail the next by poison.
    use parking_lot::Mutex;

    use super::*;
    use crate::jwks::fetch::Fetched;

    /// A clock that stands until it is told otherwise.
    #[derive(Debug, Default)]
    struct Hands(Mutex<Duration>);

    impl Hands {
        fn set(&self, seconds: u64) {
            *self.0.lock() = Duration::from_secs(seconds);
        }
    }

    impl Clock for Hands {
        fn unix_time(&self) -> f64 {
            0.0
        }

        fn moment(&self) -> Moment {
            let since = *self.0.lock();
            Moment { monotonic: since, wall: since }
        }
    }

    /// Answers by a script, the last line again and again, and counts.
    #[derive(Debug, Default)]
    struct Script {
        answers: Mutex<VecDeque<Option<u64>>>,
        asked: Mutex<usize>,
    }

    /// `Some(ttl)` is a good key set, `None` an outage.
    #[derive(Debug, Clone, Default)]
    struct Source(Arc<Script>);

    impl Source {
        fn answers(&self, answers: &[Option<u64>]) {
            *self.0.answers.lock() = answers.iter().copied().collect();
        }

        fn asked(&self) -> usize {
            *self.0.asked.lock()
        }
    }

    impl Fetch for Source {
        fn fetch(&self, _: Option<&str>) -> std::result::Result<Fetched, FetchError> {
            *self.0.asked.lock() += 1;
            let mut answers = self.0.answers.lock();
            let answer =
                if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
            let ttl = answer.flatten().ok_or_else(|| FetchError::new("down"))?;
            assert_ne!(ttl, PANIC, "as scripted");
            let document = Some(KEYS.as_bytes().to_vec());
            Ok(Fetched { document, ttl: Duration::from_secs(ttl), tag: None })
        }
    }

    /// A time to live that makes the source panic.
    const PANIC: u64 = 666;
    /// RFC 8037 appendix A.2.
    const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn cache(answers: &[Option<u64>]) -> (Arc<KeyCache>, Source, Arc<Hands>) {
        let (source, hands) = (Source::default(), Arc::new(Hands::default()));
        source.answers(answers);
        let clock: Arc<dyn Clock> = Arc::clone(&hands) as Arc<dyn Clock>;
        let cache = KeyCache::fetched(Box::new(source.clone()), vec![Algorithm::EdDsa], clock);
        (Arc::new(cache), source, hands)
    }

    /// Waits until no fetch is under way.
    fn settle(cache: &KeyCache) {
        let flight = cache.flight();
        let mut state = flight.state();
        while state.under_way {
            state = flight.landed.wait(state).unwrap();
        }
    }

    fn code(result: Result<Arc<Snapshot>>) -> Option<Code> {
        result.err().map(|error| error.code())
    }

    #[test]
    fn a_refresh_that_is_due_makes_nobody_wait() {
        let (cache, source, hands) = cache(&[Some(300)]);
        let first = cache.current(Wait::Allowed).unwrap();
        hands.set(224);
        assert!(Arc::ptr_eq(&cache.current(Wait::Allowed).unwrap(), &first));
        assert_eq!(source.asked(), 1);
        hands.set(299);
        assert!(
            Arc::ptr_eq(&cache.current(Wait::Allowed).unwrap(), &first),
            "the old keys, at once"
        );
        settle(&cache);
        assert_eq!(source.asked(), 2);
        assert!(
            !Arc::ptr_eq(&cache.current(Wait::No).unwrap(), &first),
            "the new ones from now on"
        );
    }

    #[test]
    fn stale_keys_are_refreshed_first_and_tolerated_for_an_hour_of_outage() {
        let (cache, source, hands) = cache(&[Some(300), None]);
        cache.current(Wait::Allowed).unwrap();
        for seconds in (300..3600).step_by(60) {
            hands.set(seconds);
            assert!(cache.current(Wait::Allowed).is_ok(), "{seconds} s");
            settle(&cache);
        }
        assert_eq!(source.asked(), 56, "each was tried to be refreshed");
        hands.set(3600);
        assert_eq!(code(cache.current(Wait::Allowed)), Some(Code::KeysUnavailable));
        source.answers(&[Some(300)]);
        hands.set(3601);
        assert!(cache.current(Wait::Allowed).is_ok(), "back at once");
    }

    #[test]
    fn who_cannot_wait_gets_would_block_once_and_stale_keys_while_the_server_fails() {
        let (cache, _, hands) = cache(&[None]);
        assert_eq!(code(cache.current(Wait::No)), Some(Code::WouldBlock));
        settle(&cache);
        assert_eq!(
            code(cache.current(Wait::No)),
            Some(Code::KeysUnavailable),
            "no keys, and no use asking yet"
        );
        hands.set(1);
        assert_eq!(code(cache.current(Wait::No)), Some(Code::WouldBlock), "another try");
        settle(&cache);

        let (cache, _, hands) = self::cache(&[Some(60), None]);
        cache.current(Wait::Allowed).unwrap();
        hands.set(100);
        assert_eq!(code(cache.current(Wait::No)), Some(Code::WouldBlock));
        settle(&cache);
        assert!(cache.current(Wait::No).is_ok(), "stale, while the server fails");
    }

    #[test]
    fn after_a_failure_nobody_asks_for_a_second() {
        let (cache, source, hands) = cache(&[None]);
        for _ in 0..10 {
            let error = cache.current(Wait::Allowed).unwrap_err();
            assert_eq!((error.code(), error.retry_after()), (Code::KeysUnavailable, Some(1)));
        }
        assert_eq!(source.asked(), 1);
        hands.set(1);
        assert!(cache.current(Wait::Allowed).is_err());
        assert_eq!(source.asked(), 2);
        assert!(cache.refresh().is_err());
        assert_eq!(source.asked(), 3, "the host may always ask");
    }

    #[test]
    fn a_fetch_that_panics_leaves_nobody_waiting() {
        let (cache, source, hands) = cache(&[Some(PANIC)]);
        let panicking = Arc::clone(&cache);
        assert!(thread::spawn(move || panicking.current(Wait::Allowed).map(drop)).join().is_err());
        assert_eq!(code(cache.current(Wait::Allowed)), Some(Code::KeysUnavailable));
        source.answers(&[Some(300)]);
        hands.set(1);
        assert!(cache.current(Wait::Allowed).is_ok());
    }

    #[test]
    fn a_forked_child_does_not_wait_for_its_parents_fetch() {
        let (cache, source, _) = cache(&[Some(300)]);
        let parents = Flight { process: 0, ..Flight::new() };
        parents.state().under_way = true;
        cache.flight.store(Arc::new(parents));
        assert!(cache.current(Wait::Allowed).is_ok());
        assert_eq!(source.asked(), 1);
    }

    #[test]
    fn one_unknown_key_id_causes_one_fetch_though_it_is_asked_for_twice() {
        let (cache, source, hands) = cache(&[Some(300)]);
        let first = cache.current(Wait::Allowed).unwrap();
        assert_eq!(code(cache.newer_than(&first, "k", Wait::No)), Some(Code::WouldBlock));
        settle(&cache);
        let second = cache.current(Wait::Allowed).unwrap();
        assert_eq!(code(cache.newer_than(&second, "k", Wait::Allowed)), Some(Code::UnknownKey));
        assert_eq!(source.asked(), 2);
        // Asked once more, it may have been rotated in since.
        assert!(cache.newer_than(&second, "k", Wait::Allowed).is_ok());
        assert_eq!(source.asked(), 3);
        // Who waited has had the answer of the fetch it made; the next question is a new one.
        hands.set(60);
        let third = cache.current(Wait::Allowed).unwrap();
        assert!(cache.newer_than(&third, "k", Wait::Allowed).is_ok());
        assert_eq!(source.asked(), 4);
    }

    #[test]
    fn in_an_outage_one_caller_waits_and_the_others_are_served_stale_keys_at_once() {
        let (cache, source, hands) = cache(&[Some(300), None]);
        let first = cache.current(Wait::Allowed).unwrap();
        hands.set(300);
        assert!(Arc::ptr_eq(&cache.current(Wait::Allowed).unwrap(), &first), "this one tried");
        hands.set(310);
        let flight = cache.flight();
        flight.state().under_way = true; // a fetch that hangs
        assert!(
            Arc::ptr_eq(&cache.current(Wait::Allowed).unwrap(), &first),
            "and does not wait for it"
        );
        flight.state().under_way = false;
        assert_eq!(source.asked(), 2);
    }

    #[test]
    fn a_server_that_fails_is_asked_less_and_less_while_the_keys_are_good() {
        let (cache, source, hands) = cache(&[Some(300), None]);
        cache.current(Wait::Allowed).unwrap();
        for seconds in 300..1500 {
            hands.set(seconds);
            assert!(cache.current(Wait::Allowed).is_ok());
            settle(&cache);
        }
        // 1200 s at up to 60 s a pause; without backing off there were 1200.
        assert!((20..200).contains(&source.asked()), "{}", source.asked());
        // A key that is missed does not wait for that pause.
        let asked = source.asked();
        let known = cache.current(Wait::Allowed).unwrap();
        hands.set(1502);
        assert_eq!(code(cache.newer_than(&known, "k", Wait::Allowed)), Some(Code::KeysUnavailable));
        assert_eq!(source.asked(), asked + 1);
    }

    #[test]
    fn backing_off_doubles_up_to_a_minute_and_is_spread() {
        for (failures, most) in [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (7, 60), (u32::MAX, 60)]
        {
            assert_eq!(backoff(failures, u8::MAX).as_secs(), most, "{failures}");
            assert_eq!(backoff(failures, 0), Duration::ZERO);
        }
    }

    #[test]
    fn who_looked_before_a_fetch_ended_and_asks_after_it_gets_its_keys() {
        let (cache, source, _) = cache(&[Some(300)]);
        // Saw no keys, or searched these; meanwhile others came.
        let searched = cache.current(Wait::Allowed).unwrap();
        assert!(cache.obtain(Cause::Age, Wait::Allowed).is_ok());
        assert_eq!(source.asked(), 1, "as if it had seen none");
        cache.refresh().unwrap();
        assert!(!Arc::ptr_eq(&cache.newer_than(&searched, "k", Wait::No).unwrap(), &searched));
        assert_eq!(source.asked(), 2);
    }
}
