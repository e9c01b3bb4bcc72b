//! What the `authkit` command and the tests need beyond the public API: signature checks alone, for
//! published test vectors whose payloads are no claims, a token's parts without a verdict, what a
//! configuration makes the library do on the network, and a verifier whose hours pass in milliseconds.
//!
//! Behind a feature that the libraries are built without: it is no way around the claims.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::clock::{Clock, Moment, SystemClock};
use crate::config::{Config, KeySource, Network, TypePolicy};
use crate::error::{Code, Error, Result};
use crate::foreign;
use crate::jwks::dial::Dialer;
use crate::jwks::fetch;
use crate::jwks::keyset::{KeySet, Miss};
use crate::token::base64url;
use crate::token::compact::{Compact, MAX_TOKEN_LENGTH, object, octets};
use crate::token::header::Header;
use crate::token::json::{Document, Value};
use crate::token::signature::PublicKey;
use crate::verifier::Verifier;

/// Whether this library verifies signatures of the algorithm (RFC 7518 §3.1).
#[must_use]
pub fn is_supported(algorithm: &str) -> bool {
    Algorithm::from_name(algorithm).is_some()
}

/// What a configuration says of the network and of tokens, for a diagnosis that asks the same servers.
#[derive(Debug)]
pub struct Setup<'c> {
    network: &'c Network,
    /// Clock skew allowed, in seconds.
    pub leeway: u64,
    /// Scopes that every token must carry.
    pub required_scopes: &'c [String],
    /// Each issuer with the URL of its keys; none where they are given.
    pub issuers: Vec<(&'c str, Option<&'c str>)>,
}

impl<'c> Setup<'c> {
    /// Reads a configuration.
    #[must_use]
    pub fn of(config: &'c Config) -> Self {
        let issuers = config.issuers.iter().map(|issuer| match &issuer.keys {
            KeySource::Url(url) => (issuer.name.as_str(), Some(url.as_str())),
            KeySource::Static(_) => (issuer.name.as_str(), None),
        });
        Self {
            network: &config.network,
            leeway: config.leeway,
            required_scopes: &config.required_scopes,
            issuers: issuers.collect(),
        }
    }

    /// Whether `http://` to this host is allowed; an IPv6 address stands in brackets.
    #[must_use]
    pub fn allows_http_to(&self, host: &str) -> bool {
        self.network.allows_http_to(host)
    }
}

/// Sends requests over connections as the library itself makes them: the same authorities, proxy, addresses.
#[derive(Debug)]
pub struct Requester(Arc<Dialer>);

/// Where a server can be reached whose public name does not lead to it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address; an IPv6 address in brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Why a request has no answer.
#[derive(Debug)]
pub struct Obstacle {
    /// One sentence of ours: the phase, the address, the time that it took, what to change.
    pub reason: String,
    /// A server answers, but its TLS is not acceptable.
    pub is_tls: bool,
}

impl Requester {
    /// As the configuration wants connections.
    ///
    /// # Errors
    /// [`Code::Config`] if `ca_file` or `proxy` is unusable.
    pub fn new(setup: &Setup<'_>) -> Result<Self> {
        let dialer = fetch::dialer(setup.network, None);
        let dialer = dialer.map_err(|reason| Error::new(Code::Config, reason))?;
        Ok(Self(Arc::new(dialer)))
    }

    /// The same, but each connection goes to this place, past any proxy. Names in URLs, `Host` and TLS stay.
    ///
    /// # Errors
    /// As [`Requester::new`].
    pub fn through(setup: &Setup<'_>, place: &Place) -> Result<Self> {
        let dialer = fetch::dialer(setup.network, None);
        let dialer = dialer.map_err(|reason| Error::new(Code::Config, reason))?;
        Ok(Self(Arc::new(dialer.always_to(&place.host, place.port))))
    }

    /// Sends one request; `config` has the limit to all of it.
    ///
    /// # Errors
    /// Why the head of the answer did not come.
    pub fn ask(
        &self,
        config: ureq::config::Config,
        request: ureq::http::Request<impl ureq::AsSendBody>,
    ) -> std::result::Result<ureq::http::Response<ureq::Body>, Obstacle> {
        fetch::ask(&self.0, config, request)
            .map_err(|error| Obstacle { reason: error.to_string(), is_tls: error.is_tls })
    }
}

/// Why a file operation failed, to follow the file's name and a colon.
#[must_use]
pub fn file_problem(error: &io::Error) -> String {
    foreign::file(error)
}

/// Why a connection failed, to follow the word connection.
#[must_use]
pub fn connection_problem(error: &io::Error) -> String {
    foreign::connection(error)
}

/// What is wrong with a text that should be JSON.
#[must_use]
pub fn json_problem(error: &serde_json::Error) -> String {
    foreign::json(error)
}

/// A token's parts as the strict parser reads them, each by itself. Proven by nothing.
#[derive(Debug)]
pub struct Parts {
    /// The JOSE header.
    pub header: Result<Object>,
    /// The payload, where it is a JSON object.
    pub payload: Result<Object>,
    /// The signature's length in octets.
    pub signature: Result<usize>,
}

/// A JSON object out of a token.
#[derive(Debug)]
pub struct Object(Document);

impl Object {
    /// The object as it stands in the token.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.text()
    }

    /// A member's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.0.get(name)
    }

    /// Name and value of each member, in the token's order.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        self.0.root().members().filter_map(|(name, value)| Some((name.as_str()?, value)))
    }
}

/// Takes a token apart without judging what it says.
///
/// # Errors
/// [`Code::TooLarge`] or [`Code::Malformed`] where it has not three parts.
pub fn decode(token: &[u8]) -> Result<Parts> {
    let parts = Compact::split(token)?;
    Ok(Parts {
        header: object(parts.header, "header").map(Object),
        payload: object(parts.payload, "payload").map(Object),
        signature: parts.signature_octets().map(|octets| octets.len()),
    })
}

/// Whether a token's signature is by a key of the set. Its type, its payload and its key's name do
/// not matter: published vectors sign all sorts of things.
///
/// # Errors
/// As a verifier's for form, header, key and signature.
pub fn verify_jws(jwks: &str, token: &[u8], algorithms: &[&str]) -> Result<()> {
    let allowed: Vec<Algorithm> =
        algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect();
    let parts = split(token)?;
    let header_object = object(&without_type(parts.header)?, "header")?;
    let header = Header::of(&header_object, &allowed, TypePolicy::Any)?;
    octets(parts.payload, "payload")?;
    let signature = parts.signature_octets()?;
    check(jwks, header.key_id(&header_object), header.algorithm, parts.signing_input, &signature)
}

/// Whether a signature over a message is by a key of the set. The arithmetic alone: an RSA exponent
/// that no key set of ours would admit is good enough for a vector about padding.
///
/// # Errors
/// [`Code::Algorithm`]; [`Code::KeysUnavailable`] where no key of the set is admitted;
/// [`Code::UnknownKey`] or [`Code::Signature`].
pub fn verify_raw(jwks: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<()> {
    let algorithm = Algorithm::from_name(algorithm)
        .ok_or_else(|| Error::new(Code::Algorithm, "not supported"))?;
    match (check(jwks, None, algorithm, message, signature), only_rsa_key(jwks, algorithm)) {
        (Err(error), Some(key)) if error.code() == Code::KeysUnavailable => {
            let verifies = key.verifies(message, signature);
            if verifies { Ok(()) } else { Err(error) }
        }
        (verdict, _) => verdict,
    }
}

/// The single RSA key of a set, whatever its exponent.
fn only_rsa_key(jwks: &str, algorithm: Algorithm) -> Option<PublicKey> {
    let document = Document::parse(jwks.as_bytes().to_vec()).ok()?;
    let mut keys = document.get("keys")?.items()?;
    let (Some(key), None) = (keys.next(), keys.next()) else { return None };
    let number = |name| base64url::decode(key.get(name)?.as_str()?.as_bytes());
    PublicKey::rsa_of_any_exponent(algorithm, &number("n")?, &number("e")?).ok()
}

/// Takes a JWS apart as a token, but for a payload of nothing, which a JWT cannot have and a JWS can.
fn split(token: &[u8]) -> Result<Compact<'_>> {
    let parts: Vec<&[u8]> = token.splitn(4, |byte| *byte == b'.').collect();
    match (parts.as_slice(), token.len() <= MAX_TOKEN_LENGTH) {
        ([header, payload @ [], signature], true) if !header.is_empty() => {
            let (signing_input, _) = token.split_at(header.len() + 1);
            Ok(Compact { header, payload, signature, signing_input })
        }
        _ => Compact::split(token),
    }
}

/// The same header without `typ`, encoded again.
fn without_type(encoded: &[u8]) -> Result<Vec<u8>> {
    let header = object(encoded, "header")?;
    let members = header.root().members().filter(|(name, _)| !name.is_string("typ"));
    let members: Vec<String> =
        members.map(|(name, value)| format!("{}:{}", name.raw(), value.raw())).collect();
    Ok(base64url::encode(format!("{{{}}}", members.join(",")).as_bytes()).into_bytes())
}

/// The machine's clocks, each moved by what a test has added to it. They go on by themselves, so that
/// what really takes a second takes one here too. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    machine: SystemClock,
    /// Added to the monotonic clock, in nanoseconds.
    monotonic: AtomicU64,
    /// Added to the wall clock, in nanoseconds.
    wall: AtomicI64,
}

impl TestClock {
    /// The machine's clocks as they are.
    #[must_use]
    #[allow(clippy::new_without_default)] // a clock is made at a moment: no value of it is the default
    pub fn new() -> Self {
        let (machine, monotonic, wall) = (SystemClock::new(), AtomicU64::new(0), AtomicI64::new(0));
        Self(Arc::new(Hands { machine, monotonic, wall }))
    }

    /// Lets time pass, by both clocks.
    pub fn advance(&self, by: Duration) {
        let nanoseconds = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.0.monotonic.fetch_add(nanoseconds.unsigned_abs(), Ordering::SeqCst);
        self.0.wall.fetch_add(nanoseconds, Ordering::SeqCst);
    }

    /// Sets the wall clock alone forward, or back where negative, by seconds. Forward, it is also what a
    /// machine that has slept sees: its monotonic clock stood.
    pub fn set_wall(&self, by_seconds: i64) {
        self.0.wall.fetch_add(by_seconds.saturating_mul(1_000_000_000), Ordering::SeqCst);
    }

    /// The Unix time in seconds, for the tokens' own times.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.moment().wall.as_secs()
    }
}

impl Clock for TestClock {
    fn moment(&self) -> Moment {
        let machine = self.0.machine.moment();
        let added = Duration::from_nanos(self.0.monotonic.load(Ordering::SeqCst));
        let wall = self.0.wall.load(Ordering::SeqCst);
        let by = Duration::from_nanos(wall.unsigned_abs());
        Moment {
            monotonic: machine.monotonic.saturating_add(added),
            wall: if wall < 0 {
                machine.wall.saturating_sub(by)
            } else {
                machine.wall.saturating_add(by)
            },
        }
    }
}

/// A verifier that tells time by a test's clock: tokens' times and keys' ages. `now` in the
/// configuration has no effect.
///
/// # Errors
/// As [`Verifier::new`].
pub fn verifier_with_clock(config: Config, clock: &TestClock) -> Result<Verifier> {
    Verifier::with_clock(config, Arc::new(clock.clone()), None)
}

/// As [`verifier_with_clock`], with a name look-up of the caller's in place of the machine's. It may block.
///
/// # Errors
/// As [`Verifier::new`].
pub fn verifier_with_names(
    config: Config,
    clock: &TestClock,
    look_up: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
) -> Result<Verifier> {
    Verifier::with_clock(config, Arc::new(clock.clone()), Some(Arc::new(look_up)))
}

fn check(
    jwks: &str,
    key_id: Option<&str>,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<()> {
    let keys = KeySet::parse(jwks.as_bytes(), &[algorithm])
        .map_err(|reason| Error::new(Code::KeysUnavailable, reason))?;
    let verifies = |key_id| {
        Ok(keys.candidates(key_id, algorithm)?.any(|key| key.public.verifies(message, signature)))
    };
    // A vector's only key is meant, whatever it is called.
    match verifies(key_id).or_else(|_: Miss| verifies(None)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(Code::Signature, "the signature does not fit")),
        Err(_) => Err(Error::new(Code::UnknownKey, "no key of the set fits")),
    }
}
