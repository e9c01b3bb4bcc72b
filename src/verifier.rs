//! The story of one token: from its octets to a verdict, told once, top to bottom.

use std::sync::Arc;

use crate::clock::{Clock, FixedClock, SystemClock};
use crate::config::{Config, Issuer, KeySource};
use crate::error::{Code, Error, Result};
use crate::jwks::cache::{KeyCache, Snapshot, Wait, unknown_key};
use crate::jwks::fetch::HttpFetch;
use crate::jwks::keyset::Miss;
use crate::token::claims::Claims;
use crate::token::compact::Compact;
use crate::token::header::Header;
use crate::token::json::Document;
use crate::token::policy::Policy;
use crate::token::{rules, scope};

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
    keys: Vec<Arc<KeyCache>>,
    clock: Arc<dyn Clock>,
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
    /// Makes a verifier; opens no connection. Keys are fetched when the first token needs them.
    ///
    /// # Errors
    /// [`Code::Config`] where given keys are no usable key set.
    pub fn new(config: Config) -> Result<Self> {
        let clock: Arc<dyn Clock> = match config.now {
            Some(unix_time) => Arc::new(FixedClock { unix_time, keys: SystemClock::new() }),
            None => Arc::new(SystemClock::new()),
        };
        Self::with_clock(config, clock)
    }

    /// A verifier that takes both of its times from this clock.
    pub(crate) fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let keys = config
            .issuers
            .iter()
            .map(|issuer| key_cache(issuer, &config, &clock))
            .collect::<Result<_>>()?;
        Ok(Self(Arc::new(Inner { config, keys, clock })))
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Judges a token. May wait for the network when keys are missing, too old, or
    /// without the one that the token names: for two fetches of 5 s each at the very most.
    ///
    /// # Errors
    /// The first of these that applies: form ([`Code::TooLarge`], [`Code::Malformed`]), header
    /// ([`Code::CriticalHeader`], [`Code::Algorithm`], [`Code::Type`]), payload ([`Code::Malformed`]),
    /// [`Code::Issuer`], other claims ([`Code::Claim`], [`Code::Expired`], [`Code::NotYetValid`],
    /// [`Code::Audience`]), key ([`Code::KeysUnavailable`], [`Code::UnknownKey`],
    /// [`Code::Algorithm`]), [`Code::Signature`], [`Code::Scope`].
    pub fn verify(&self, token: impl AsRef<[u8]>, policy: &Policy) -> Result<Claims> {
        self.judge(token.as_ref(), policy, Wait::Allowed)
    }

    /// Judges a token without waiting.
    ///
    /// # Errors
    /// As [`Self::verify`]; and [`Code::WouldBlock`] when the answer needs the network: a fetch is
    /// then under way, and [`Self::verify`] off the event loop will wait for it.
    pub fn try_verify(&self, token: impl AsRef<[u8]>, policy: &Policy) -> Result<Claims> {
        self.judge(token.as_ref(), policy, Wait::No)
    }

    /// Fetches every issuer's keys now, one after the other, 5 s at most each; given keys stay as
    /// they are.
    ///
    /// # Errors
    /// [`Code::KeysUnavailable`] of the first issuer that failed, after all were asked. Keys that
    /// were there before stay in use.
    pub fn refresh(&self) -> Result<()> {
        let failures: Vec<Error> =
            self.0.keys.iter().filter_map(|cache| cache.refresh().err()).collect();
        failures.into_iter().next().map_or(Ok(()), Err)
    }

    /// Installs keys for an issuer (`None`: the only one) in place of what it has.
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

    fn judge(&self, token: &[u8], policy: &Policy, wait: Wait) -> Result<Claims> {
        let candidate = self.read(token, policy)?;
        self.check_signature(&candidate, wait)?;
        let config = &self.0.config;
        let required = config.required_scopes.iter().chain(&policy.scopes);
        scope::require(&candidate.registered.scopes, required, &config.scope_hierarchy)?;
        Ok(Claims::new(candidate.header, candidate.payload, candidate.registered))
    }

    /// Everything that can be judged without a key, so that no dead or foreign token costs a
    /// look-up, let alone a fetch.
    fn read<'t>(&self, token: &'t [u8], policy: &Policy) -> Result<Candidate<'t>> {
        let config = &self.0.config;
        let parts = Compact::split(token)?;
        let header = Header::parse(parts.header, &config.algorithms, config.type_policy)?;
        let payload = parts.payload_object()?;
        let signature = parts.signature_octets()?;
        let (issuer, trusted) = rules::issuer(&payload, config)?;
        let registered = rules::judge(&payload, config, trusted, self.now(policy))?;
        Ok(Candidate {
            header,
            payload,
            registered,
            issuer,
            signing_input: parts.signing_input,
            signature,
        })
    }

    /// An unknown key id may have been rotated in: one fetch within this call, then one more look.
    fn check_signature(&self, candidate: &Candidate<'_>, wait: Wait) -> Result<()> {
        let keys = self.0.keys.get(candidate.issuer);
        let keys = keys.ok_or_else(|| Error::new(Code::Internal, "an issuer has no keys"))?;
        let snapshot = keys.current(wait)?;
        match (candidate.check_against(&snapshot), candidate.header.key_id.as_deref()) {
            (Err(Some(Miss::UnknownId)), Some(key_id)) => {
                let newer = keys.newer_than(&snapshot, key_id, wait)?;
                candidate.check_against(&newer).map_err(refusal)
            }
            (checked, _) => checked.map_err(refusal),
        }
    }

    #[allow(clippy::cast_precision_loss)] // exact below 2^53, far beyond any token's time
    fn now(&self, policy: &Policy) -> f64 {
        policy.now.map_or_else(|| self.0.clock.unix_time(), |unix_time| unix_time as f64)
    }
}

impl Candidate<'_> {
    /// Whether a key of the set made the signature; `Err(None)` where the fitting ones did not.
    fn check_against(&self, snapshot: &Snapshot) -> std::result::Result<(), Option<Miss>> {
        let mut keys =
            snapshot.keys.candidates(self.header.key_id.as_deref(), self.header.algorithm)?;
        if keys.any(|key| key.public.verifies(self.signing_input, &self.signature)) {
            Ok(())
        } else {
            Err(None)
        }
    }
}

fn refusal(miss: Option<Miss>) -> Error {
    match miss {
        None => {
            Error::new(Code::Signature, "the signature does not fit the token and the issuer's key")
        }
        Some(Miss::UnknownId) => unknown_key(),
        Some(Miss::OtherAlgorithm) => {
            Error::new(Code::Algorithm, "the key that the token names is for another algorithm")
        }
        Some(Miss::NotNamed) => Error::new(
            Code::UnknownKey,
            "the token names no key (kid), and not exactly one would do",
        ),
    }
}

fn key_cache(issuer: &Issuer, config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<KeyCache>> {
    let (algorithms, clock) = (config.algorithms.clone(), Arc::clone(clock));
    let cache = match &issuer.keys {
        KeySource::Static(document) => KeyCache::given(document, algorithms, clock)?,
        KeySource::Url(url) => {
            let fetch = HttpFetch { url: url.clone(), network: config.network.clone() };
            KeyCache::fetched(Box::new(fetch), algorithms, clock)
        }
    };
    Ok(Arc::new(cache))
}
