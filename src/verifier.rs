//! The story of one token: from its octets to a verdict, told once, top to bottom.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::{Clock, FixedClock, Moment, SystemClock, after};
use crate::config::{Config, Issuer, KeySource, RefreshMode, insecure_host_warning};
use crate::error::{Class, Code, Error, Result, quoted};
use crate::fork::PerProcess;
use crate::journal::{Event, Happening, Journal};
use crate::jwks::cache::{Cache, Surroundings, unknown_key};
use crate::jwks::call::{Call, Wait};
use crate::jwks::dial::Dialer;
use crate::jwks::document::Document as _;
use crate::jwks::fetch::{self, HttpFetch};
use crate::jwks::keyset::{KeySet, Miss};
use crate::jwks::landings::Landings;
use crate::jwks::names::LookUp;
use crate::jwks::snapshot::Snapshot;
use crate::jwks::store::SharedFile;
use crate::log::LogLine;
use crate::resource::authorization_server::{Alternatives, ServerMetadata};
use crate::resource::challenge::Terms;
use crate::resource::decision::Decision;
use crate::resource::metadata::Metadata;
use crate::resource::request::Request;
use crate::resource::response::Response;
use crate::resource::{announced, authorization_server, well_known};
use crate::stats::{IssuerStats, Stats, TokenCacheStats, Verdicts};
use crate::token::claims::{Claims, Ticket};
use crate::token::compact::{Compact, explained};
use crate::token::header::Header;
use crate::token::json::Document;
use crate::token::policy::Policy;
use crate::token::{rules, scope};
use crate::verified::{Entry, VerifiedTokens};

/// Decides whether a bearer token may call this server.
///
/// Cheap to clone and free to share between threads; clones share their keys. Survives `fork()`:
/// the child keeps the keys and fetches for itself.
#[derive(Debug, Clone)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    /// One cache per issuer, in the configuration's order: a key verifies its own issuer's tokens only.
    /// The spellings of the session issuer are one issuer.
    keys: Vec<Arc<Cache<KeySet>>>,
    /// What is announced of the resource, where one is configured.
    metadata: Option<Metadata>,
    /// What the first authorization server says of itself, where that may be fetched.
    server_metadata: Option<Arc<Cache<ServerMetadata>>>,
    around: Surroundings,
    verdicts: Verdicts,
    /// `None` where none are to be kept.
    verified: Option<VerifiedTokens>,
}

/// A token that has passed every check that needs no key.
struct Candidate<'t> {
    header: Header,
    payload: Document,
    registered: rules::Registered,
    issuer: usize,
    signing_input: &'t [u8],
    signature: Vec<u8>,
}

impl Verifier {
    /// Makes a verifier; opens no connection, but reads `ca_file`. Keys are fetched when the first token
    /// needs them.
    ///
    /// # Errors
    /// [`Code::Config`] if given keys are not a usable key set, if `ca_file` cannot be read or holds no
    /// certificate, or if `proxy` is not a usable URL.
    pub fn new(config: Config) -> Result<Self> {
        let clock: Arc<dyn Clock> = match config.now {
            Some(unix_time) => Arc::new(FixedClock { unix_time, keys: SystemClock::new() }),
            None => Arc::new(SystemClock::new()),
        };
        Self::with_clock(config, clock, None)
    }

    /// As [`Self::new`], with the given clock and (if given) name look-up.
    pub(crate) fn with_clock(
        config: Config,
        clock: Arc<dyn Clock>,
        look_up: Option<Arc<LookUp>>,
    ) -> Result<Self> {
        let dialer = fetch::dialer(&config.network, look_up)
            .map_err(|reason| config.names.respell(Error::new(Code::Config, reason)))?;
        let dialer = Arc::new(dialer);
        let around = Surroundings {
            mode: config.refresh_mode,
            leeway: config.leeway,
            fetch_timeout: config.network.fetch_timeout,
            clock,
            journal: Arc::new(Journal::new(Arc::clone(&config.names))),
            landings: Arc::new(PerProcess::new(Landings::default)),
        };
        let keys = key_caches(&config, &dialer, &around)?;
        let metadata = Metadata::new(&config);
        let server_metadata = server_metadata_cache(&config, &dialer, &around).map(Arc::new);
        warn(&config, &dialer, &around);
        let verified = VerifiedTokens::new(config.token_cache_size);
        let verdicts = Verdicts::new();
        around.journal.log().start(config.start_lines());
        let inner = Inner { config, keys, metadata, server_metadata, around, verdicts, verified };
        Ok(Self(Arc::new(inner)))
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Judges a token. May wait for the network when keys are missing, too old, or without the one
    /// that the token names: at most `fetch_timeout` (5 s) in all.
    ///
    /// # Errors
    /// The first of these that applies: form ([`Code::TooLarge`], [`Code::Malformed`]), header
    /// ([`Code::CriticalHeader`], [`Code::Algorithm`], [`Code::Type`]), payload ([`Code::Malformed`]; [`Code::Type`]
    /// for an ID token), [`Code::Issuer`], other claims ([`Code::Claim`], [`Code::Expired`], [`Code::NotYetValid`],
    /// [`Code::Audience`]), key ([`Code::KeysUnavailable`], [`Code::UnknownKey`],
    /// [`Code::KeyUnconfirmed`], [`Code::Algorithm`]), [`Code::Signature`], [`Code::Scope`]. Before all of
    /// them, [`Code::Misuse`] if a demand of the policy has failed.
    pub fn verify(&self, token: impl AsRef<[u8]>, policy: &Policy) -> Result<Claims> {
        self.accept(token.as_ref(), policy, Wait::Allowed)
    }

    /// Judges a token without waiting.
    ///
    /// # Errors
    /// As [`Self::verify`]; and [`Code::WouldBlock`] if the answer needs the network and a fetch is under way. Then
    /// call [`Self::wait`] off the event loop and try again. In the refresh mode `inline` no fetch is started, and
    /// the error is [`Code::FetchNeeded`]: call [`Self::verify`] off the event loop.
    pub fn try_verify(&self, token: impl AsRef<[u8]>, policy: &Policy) -> Result<Claims> {
        self.accept(token.as_ref(), policy, Wait::No)
    }

    /// Decides whether a request may go on, by its `Authorization` header and its query; else says what
    /// to answer: status, `WWW-Authenticate` and body. May wait as [`Self::verify`] does.
    ///
    /// [`Decision::error`] has the code: those of [`Self::verify`], [`Code::NoCredentials`] and
    /// [`Code::InvalidRequest`].
    pub fn authorize(&self, request: &Request<'_>, policy: &Policy) -> Decision {
        self.decide(request, policy, Wait::Allowed)
    }

    /// Decides without waiting. [`Code::WouldBlock`] asks for [`Self::authorize`] off the event loop; as
    /// an answer it is a 503.
    pub fn try_authorize(&self, request: &Request<'_>, policy: &Policy) -> Decision {
        self.decide(request, policy, Wait::No)
    }

    /// Answers a request for one of this server's well-known documents: protected resource metadata
    /// (RFC 9728 §3), and, for clients that ask here for them, the first authorization server's (RFC 8414
    /// §3), which may be waited for as long as for keys. `None` for every other path. A host asks this
    /// first, whatever it serves, and needs no credentials for it.
    ///
    /// `path` is the path of the request's target as it came. The public URL in the documents is the
    /// configuration's, so that neither a proxy nor a mount changes what they say.
    #[must_use]
    pub fn well_known(&self, method: &str, path: &str) -> Option<Response> {
        self.answer_well_known(method, path, Wait::Allowed)
    }

    /// As [`Self::well_known`], without waiting: where the authorization server must be asked first, the
    /// answer is a 503 whose [`Response::error`] is [`Code::WouldBlock`].
    #[must_use]
    pub fn try_well_known(&self, method: &str, path: &str) -> Option<Response> {
        self.answer_well_known(method, path, Wait::No)
    }

    /// The protected resource metadata (RFC 9728), a JSON text; `None` where no resource is configured.
    #[must_use]
    pub fn resource_metadata(&self) -> Option<&str> {
        Some(&self.0.metadata.as_ref()?.document)
    }

    /// Where clients find the protected resource metadata: what challenges name.
    #[must_use]
    pub fn resource_metadata_url(&self) -> Option<&str> {
        Some(&self.0.metadata.as_ref()?.url)
    }

    /// Fetches every issuer's keys now and waits for them, 5 s at most each, all at once where the
    /// refresh mode allows threads; given keys stay as they are.
    ///
    /// # Errors
    /// [`Code::KeysUnavailable`] of the first issuer that failed, after all were asked. Keys that
    /// were there before stay in use.
    pub fn refresh(&self) -> Result<()> {
        let caches = self.distinct_caches();
        let outcomes: Vec<Result<()>> = match caches.as_slice() {
            [_, _, ..] if self.0.around.mode == RefreshMode::Background => thread::scope(|scope| {
                let asked: Vec<_> =
                    caches.iter().map(|cache| scope.spawn(|| cache.refresh())).collect();
                asked.into_iter().map(|asked| asked.join().unwrap_or_else(broken_off)).collect()
            }),
            _ => caches.iter().map(|cache| cache.refresh()).collect(),
        };
        if let (RefreshMode::Manual, Some(cache)) = (self.0.around.mode, &self.0.server_metadata) {
            // Nothing else fetches them in this mode. Clients miss them, no verdict does.
            let _ = cache.refresh();
        }
        self.respelled(outcomes.into_iter().collect())
    }

    /// Starts to fetch every issuer's keys and returns at once; [`Self::wait`] tells when one ended.
    ///
    /// # Errors
    /// [`Code::Misuse`] in the refresh modes `inline` and `manual`, which make no threads.
    pub fn start_refresh(&self) -> Result<()> {
        if self.0.around.mode != RefreshMode::Background {
            return Err(Error::new(
                Code::Misuse,
                "a refresh can be started in the refresh mode background only",
            ));
        }
        self.0.keys.iter().for_each(Cache::start_refresh);
        Ok(())
    }

    /// How many fetches have ended in this process, for [`Self::wait`].
    #[must_use]
    pub fn fetches_ended(&self) -> u64 {
        self.0.around.landings.get().ended()
    }

    /// Waits until a fetch has ended since [`Self::fetches_ended`] gave `seen`. False if no fetch has ended before
    /// `timeout`, which may have any length, or if none was under way for a second.
    ///
    /// For hosts with an event loop: read `seen`, [`Self::try_verify`], and on [`Code::WouldBlock`]
    /// wait on another thread, at most a second each time, then try again; 5 s in all.
    #[must_use]
    pub fn wait(&self, seen: u64, timeout: Duration) -> bool {
        self.0.around.landings.get().wait(seen, timeout)
    }

    /// Waits until every issuer has keys to judge by, fetching those that are missing: for the start
    /// of a server, or its readiness check. Returns at once if all are there. If a fetch fails, it tries again, as
    /// often as the timeout allows. The timeout may have any length.
    ///
    /// # Errors
    /// After `timeout`, of the first issuer without keys: [`Code::KeysUnavailable`], or
    /// [`Code::WouldBlock`] while its first fetch is under way.
    pub fn wait_ready(&self, timeout: Duration) -> Result<()> {
        let deadline = after(timeout);
        loop {
            let seen = self.fetches_ended();
            let missing = self.start_missing();
            let left = deadline.saturating_duration_since(Instant::now());
            match missing {
                None => return Ok(()),
                Some(error) if left.is_zero() => return self.respelled(Err(error)),
                Some(error) => self.await_change(&error, seen, left),
            }
        }
    }

    /// Each cache once, though several issuers may share it.
    fn distinct_caches(&self) -> Vec<&Arc<Cache<KeySet>>> {
        let keys = &self.0.keys;
        let is_first = |at: usize, cache| !keys.iter().take(at).any(|one| Arc::ptr_eq(one, cache));
        keys.iter().enumerate().filter(|(at, cache)| is_first(*at, cache)).map(|it| it.1).collect()
    }

    /// Has every fetch started that is missing; the first error, preferably one that says why.
    fn start_missing(&self) -> Option<Error> {
        let errors = self.0.keys.iter().filter_map(|cache| cache.is_ready().err());
        errors.min_by_key(|error| error.code().class() == Class::WouldBlock)
    }

    /// Waits for what may end this error: a fetch that ends, or the end of a pause.
    fn await_change(&self, error: &Error, seen: u64, left: Duration) {
        let landings = self.0.around.landings.get();
        match error.code() {
            // This caller can wait, so it is the one to fetch.
            Code::FetchNeeded => {
                let call = || Call::new(Wait::Allowed, self.0.around.clock.moment());
                self.0.keys.iter().for_each(|cache| drop(cache.current(&call())));
            }
            Code::WouldBlock => drop(landings.wait(seen, left)),
            _ => {
                let pause = Duration::from_secs(error.retry_after().unwrap_or(1).into());
                let _ = landings.wait(seen, pause.min(left));
            }
        }
    }

    /// The keys' state, and what has been counted since the verifier was made.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let issuers = self.0.config.issuers.iter().zip(&self.0.keys);
        Stats {
            issuers: issuers.map(|(issuer, cache)| issuer_stats(issuer, cache)).collect(),
            verdicts: self.0.verdicts.read(),
            token_cache: self.token_cache_stats(),
            events_lost: self.0.around.journal.lost(),
        }
    }

    fn token_cache_stats(&self) -> TokenCacheStats {
        let (entries, bytes) = self.0.verified.as_ref().map_or((0, 0), VerifiedTokens::size);
        TokenCacheStats {
            entries: entries as u64,
            bytes: bytes as u64,
            hits: self.0.verdicts.hits(),
        }
    }

    /// The next line for the host's log that belongs to no request; none of them comes twice. First come the lines
    /// for the start: the resource indicator, the issuers, the scopes, and settings that weaken the guard. Then come
    /// trouble with keys, its end, and counts of refusals that were not told ([`Decision::log_line`]). A host takes
    /// them until there is none: when it starts, after a refusal, and about each second. At most 64 wait.
    ///
    /// Once [`Self::next_event`] was called there are no lines about keys: a host that takes the events tells of them.
    #[must_use]
    pub fn next_log_line(&self) -> Option<LogLine> {
        self.0.around.journal.log().next(self.0.around.clock.moment())
    }

    /// The oldest event that has not been taken yet. At most 256 wait; older ones are lost.
    #[must_use]
    pub fn next_event(&self) -> Option<Event> {
        self.0.around.journal.next()
    }

    /// Installs keys for an issuer (`None`: the only one) in place of what it has. The spellings of the
    /// session issuer (`session_client_id`) share their keys.
    ///
    /// # Errors
    /// [`Code::Config`] for an issuer that is not allow-listed or a document without a usable key;
    /// the keys in use stay.
    pub fn set_jwks(&self, issuer: Option<&str>, document: &str) -> Result<()> {
        let issuers = &self.0.config.issuers;
        let position = match issuer {
            Some(name) => issuers.iter().position(|known| known.name == name),
            None if issuers.len() == 1 => Some(0),
            None => None,
        };
        let cache = position.and_then(|position| self.0.keys.get(position));
        cache
            .ok_or_else(|| {
                Error::new(Code::Config, "the issuer to set keys for is not in the configuration")
            })?
            .give(document)
    }

    fn decide(&self, request: &Request<'_>, policy: &Policy, wait: Wait) -> Decision {
        let verdict = match policy.check_whole().and_then(|()| request.token()) {
            Ok(token) => self.accept(token, policy, wait),
            Err(error) => self.counted(Err(error)),
        };
        let decision = Decision::new(verdict, || self.terms(policy));
        self.logged(decision, policy)
    }

    /// The decision, with the line for the host's log if one is due.
    fn logged(&self, decision: Decision, policy: &Policy) -> Decision {
        let Some(error) = decision.error() else { return decision };
        let (log, moment) = (self.0.around.journal.log(), self.0.around.clock.moment());
        let status = decision.response().status();
        let line = log.refused(error, status, policy.tool.as_deref(), moment);
        decision.with_log_line(line)
    }

    fn answer_well_known(&self, method: &str, path: &str, wait: Wait) -> Option<Response> {
        let metadata = self.0.metadata.as_ref();
        let resource_path = metadata.map_or("", |metadata| metadata.path.as_str());
        match well_known::Document::at(path, resource_path)? {
            well_known::Document::ProtectedResource => {
                let metadata = metadata?;
                Some(well_known::answer(method, || metadata.response()))
            }
            well_known::Document::AuthorizationServer => {
                let cache = self.0.server_metadata.as_ref()?;
                let mut keys = self.0.keys.iter().filter(|keys| keys.issuer() == cache.issuer());
                let call = Call::new(wait, self.0.around.clock.moment())
                    .given_up_if(keys.any(|keys| keys.is_slow(wait)));
                Some(well_known::answer(method, || {
                    let found = cache.current(&call);
                    authorization_server::response(found.map(|found| Arc::clone(&found.document)))
                }))
            }
        }
    }

    /// What a challenge says of an operation: all its scopes, and where the metadata are.
    fn terms<'t>(&'t self, policy: &'t Policy) -> Terms<'t> {
        // Of scopes of which any one will do, the first: a client is to ask for few.
        // Those that only a role grants are left out: a client would ask for them in vain.
        let config = &self.0.config;
        let is_asked_for = |scope: &&String| config.is_granted_by_login(scope);
        let first = |group: &'t Vec<String>| group.iter().find(is_asked_for);
        let any = policy.alternatives.iter().filter_map(first);
        let all = config.required_scopes.iter().chain(&policy.scopes).filter(is_asked_for);
        Terms { scopes: announced(all.chain(any)), metadata_url: self.resource_metadata_url() }
    }

    /// Judges a token: by what is known of it, where that says that it is good; from scratch otherwise.
    pub(crate) fn accept(&self, token: &[u8], policy: &Policy, wait: Wait) -> Result<Claims> {
        if let Some(claims) = self.recall(token, policy, Entry::hand_out) {
            return Ok(claims);
        }
        self.counted(self.verdict(token, policy, wait))
    }

    fn counted<T>(&self, verdict: Result<T>) -> Result<T> {
        self.0.verdicts.count(&verdict);
        self.respelled(verdict)
    }

    /// An error in the spelling of whoever configured this verifier.
    fn respelled<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.0.config.names.respell(error))
    }

    /// The ticket of a token that is kept and is good now, for this policy too; 0 says nothing of a token.
    pub(crate) fn ticket(&self, token: &[u8], policy: &Policy) -> Ticket {
        self.recall(token, policy, |entry| entry.claims.ticket()).unwrap_or(0)
    }

    /// As [`Self::ticket`], of the token in a request.
    pub(crate) fn ticket_of_request(&self, request: &Request<'_>, policy: &Policy) -> Ticket {
        request.token().map_or(0, |token| self.ticket(token, policy))
    }

    /// A token that was accepted is accepted again as long as the very key set that signed it is in force
    /// and fresh, and its times and scopes pass anew. Whatever else is the case is for the whole story to
    /// tell, so that a verdict cannot depend on what was kept.
    fn recall<R>(
        &self,
        token: &[u8],
        policy: &Policy,
        read: impl FnOnce(&Entry) -> R,
    ) -> Option<R> {
        let found = self.0.verified.as_ref()?.find(token)?;
        let entry = found.entry()?;
        let (keys, moment) = (self.0.keys.get(entry.issuer)?, self.0.around.clock.moment());
        let is_good = policy.is_whole()
            && keys.is_fresh_and(moment, |keys| entry.is_signed_by(keys))
            && rules::still_in_time(&entry.claims, &self.0.config, self.now(moment, policy))
            && self.check_scopes(&entry.claims, policy).is_ok();
        is_good.then(|| {
            entry.touch();
            self.0.verdicts.count_hit();
            read(entry)
        })
    }

    fn verdict(&self, token: &[u8], policy: &Policy, wait: Wait) -> Result<Claims> {
        policy.check_whole()?;
        let began = self.0.around.clock.moment();
        let candidate = self.read(token, began, policy)?;
        let keys = self
            .check_signature(&candidate, began, wait)
            .map_err(|error| error.of_client(rules::client_id(&candidate.payload)))?;
        let issuer = candidate.issuer;
        let claims = Claims::new(candidate.header, candidate.payload, candidate.registered);
        self.check_scopes(&claims, policy)
            .map_err(|error| error.of_client(rules::client_id(claims.payload())))?;
        let verified = self.0.verified.as_ref();
        let ticket = verified.map_or(0, |verified| verified.keep(token, &claims, issuer, &keys));
        Ok(claims.with_ticket(ticket))
    }

    fn check_scopes(&self, claims: &Claims, policy: &Policy) -> Result<()> {
        let config = &self.0.config;
        let required = config.required_scopes.iter().chain(&policy.scopes);
        scope::require(claims.granted(), required, &policy.alternatives, config)
    }

    /// Everything that can be judged without a key, so that no dead or foreign token costs a
    /// look-up, let alone a fetch.
    fn read<'t>(&self, token: &'t [u8], began: Moment, policy: &Policy) -> Result<Candidate<'t>> {
        let config = &self.0.config;
        let what = |error| explained(error, token);
        let parts = Compact::split(token).map_err(what)?;
        let header_object = parts.header_object().map_err(what)?;
        let header = Header::of(&header_object, &config.algorithms, config.type_policy)?;
        let payload = parts.payload_object(header_object).map_err(what)?;
        let signature = parts.signature_octets().map_err(what)?;
        let (issuer, registered) = self
            .judge_claims(&payload, began, policy)
            .map_err(|error| error.of_client(rules::client_id(&payload)))?;
        Ok(Candidate {
            header,
            payload,
            registered,
            issuer,
            signing_input: parts.signing_input,
            signature,
        })
    }

    fn judge_claims(
        &self,
        payload: &Document,
        began: Moment,
        policy: &Policy,
    ) -> Result<(usize, rules::Registered)> {
        let config = &self.0.config;
        let claims = rules::Named::of(payload);
        rules::refuse_id_token(&claims, config)?;
        let (issuer, trusted) = rules::issuer(&claims, config)?;
        let registered = rules::judge(&claims, config, trusted, self.now(began, policy))
            .map_err(|error| self.explain_times(error, issuer, policy))?;
        Ok((issuer, registered))
    }

    /// A token that is out of its time may be the fault of this machine's clock, the most opaque
    /// failure there is.
    fn explain_times(&self, error: Error, issuer: usize, policy: &Policy) -> Error {
        if !matches!(error.code(), Code::Expired | Code::NotYetValid) {
            return error;
        }
        if policy.now.is_some() {
            return match error.code() {
                Code::NotYetValid => error.with_hint(
                    "the host judges as of a time that it gave, not by this machine's clock",
                ),
                _ => error,
            };
        }
        if self.0.config.now.is_some() {
            let setting = self.0.config.called("now");
            return error.with_hint(format!("judged as of the time that {setting} sets, not by this machine's clock; if that is not meant, unset {setting}"));
        }
        match self.0.keys.get(issuer).and_then(|cache| cache.skew_beyond_leeway()) {
            Some(skew) => error.with_hint(skew_hint(skew)),
            None => error,
        }
    }

    /// An unknown key id may have been rotated in: as long as the keys are older than this call, they
    /// are fetched once more, then looked through again. Gives the key set with the key that signed.
    fn check_signature(
        &self,
        candidate: &Candidate<'_>,
        began: Moment,
        wait: Wait,
    ) -> Result<Arc<KeySet>> {
        let keys = self.0.keys.get(candidate.issuer);
        let keys = keys.ok_or_else(|| Error::new(Code::Internal, "an issuer has no keys"))?;
        let key_id = candidate.header.key_id(&candidate.payload);
        let call = Call::new(wait, began).for_key(key_id);
        let mut snapshot = keys.current(&call)?;
        loop {
            match (candidate.check_against(&snapshot), key_id) {
                (Err(Some(Miss::UnknownId)), Some(key_id)) => {
                    let newer = keys.newer_than(&snapshot, key_id, &call);
                    snapshot = newer
                        .map_err(|error| self.explain_unknown(error, key_id, candidate.issuer))?;
                }
                (Ok(()), _) => return Ok(Arc::clone(&snapshot.document)),
                (Err(miss), _) => return Err(refusal(miss, key_id)),
            }
        }
    }

    /// What is known about a key that is not among the issuer's: asserts no more than what was looked at.
    #[cold]
    fn explain_unknown(&self, error: Error, key_id: &str, issuer: usize) -> Error {
        let found = self.0.config.issuers.get(issuer).zip(self.0.keys.get(issuer));
        let Some((issuer, cache)) = found.filter(|_| error.code() == Code::UnknownKey) else {
            return error;
        };
        let named = quoted(key_id);
        let document = cache.in_force().map(|known| Arc::clone(&known.document));
        let illegible = document.as_ref().and_then(|document| document.illegible());
        let unknown = |reason| Error::new(Code::UnknownKey, reason);
        match (&issuer.keys, illegible) {
            (_, Some(entry)) => unknown(format!(
                "the token names the key {named}, which is not among the issuer's legible keys"
            ))
            .with_hint(format!(
                "it may be entry {} of the JWKS, which is unusable and has no legible kid: {}",
                entry.index, entry.reason
            )),
            (KeySource::Static(_), None) => {
                unknown(format!("the token names the key {named}, which is not among the given ones"))
                    .with_hint(format!(
                        "if the issuer has a new key, add it to {}",
                        self.0.config.called("jwks")
                    ))
            }
            (KeySource::Url(_), None) => unknown(format!(
                "the token names the key {named}, which the issuer does not publish"
            ))
            .with_hint("no setting needs to change: if the issuer has withdrawn that key, the client must get a new token; otherwise the token is forged"),
        }
    }

    #[allow(clippy::cast_precision_loss)] // exact below 2^53, far beyond any token's time
    fn now(&self, moment: Moment, policy: &Policy) -> f64 {
        let by_the_clock = || self.0.around.clock.unix_time(moment);
        policy.now.map_or_else(by_the_clock, |unix_time| unix_time as f64)
    }
}

impl Candidate<'_> {
    /// Whether a key of the set made the signature; `Err(None)` where the fitting ones did not.
    fn check_against(&self, snapshot: &Snapshot<KeySet>) -> std::result::Result<(), Option<Miss>> {
        let key_id = self.header.key_id(&self.payload);
        let mut keys = snapshot.document.candidates(key_id, self.header.algorithm)?;
        if keys.any(|key| key.public.verifies(self.signing_input, &self.signature)) {
            Ok(())
        } else {
            Err(None)
        }
    }
}

#[cold]
fn refusal(miss: Option<Miss>, key_id: Option<&str>) -> Error {
    let named = quoted(key_id.unwrap_or_default());
    match miss {
        None => {
            Error::new(Code::Signature, "the signature does not fit the token and the issuer's key")
                .with_hint("the token was altered, or a key that is not the issuer's signed it; no setting needs to change, unless keys are given (jwks)")
        }
        Some(Miss::UnknownId) => unknown_key(),
        Some(Miss::Dropped(reason)) => {
            let reason =
                format!("the issuer publishes the key {named}, but it is unusable: {reason}");
            Error::new(Code::UnknownKey, reason)
                .with_hint("the issuer must publish it in another form; AuthKit's own keys are usable")
        }
        Some(Miss::OtherAlgorithm) => {
            let reason = format!("the key {named} is for another algorithm than the token says");
            Error::new(Code::Algorithm, reason)
                .with_hint("no setting needs to change: a key verifies one algorithm alone")
        }
        Some(Miss::NotNamed) => Error::new(
            Code::UnknownKey,
            "the token names no key (kid), and not exactly one would do",
        )
        .with_hint("AuthKit's tokens name theirs; let the issuer put kid into the header"),
    }
}

/// A cache for each issuer. Where several spellings of the session issuer name one JWKS, they share its
/// cache, and it is fetched once.
fn key_caches(
    config: &Config,
    dialer: &Arc<Dialer>,
    around: &Surroundings,
) -> Result<Vec<Arc<Cache<KeySet>>>> {
    let mut caches: Vec<Arc<Cache<KeySet>>> = Vec::with_capacity(config.issuers.len());
    for issuer in &config.issuers {
        let twin = config.issuers.iter().position(|other| other.shares_keys_with(issuer));
        let shared = twin.and_then(|twin| caches.get(twin)).cloned();
        caches.push(match shared {
            Some(shared) => shared,
            None => Arc::new(key_cache(issuer, config, dialer, around)?),
        });
    }
    Ok(caches)
}

fn key_cache(
    issuer: &Issuer,
    config: &Config,
    dialer: &Arc<Dialer>,
    around: &Surroundings,
) -> Result<Cache<KeySet>> {
    let (algorithms, around) = (config.algorithms.clone(), around.clone());
    match &issuer.keys {
        KeySource::Static(document) => Cache::given(&issuer.name, document, algorithms, around),
        KeySource::Url(url) => {
            let (address, setting) = (url.clone(), config.called(issuer.keys_setting));
            let fetch = HttpFetch { url: address, setting, dialer: Arc::clone(dialer) };
            let directory = config.jwks_cache_dir.as_deref();
            let shared = directory.map(|dir| SharedFile::new(dir, &issuer.name, url));
            Ok(Cache::fetched(&issuer.name, Box::new(fetch), shared, algorithms, around))
        }
    }
}

/// The first authorization server's metadata; none if its keys were given, since then nothing is fetched.
fn server_metadata_cache(
    config: &Config,
    dialer: &Arc<Dialer>,
    around: &Surroundings,
) -> Option<Cache<ServerMetadata>> {
    let mut fetched =
        config.authorization_servers().filter(|issuer| matches!(issuer.keys, KeySource::Url(_)));
    let Issuer { name: issuer, setting, .. } = fetched.next()?.clone();
    let source = Box::new(Alternatives::of(&issuer, config.called(setting), dialer));
    Some(Cache::fetched(&issuer, source, None, issuer.clone(), around.clone()))
}

/// Warns at the start about how keys are fetched, if an operator should know.
fn warn(config: &Config, dialer: &Dialer, around: &Surroundings) {
    let mut fetched =
        config.issuers.iter().filter(|issuer| matches!(issuer.keys, KeySource::Url(_))).peekable();
    if fetched.peek().is_none() {
        return;
    }
    let problems = dialer.problems();
    let now = around.clock.moment();
    for issuer in fetched {
        let insecure = config.insecure_host(issuer).map(insecure_host_warning);
        for reason in insecure.into_iter().chain(problems.iter().cloned()) {
            around.journal.note(now, &issuer.name, KeySet::NAME, Happening::Warned { reason });
        }
    }
}

fn issuer_stats(issuer: &Issuer, cache: &Cache<KeySet>) -> IssuerStats {
    let keys = cache.in_force().map(|snapshot| Arc::clone(&snapshot.document));
    IssuerStats {
        issuer: issuer.name.clone(),
        jwks_url: match &issuer.keys {
            KeySource::Url(url) => Some(url.clone()),
            KeySource::Static(_) => None,
        },
        keys: keys.as_ref().map(|keys| keys.admitted()).unwrap_or_default(),
        dropped: keys.map(|keys| keys.dropped().to_vec()).unwrap_or_default(),
        document: cache.stats(),
    }
}

fn skew_hint(skew: i64) -> String {
    let (seconds, direction) = (skew.unsigned_abs(), if skew > 0 { "behind" } else { "ahead of" });
    format!("this machine's clock is {seconds} s {direction} the issuer's: set it by NTP")
}

/// A refresh on a thread that panicked.
fn broken_off<E>(_: E) -> Result<()> {
    Err(Error::new(Code::Internal, "a refresh was broken off"))
}
