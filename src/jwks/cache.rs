//! One issuer's document over time: read without a lock, fetched by one caller at a time, believed for
//! as long as it may be.

use std::fmt::Debug;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::{Clock, Moment};
use crate::config::RefreshMode;
use crate::error::{Class, Code, Error, Result};
use crate::fork::PerProcess;
use crate::journal::{Happening, Journal, Source};
use crate::stats::{DocumentStats, SeenHeaders};

use super::call::{Call, Wait};
use super::document::Document;
use super::errand::Errand;
use super::fetch::{Ask, Fetch, FetchError};
use super::flight::{Boarding, Flight, Ticket};
use super::freshness::{Lifetime, Standing};
use super::landings::Landings;
use super::newest::Newest;
use super::pace::{Attempt, Pace, Pause};
use super::snapshot::Snapshot;
use super::store::{Lock, LockOutcome, SharedFile, Stored};

/// How long a call waits for a fetch that it does not need: it has stale keys, or another caller made the
/// fetch and the answer can be "try again".
const PATIENCE: Duration = Duration::from_secs(1);

/// What all of a verifier's caches have in common.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) mode: RefreshMode,
    /// Clock skew that is not worth telling, in seconds.
    pub(crate) leeway: u64,
    /// For one fetch, and for all that one call waits.
    pub(crate) fetch_timeout: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) landings: Arc<PerProcess<Landings>>,
}

/// One document of one issuer.
#[derive(Debug)]
pub(crate) struct Cache<D: Document> {
    issuer: String,
    /// `None` where it was given and is never fetched.
    source: Option<Box<dyn Fetch>>,
    /// Where it is shared with other processes of this machine.
    shared: Option<SharedFile>,
    rules: D::Rules,
    around: Surroundings,
    newest: Newest<Snapshot<D>>,
    flight: PerProcess<Flight<Pace>>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    fetches: AtomicU64,
    failures: AtomicU64,
    not_modified: AtomicU64,
    throttled: AtomicU64,
    stale_served: AtomicU64,
    /// Whether these have been told since the last fetch that went well, or, of the first, that ended.
    throttled_told: AtomicBool,
    stale_told: AtomicBool,
    refused_told: AtomicBool,
}

/// Why a fetch is wanted.
#[derive(Debug)]
enum Need<'n, D> {
    /// The document is missing, stale or soon stale.
    Age,
    /// A token names a key that is not in it; limited, since anybody can send such tokens.
    UnknownKey { searched: &'n Arc<Snapshot<D>> },
    /// The host asked.
    Request,
}

/// How long a call waits for a fetch; `None` for as long as the call may.
#[derive(Debug, Clone, Copy, Default)]
struct Patience {
    /// For a fetch that it makes itself.
    own: Option<Duration>,
    /// For another caller's.
    others: Option<Duration>,
}

/// What a fetch that went well has brought.
#[derive(Debug, Clone, Copy)]
struct Brought {
    new_key: bool,
}

/// Whose turn it is to fetch, among the processes that share a file.
enum Turn<D> {
    /// This one's; `None` where there is no lock to hold meanwhile.
    Ours(Option<Lock>),
    /// Nobody's: another one has just fetched this.
    Theirs(Box<Snapshot<D>>),
}

/// Ends a flight however its leader ends, by panic too: followers must not wait for nobody.
struct Landing<D: Document> {
    cache: Arc<Cache<D>>,
    flight: Arc<Flight<Pace>>,
    landings: Arc<Landings>,
    deadline: Instant,
    errand: Errand,
    started: Instant,
    started_at: Duration,
    outcome: std::result::Result<Brought, FetchError>,
}

impl<D: Document> Cache<D> {
    /// A document that is fetched when first needed, and shared through a file where one is named.
    pub(crate) fn fetched(
        issuer: &str,
        source: Box<dyn Fetch>,
        shared: Option<SharedFile>,
        rules: D::Rules,
        around: Surroundings,
    ) -> Self {
        Self { shared, ..Self::new(issuer, Some(source), rules, around) }
    }

    /// A document that is given.
    pub(crate) fn given(
        issuer: &str,
        document: &str,
        rules: D::Rules,
        around: Surroundings,
    ) -> Result<Self> {
        let cache = Self::new(issuer, None, rules, around);
        cache.give(document)?;
        Ok(cache)
    }

    fn new(
        issuer: &str,
        source: Option<Box<dyn Fetch>>,
        rules: D::Rules,
        around: Surroundings,
    ) -> Self {
        Self {
            issuer: issuer.to_owned(),
            source,
            shared: None,
            rules,
            around,
            newest: Newest::none(),
            flight: PerProcess::new(|| Flight::new(Pace::new())),
            counts: Counts::default(),
        }
    }

    /// Installs a given document, which stays until another is installed or fetched.
    pub(crate) fn give(&self, document: &str) -> Result<()> {
        let document = D::read(document.as_bytes(), &self.rules)
            .map_err(|reason| Error::new(Code::Config, format!("{}: {reason}", D::NAME)))?;
        let before = self.newest.get();
        self.tell_all(document.news_since(before.as_ref().map(|before| &*before.document)));
        self.newest.put(Snapshot {
            document: Arc::new(document),
            octets: None,
            tag: None,
            lifetime: None,
            began: self.moment(),
            first_hand: true,
            source: Source::Given,
            generation: before.map_or(0, |before| before.generation) + 1,
            skew: None,
            headers: SeenHeaders::default(),
            sought: None,
            withdrawn: Vec::new(),
        });
        Ok(())
    }

    /// What is good enough to judge a token with.
    pub(crate) fn current(self: &Arc<Self>, call: &Call<'_>) -> Result<Arc<Snapshot<D>>> {
        let Some(known) = self.newest.get() else { return self.obtain_or_stale(call) };
        match known.standing(call.began) {
            Standing::Fresh => Ok(known),
            Standing::RefreshDue => {
                self.refresh_ahead(call);
                Ok(known)
            }
            Standing::Stale => self.current_or_stale(known, call),
            Standing::Expired => self.obtain_or_stale(call),
        }
    }

    /// Something where there was nothing: what was fetched or, in an outage, what another process has
    /// left behind.
    fn obtain_or_stale(self: &Arc<Self>, call: &Call<'_>) -> Result<Arc<Snapshot<D>>> {
        let obtained = self.obtain(&Need::Age, call);
        if !obtained.as_ref().is_err_and(|error| error.code() == Code::KeysUnavailable) {
            return obtained;
        }
        match self.newest.get().filter(|known| known.standing(self.moment()) != Standing::Expired) {
            Some(known) => Ok(self.stale(known)),
            None => obtained,
        }
    }

    /// Newer than what was past its time to live, or else that: nobody fails for it, and nobody waits
    /// long for it, or at all where a fetch has failed or is slow already.
    fn current_or_stale(
        self: &Arc<Self>,
        known: Arc<Snapshot<D>>,
        call: &Call<'_>,
    ) -> Result<Arc<Snapshot<D>>> {
        if self.is_failing()
            || self.is_slow(Wait::Allowed)
            || self.around.mode == RefreshMode::Manual
        {
            self.refresh_ahead(call);
            return Ok(self.stale(known));
        }
        let patience = Patience { own: Some(PATIENCE), others: Some(PATIENCE) };
        match self.obtain_within(&Need::Age, call, patience) {
            Err(error) if error.code().class() == Class::WouldBlock => Err(error),
            Err(_) => Ok(self.stale(known)),
            newer => newer,
        }
    }

    /// Gives a key set that is newer than the one without this key id.
    ///
    /// # Errors
    /// [`Code::UnknownKey`] only if the issuer itself has said so since this call began. For a key that it once
    /// published, it must have said so twice in a row. [`Code::KeyUnconfirmed`] if it could not be asked: a client
    /// must not throw away a token that may be good.
    pub(crate) fn newer_than(
        self: &Arc<Self>,
        searched: &Arc<Snapshot<D>>,
        key_id: &str,
        call: &Call<'_>,
    ) -> Result<Arc<Snapshot<D>>> {
        let is_known = searched.answers(call.began)
            || searched.has_withdrawn(key_id, call.began)
            || searched.was_sought_for(key_id, call.began);
        if is_known {
            Err(unknown_key())
        } else {
            self.obtain(&Need::UnknownKey { searched }, call)
        }
    }

    /// Fetches now, whatever the document's age, and waits for it.
    pub(crate) fn refresh(self: &Arc<Self>) -> Result<()> {
        if self.source.is_none() {
            return Ok(());
        }
        let call = Call::new(Wait::Allowed, self.moment());
        self.obtain(&Need::Request, &call).map(|_| ())
    }

    /// Fetches now on a thread of its own, unless a fetch is under way.
    pub(crate) fn start_refresh(self: &Arc<Self>) {
        if self.source.is_some() {
            let call = Call::new(Wait::No, self.moment());
            let _ = self.obtain(&Need::Request, &call);
        }
    }

    /// Whether there is something to judge by, be it stale; where not, a fetch is started where the
    /// refresh mode has one start by itself.
    pub(crate) fn is_ready(self: &Arc<Self>) -> Result<()> {
        let call = Call::new(Wait::No, self.moment());
        match self.newest.get() {
            Some(known) if known.standing(call.began) != Standing::Expired => Ok(()),
            _ => self.obtain(&Need::Age, &call).map(|_| ()),
        }
    }

    /// The issuer's clock less this machine's in seconds, where that is more than the leeway.
    pub(crate) fn skew_beyond_leeway(&self) -> Option<i64> {
        let skew = self.newest.get()?.skew?;
        (skew.unsigned_abs() > self.around.leeway).then_some(skew)
    }

    /// Whether what is in force has this property and no refresh of it is due.
    pub(crate) fn is_fresh_and(&self, now: Moment, property: impl FnOnce(&Arc<D>) -> bool) -> bool {
        let holds = |known: &Snapshot<D>| {
            known.standing(now) == Standing::Fresh && property(&known.document)
        };
        self.newest.look(holds).unwrap_or(false)
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What is in force, whatever its standing.
    pub(crate) fn in_force(&self) -> Option<Arc<Snapshot<D>>> {
        self.newest.get()
    }

    pub(crate) fn stats(&self) -> DocumentStats {
        let now = self.moment();
        let snapshot = self.newest.get();
        let flight = self.flight.get();
        let (last_failure, consecutive_failures, pause) = flight.pace(|pace| {
            let failure = pace.last_failure().map(|failure| failure.reason.clone());
            (failure, pace.failures(), pace.pause(now.monotonic))
        });
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let lifetime = snapshot.as_ref().and_then(|snapshot| snapshot.lifetime);
        DocumentStats {
            standing: snapshot.as_ref().map_or("none", |snapshot| snapshot.standing_name(now)),
            source: snapshot.as_ref().map(|snapshot| snapshot.source),
            age: snapshot.as_ref().map(|snapshot| now.since(snapshot.began).as_secs()),
            ttl: lifetime.map(|lifetime| lifetime.ttl().as_secs()),
            next_refresh: lifetime.map(|lifetime| lifetime.until_refresh(now).as_secs()),
            generation: snapshot.as_ref().map_or(0, |snapshot| snapshot.generation),
            fetches: count(&self.counts.fetches),
            failures: count(&self.counts.failures),
            consecutive_failures,
            last_failure,
            retry_after: pause.map(|pause| whole_seconds(pause.left)),
            not_modified: count(&self.counts.not_modified),
            throttled: count(&self.counts.throttled),
            stale_served: count(&self.counts.stale_served),
            skew: snapshot.as_ref().and_then(|snapshot| snapshot.skew),
            headers: snapshot
                .filter(|snapshot| snapshot.source == Source::Network)
                .map(|snapshot| snapshot.headers.clone()),
        }
    }

    /// A refresh that is due, which nobody waits for; by the caller alone where no thread may be made.
    fn refresh_ahead(self: &Arc<Self>, call: &Call<'_>) {
        let flight = self.flight.get();
        let deadline = self.deadline(call);
        let boarding = flight.board(deadline, |pace| self.stay(pace, &Need::Age, call));
        if let Boarding::Lead(_) = boarding {
            let landing = self.landing(flight, &Need::Age, call, deadline);
            match self.around.mode {
                RefreshMode::Background => landing.fetch_elsewhere(),
                RefreshMode::Inline | RefreshMode::Manual => landing.fetch(),
            }
        }
    }

    fn deadline(&self, call: &Call<'_>) -> Instant {
        call.deadline(self.around.fetch_timeout)
    }

    fn time_left(&self, call: &Call<'_>) -> Duration {
        self.deadline(call).saturating_duration_since(Instant::now())
    }

    /// Whether so little time is left to this call that a fetch within it would be cut short.
    fn is_late(&self, call: &Call<'_>) -> bool {
        self.time_left(call) < self.around.fetch_timeout / 2
    }

    fn obtain(self: &Arc<Self>, need: &Need<'_, D>, call: &Call<'_>) -> Result<Arc<Snapshot<D>>> {
        self.obtain_within(need, call, self.patience(need, call))
    }

    /// Strangers cause these fetches, so they must not block the host's threads. No call waits long for another
    /// call's fetch. While the issuer is known to be slow, no call waits at all.
    fn patience(&self, need: &Need<'_, D>, call: &Call<'_>) -> Patience {
        match need {
            Need::Request => Patience::default(),
            Need::Age if D::IS_VITAL => Patience::default(),
            Need::Age | Need::UnknownKey { .. } if call.is_hopeless || self.is_slow(call.wait) => {
                Patience { own: Some(Duration::ZERO), others: Some(Duration::ZERO) }
            }
            Need::Age | Need::UnknownKey { .. } => Patience { own: None, others: Some(PATIENCE) },
        }
    }

    /// Makes or joins one more fetch. For a caller that cannot wait, only starts it. If the caller's time ends
    /// before the fetch does, the fetch goes on.
    fn obtain_within(
        self: &Arc<Self>,
        need: &Need<'_, D>,
        call: &Call<'_>,
        patience: Patience,
    ) -> Result<Arc<Snapshot<D>>> {
        let flight = self.flight.get();
        let may_start = self.around.mode == RefreshMode::Background;
        let elsewhere =
            call.wait == Wait::No || (may_start && (patience.own.is_some() || self.is_late(call)));
        let last = self.deadline(call);
        let deadline = if elsewhere { Instant::now() + self.around.fetch_timeout } else { last };
        let boarding = flight.board(deadline, |pace| self.stay(pace, need, call));
        let (ticket, patience) = match boarding {
            Boarding::Stay(answer) => return answer,
            Boarding::Follow(ticket) => (ticket, patience.others),
            Boarding::Lead(ticket) => {
                let landing = self.landing(Arc::clone(&flight), need, call, deadline);
                if !elsewhere {
                    landing.fetch();
                    return self.outcome(need);
                }
                landing.fetch_elsewhere();
                (ticket, patience.own)
            }
        };
        let waits_in_vain = patience.is_some_and(|patience| patience.is_zero());
        if call.wait == Wait::No && !waits_in_vain {
            return Err(self.without_waiting(need, would_block()));
        }
        let until = patience.map_or(last, |patience| Instant::now() + patience);
        self.follow(&flight, ticket, until.min(last), need)
    }

    fn follow(
        &self,
        flight: &Flight<Pace>,
        ticket: Ticket,
        until: Instant,
        need: &Need<'_, D>,
    ) -> Result<Arc<Snapshot<D>>> {
        if flight.await_landing(ticket, until) {
            return self.outcome(need);
        }
        Err(self.unanswered(need, "the fetch under way takes too long", PATIENCE))
    }

    /// The answer without a fetch, if none is to be made.
    fn stay(
        &self,
        pace: &mut Pace,
        need: &Need<'_, D>,
        call: &Call<'_>,
    ) -> Option<Result<Arc<Snapshot<D>>>> {
        if let Some(snapshot) = self.arrived_for(need) {
            return Some(Ok(snapshot));
        }
        if self.around.mode == RefreshMode::Manual && !matches!(need, Need::Request) {
            let reason = "the host has not had them fetched since";
            return Some(Err(self.unanswered(need, reason, PATIENCE).with_hint(MANUAL_HINT)));
        }
        let now = self.moment().monotonic;
        let pause = match need {
            Need::Request => None,
            Need::Age if self.has_good() => pace.refresh_pause(now),
            Need::Age => pace.pause(now),
            Need::UnknownKey { .. } => pace.look_up_pause(now),
        };
        if let Some(pause) = pause {
            return Some(Err(self.paused(need, &pause)));
        }
        if self.around.mode == RefreshMode::Inline && call.wait == Wait::No {
            return Some(Err(self.without_waiting(need, fetch_needed())));
        }
        self.time_left(call)
            .is_zero()
            .then(|| Err(self.unanswered(need, "no time is left to fetch them", PATIENCE)))
    }

    fn paused(&self, need: &Need<'_, D>, pause: &Pause) -> Error {
        match &pause.failure {
            Some(failure) => self.unanswered(need, &failure.reason, pause.left),
            None => {
                let seconds = whole_seconds(pause.left);
                self.note_throttled(seconds);
                let reason =
                    format!("too many tokens name unknown keys; it is asked again in {seconds} s");
                self.unanswered(need, &reason, pause.left)
            }
        }
    }

    fn note_throttled(&self, retry_after: u32) {
        self.counts.throttled.fetch_add(1, Ordering::Relaxed);
        if !self.counts.throttled_told.swap(true, Ordering::Relaxed) {
            self.tell(Happening::Throttled { retry_after });
        }
    }

    /// The error of a call that must not wait. If usable keys are there, it says when to retry. A host that has
    /// waited long enough uses that to answer as in [`Self::unanswered`].
    fn without_waiting(&self, need: &Need<'_, D>, error: Error) -> Error {
        match need {
            Need::UnknownKey { .. } if self.has_good() => error.with_retry_after(1),
            _ => error,
        }
    }

    /// The error if the issuer has not answered what a call needs to know. While usable keys are there, it is not
    /// the server's fault: anybody can invent a key id.
    fn unanswered(&self, need: &Need<'_, D>, reason: &str, left: Duration) -> Error {
        let error = match need {
            Need::UnknownKey { .. } if self.has_good() => Error::new(
                Code::KeyUnconfirmed,
                format!("the issuer could not be asked about the token's key: {reason}"),
            ),
            _ => Error::new(
                Code::KeysUnavailable,
                format!("{} are not available: {reason}", D::WHAT),
            ),
        };
        error.with_retry_after(whole_seconds(left))
    }

    /// What has come between the caller's look and its turn.
    fn arrived_for(&self, need: &Need<'_, D>) -> Option<Arc<Snapshot<D>>> {
        let snapshot = self.newest.get()?;
        let arrived = match need {
            Need::Age => snapshot.standing(self.moment()) == Standing::Fresh,
            Need::UnknownKey { searched, .. } => !Arc::ptr_eq(&snapshot, searched),
            Need::Request => false,
        };
        arrived.then_some(snapshot)
    }

    fn landing(
        self: &Arc<Self>,
        flight: Arc<Flight<Pace>>,
        need: &Need<'_, D>,
        call: &Call<'_>,
        deadline: Instant,
    ) -> Landing<D> {
        let landings = self.around.landings.get();
        landings.begin();
        Landing {
            cache: Arc::clone(self),
            errand: self.errand(&flight, need, call),
            flight,
            landings,
            deadline,
            started: Instant::now(),
            started_at: self.moment().monotonic,
            outcome: Err(FetchError::new("the fetch was broken off")),
        }
    }

    fn errand(&self, flight: &Flight<Pace>, need: &Need<'_, D>, call: &Call<'_>) -> Errand {
        let known = self.newest.get();
        let is_held = |id: &str| known.as_ref().is_some_and(|known| known.holds(id));
        Errand {
            key_id: call.key_id.filter(|id| !is_held(id)).map(str::to_owned),
            since: call.began.monotonic,
            comes_back: call.wait == Wait::No,
            is_look_up: matches!(need, Need::UnknownKey { .. }),
            forced: matches!(need, Need::Request),
            may_retry: flight.pace(|pace| pace.failures()) == 0,
        }
    }

    /// Fetches the document and puts it in force, or what another process has just fetched.
    fn fetch(
        &self,
        errand: &Errand,
        deadline: Instant,
    ) -> std::result::Result<Brought, FetchError> {
        self.counts.fetches.fetch_add(1, Ordering::Relaxed);
        let (started, known) = (Instant::now(), self.newest.get());
        let lock = match &self.shared {
            Some(shared) if !errand.forced => {
                match self.turn(shared, known.as_deref(), errand, deadline) {
                    Turn::Theirs(snapshot) => {
                        return Ok(self.install(*snapshot, started.elapsed()));
                    }
                    Turn::Ours(lock) => lock,
                }
            }
            _ => None,
        };
        let fetched = self.fetch_from_network(known.as_deref(), errand, deadline);
        if let (Err(_), Some(shared)) = (&fetched, &self.shared) {
            self.fall_back_on(shared);
        }
        let fetched = fetched?;
        self.share(&fetched);
        drop(lock);
        Ok(self.install(fetched, started.elapsed()))
    }

    fn fetch_from_network(
        &self,
        known: Option<&Snapshot<D>>,
        errand: &Errand,
        deadline: Instant,
    ) -> std::result::Result<Snapshot<D>, FetchError> {
        let source = self.source.as_ref().ok_or_else(|| FetchError::new("no URL is configured"))?;
        let timeout = deadline.saturating_duration_since(Instant::now());
        if timeout.is_zero() {
            return Err(FetchError::new("no time was left to fetch it"));
        }
        let began = self.moment();
        // A shared cache would hide a new key until the cache's copy expires.
        let asks_issuer = errand.key_id.is_some() || errand.forced;
        let fetched = source.fetch(Ask {
            known_tag: known.and_then(|known| known.tag.as_deref()),
            first_hand: asks_issuer,
            may_retry: errand.may_retry,
            timeout,
        })?;
        let ended = self.moment();
        // A cache that answers all the same says so (RFC 9111 §5.1).
        let first_hand = asks_issuer && fetched.headers.age.as_deref().is_none_or(|age| age == "0");
        let sought = errand.sought(ended.monotonic);
        let (document, octets) = self.read(fetched.document, known)?;
        Ok(Snapshot {
            document,
            octets,
            tag: fetched.tag,
            lifetime: Some(Lifetime::new(began, fetched.ttl, random_octet())),
            began,
            first_hand,
            source: Source::Network,
            generation: 0,
            skew: fetched.server_time.map(|theirs| skew(theirs, began, ended)),
            headers: fetched.headers,
            sought,
            withdrawn: Vec::new(),
        })
    }

    /// The document that came, or the known one where nothing has changed.
    #[allow(clippy::type_complexity)] // two fields of a snapshot
    fn read(
        &self,
        fetched: Option<Vec<u8>>,
        known: Option<&Snapshot<D>>,
    ) -> std::result::Result<(Arc<D>, Option<Arc<Vec<u8>>>), FetchError> {
        match (fetched, known) {
            (Some(octets), _) => {
                let document = D::read(&octets, &self.rules).map_err(|reason| {
                    let advice = self.source.as_ref().and_then(|source| source.advice());
                    FetchError::new(advice.map_or(reason.clone(), |it| format!("{reason}; {it}")))
                })?;
                Ok((Arc::new(document), self.shared.is_some().then(|| Arc::new(octets))))
            }
            (None, Some(known)) => {
                self.counts.not_modified.fetch_add(1, Ordering::Relaxed);
                Ok((Arc::clone(&known.document), known.octets.clone()))
            }
            (None, None) => Err(FetchError::new("nothing was fetched, now or before")),
        }
    }

    /// Waits for a turn to fetch, half of the time that is left at most, so that enough is left to do so.
    fn turn(
        &self,
        shared: &SharedFile,
        known: Option<&Snapshot<D>>,
        errand: &Errand,
        deadline: Instant,
    ) -> Turn<D> {
        if let Err(reason) = shared.load(self.moment()) {
            self.tell_refused(reason);
        }
        let is_newer = |stored: &Snapshot<D>| {
            stored.is_fresh(self.moment())
                && known.is_none_or(|known| stored.began.monotonic > known.began.monotonic)
                && errand.is_done_by(stored)
        };
        let look = || self.load(shared).filter(is_newer);
        let now = Instant::now();
        match shared.lock(now + deadline.saturating_duration_since(now) / 2, look) {
            LockOutcome::Held(lock) => Turn::Ours(Some(lock)),
            LockOutcome::Seen(snapshot) => Turn::Theirs(Box::new(snapshot)),
            LockOutcome::TimedOut => Turn::Ours(None),
            LockOutcome::Unavailable(reason) => {
                self.tell_refused(reason);
                Turn::Ours(None)
            }
        }
    }

    /// What the shared file holds, if it can be believed and used.
    fn load(&self, shared: &SharedFile) -> Option<Snapshot<D>> {
        let now = self.moment();
        let stored = shared.load(now).ok().flatten()?;
        let began = now.before(stored.age);
        Some(Snapshot {
            document: Arc::new(D::read(&stored.document, &self.rules).ok()?),
            octets: Some(Arc::new(stored.document)),
            tag: stored.tag,
            lifetime: Some(Lifetime::new(began, stored.ttl, random_octet())),
            began,
            first_hand: stored.first_hand,
            source: Source::File,
            generation: 0,
            skew: None,
            headers: SeenHeaders::default(),
            sought: None,
            withdrawn: Vec::new(),
        })
    }

    /// Where there is nothing and nothing can be fetched, what another process fetched within the hour
    /// is better than nothing.
    fn fall_back_on(&self, shared: &SharedFile) {
        if !self.has_good()
            && let Some(snapshot) = self.load(shared)
        {
            self.install(snapshot, Duration::ZERO);
        }
    }

    /// Leaves what was fetched to other processes.
    fn share(&self, fetched: &Snapshot<D>) {
        let (Some(shared), Some(octets), Some(lifetime)) =
            (&self.shared, &fetched.octets, fetched.lifetime)
        else {
            return;
        };
        let now = self.moment();
        let stored = Stored {
            document: octets.to_vec(),
            tag: fetched.tag.clone(),
            ttl: lifetime.ttl(),
            age: now.since(fetched.began),
            first_hand: fetched.first_hand,
        };
        match shared.save(&stored, now) {
            Ok(()) => self.counts.refused_told.store(false, Ordering::Relaxed),
            Err(reason) => self.tell_refused(reason),
        }
    }

    /// Puts a document in force, unless what is in force is newer than its fetch: keys that were given
    /// while it was under way must not be replaced by what the server said before.
    fn install(&self, mut fetched: Snapshot<D>, took: Duration) -> Brought {
        let before = self.newest.get();
        let news = match &before {
            Some(before) if Arc::ptr_eq(&before.document, &fetched.document) => Vec::new(),
            before => fetched.document.news_since(before.as_ref().map(|it| &*it.document)),
        };
        let is_rotation = |news: &Happening| matches!(news, Happening::Rotated { .. });
        let changed = before.is_none() || news.iter().any(is_rotation);
        let new_key = news
            .iter()
            .any(|news| matches!(news, Happening::Rotated { added, .. } if !added.is_empty()));
        fetched.withdrawn = fetched.withdrawn_since(before.as_deref());
        fetched.generation = before.as_ref().map_or(0, |it| it.generation) + u64::from(changed);
        let told = Happening::Fetched {
            source: fetched.source,
            changed,
            ttl: fetched.lifetime.map_or(0, |lifetime| lifetime.ttl().as_secs()),
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        let (skew, began) = (fetched.skew, fetched.began.monotonic);
        if self.newest.put_unless(fetched, |current| current.began.monotonic > began).is_ok() {
            self.tell(told);
            self.tell_all(news);
            self.tell_skew(before.and_then(|before| before.skew), skew);
        }
        Brought { new_key }
    }

    /// What the fetch that has just ended left behind.
    fn outcome(&self, need: &Need<'_, D>) -> Result<Arc<Snapshot<D>>> {
        let now = self.moment().monotonic;
        let failed = self.flight.get().pace(|pace| {
            let pause = match need {
                Need::UnknownKey { .. } => pace.look_up_pause(now),
                Need::Age | Need::Request => pace.pause(now),
            };
            let left = pause.map_or(Duration::ZERO, |pause| pause.left);
            pace.last_failure().map(|failure| (failure.reason.clone(), left))
        });
        if let Some((reason, left)) = failed {
            return Err(self.unanswered(need, &reason, left));
        }
        self.newest
            .get()
            .ok_or_else(|| Error::new(Code::Internal, "a fetch succeeded without a document"))
    }

    /// Whether there is something that can be used, be it stale.
    fn has_good(&self) -> bool {
        let snapshot = self.newest.get();
        snapshot.is_some_and(|snapshot| snapshot.standing(self.moment()) != Standing::Expired)
    }

    /// Whether the last fetch failed.
    fn is_failing(&self) -> bool {
        self.flight.get().pace(|pace| pace.last_failure().is_some())
    }

    /// Whether the issuer is known to be slow, so that no call that can do without waits for it: the last
    /// fetch took long and failed; or one is under way for long already, which counts only for a call that
    /// would hold a thread meanwhile.
    pub(crate) fn is_slow(&self, wait: Wait) -> bool {
        let flight = self.flight.get();
        let is_long = || flight.under_way_since().is_some_and(|since| since.elapsed() >= PATIENCE);
        flight.pace(|pace| pace.is_slow()) || (wait == Wait::Allowed && is_long())
    }

    fn moment(&self) -> Moment {
        self.around.clock.moment()
    }

    fn stale(&self, known: Arc<Snapshot<D>>) -> Arc<Snapshot<D>> {
        self.counts.stale_served.fetch_add(1, Ordering::Relaxed);
        if !self.counts.stale_told.swap(true, Ordering::Relaxed) {
            let age = self.moment().since(known.began).as_secs();
            self.tell(Happening::StaleServed { age });
        }
        known
    }

    /// Skew that is new, gone, or others than it was.
    fn tell_skew(&self, before: Option<i64>, now: Option<i64>) {
        let beyond = |skew: &i64| skew.unsigned_abs() > self.around.leeway;
        let Some(skew) = now.filter(beyond) else { return };
        let told = before.filter(beyond);
        if told.is_none_or(|told| told.abs_diff(skew) > self.around.leeway) {
            self.tell(Happening::SkewSeen { skew });
        }
    }

    /// What came of a fetch, after so many failures before it.
    fn note(&self, outcome: &std::result::Result<Brought, FetchError>, failures: u32) {
        self.counts.throttled_told.store(false, Ordering::Relaxed);
        match outcome {
            Ok(_) => self.counts.stale_told.store(false, Ordering::Relaxed),
            Err(failure) => {
                self.counts.failures.fetch_add(1, Ordering::Relaxed);
                let (reason, failures) = (failure.reason.clone(), failures.saturating_add(1));
                self.tell(Happening::Failed { reason, failures });
            }
        }
    }

    /// Told once until the file is of use again.
    fn tell_refused(&self, reason: String) {
        if !self.counts.refused_told.swap(true, Ordering::Relaxed) {
            self.tell(Happening::SharedFileRefused { reason });
        }
    }

    fn tell_all(&self, news: Vec<Happening>) {
        news.into_iter().for_each(|happening| self.tell(happening));
    }

    fn tell(&self, happening: Happening) {
        self.around.journal.note(self.moment(), &self.issuer, D::NAME, happening);
    }
}

impl<D: Document> Landing<D> {
    /// Fetches and installs, on this thread.
    fn fetch(mut self) {
        self.outcome = self.cache.fetch(&self.errand, self.deadline);
    }

    /// Fetches on a thread that lives no longer than the fetch: an idle process stays idle. Where no
    /// thread can be had, dropping the unstarted work ends the flight.
    fn fetch_elsewhere(self) {
        let _ = thread::Builder::new().name("authkit-jwks".to_owned()).spawn(move || self.fetch());
    }
}

impl<D: Document> Drop for Landing<D> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Ok(Brought { new_key: false }));
        // First, so that who waited finds it told.
        self.cache.note(&outcome, self.flight.pace(|pace| pace.failures()));
        let attempt = Attempt {
            started: self.started_at,
            ended: self.cache.moment().monotonic,
            was_slow: self.started.elapsed() >= PATIENCE,
            is_look_up: self.errand.is_look_up,
        };
        self.flight.land(|pace| match outcome {
            Ok(Brought { new_key }) => pace.succeeded(attempt, new_key),
            Err(failure) => pace.failed(failure, attempt, random_octet()),
        });
        self.landings.end();
    }
}

/// The error for a key id that is in no key set.
pub(crate) fn unknown_key() -> Error {
    Error::new(Code::UnknownKey, "the token names a key that the issuer does not publish")
}

fn would_block() -> Error {
    Error::new(Code::WouldBlock, "the issuer's keys are being fetched")
}

fn fetch_needed() -> Error {
    Error::new(
        Code::FetchNeeded,
        "the issuer's keys must be fetched, and only a call that may wait fetches them",
    )
    .with_hint("refresh_mode is inline: call verify, not try_verify, on a thread that may wait")
}

/// What a host must do in the refresh mode `manual`.
const MANUAL_HINT: &str = "refresh_mode is manual: the host must call refresh before the first token, within each hour, and when a key is new";

/// The server's clock less ours, in whole seconds: 0 within the time that its answer took.
fn skew(theirs: i64, began: Moment, ended: Moment) -> i64 {
    let seconds = |moment: Moment| i64::try_from(moment.wall.as_secs()).unwrap_or(i64::MAX);
    // The date has whole seconds, cut off.
    match (theirs - seconds(began), theirs - seconds(ended)) {
        (early, _) if early < -1 => early,
        (_, late) if late > 1 => late,
        _ => 0,
    }
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
mod tests;
