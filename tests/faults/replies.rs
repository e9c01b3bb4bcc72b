//! What the server answers to each path: a name, made of smaller ones where it says so.
//!
//! The first segment of a path is the name; what follows is where the verifier looks for keys below its
//! issuer. `warm-then-X` is a good key set until the server is turned over, then X; `recovers-after-N` fails
//! N times; `first-X-then-Y` is X once; `delay-Ns` waits; `http-NNN` is a status. The others stand in tables by what is wrong with them.

mod bodies;
mod caching;
mod framing;
mod redirects;

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use serde_json::{Value, json};

use crate::support::keys::Signer;

/// One request, and what the server knows.
pub struct Ask<'a> {
    pub path: &'a str,
    /// The header lines, names in lower case.
    pub head: &'a str,
    /// Counted from 1.
    pub number: u64,
    pub phase: usize,
    pub url: &'a str,
    pub evil: &'a str,
}

/// A piece of an answer. After the last one the connection is closed.
pub enum Part {
    Octets(Vec<u8>),
    Times(Vec<u8>, usize),
    /// One octet in a segment, with a pause after each.
    Drip(Vec<u8>, Duration),
    Pause(Duration),
    /// Nothing more, until the server stops.
    Hang,
    HalfClose,
}

pub type Reply = Vec<Part>;

static K1: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("k1", "RS256", KeySize::Rsa2048));
static K2: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("k2", "RS256", KeySize::Rsa2048));
static ROGUE: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("k1", "RS256", KeySize::Rsa2048));

/// The key of a name; any other name's is the attacker's.
pub fn signer(name: &str) -> &'static Signer {
    match name {
        "k1" => &K1,
        "k2" => &K2,
        _ => &ROGUE,
    }
}

/// A key set of these keys.
fn set(names: &[&str]) -> String {
    document(names.iter().map(|name| signer(name).jwk()))
}

fn document(keys: impl IntoIterator<Item = Value>) -> String {
    json!({ "keys": keys.into_iter().collect::<Vec<_>>() }).to_string()
}

/// An answer with these header lines, its length and its end told.
fn answer(status: &str, lines: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut octets = head(status, lines);
    octets.truncate(octets.len() - 2);
    octets.extend(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).bytes());
    octets.extend(body);
    octets
}

/// A status line, these header lines and the empty one.
fn head(status: &str, lines: &[&str]) -> Vec<u8> {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{lines}\r\n").into_bytes()
}

const JSON: &str = "content-type: application/json";

fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", &[JSON], body)
}

/// What a server in order answers.
pub fn good() -> Vec<u8> {
    ok(set(&["k1"]))
}

fn octets(octets: impl Into<Vec<u8>>) -> Reply {
    vec![Part::Octets(octets.into())]
}

/// The answer to a request; `None` for a name that means nothing.
pub fn reply(ask: &Ask<'_>) -> Option<Reply> {
    let mut segments = ask.path.trim_start_matches('/').split('/');
    let first = segments.next()?;
    if first == ".well-known" {
        let name = segments.nth(1)?;
        return Some(octets(metadata(name, ask)));
    }
    if segments.next() == Some(".well-known") {
        return Some(octets(metadata(first, ask)));
    }
    named(first, ask)
}

fn named(name: &str, ask: &Ask<'_>) -> Option<Reply> {
    let turned = ask.phase > 0;
    if let Some(then) = name.strip_prefix("warm-then-") {
        return if turned { named(then, ask) } else { Some(octets(good())) };
    }
    if let Some(rest) = name.strip_prefix("down-then-") {
        return if turned { named(rest, ask) } else { named("http-500", ask) };
    }
    if let Some(rest) = name.strip_prefix("recovers-after-") {
        let (times, fault) = rest.split_once('-').unwrap_or((rest, "http-500"));
        let failing = ask.number <= times.parse().ok()?;
        return if failing { named(fault, ask) } else { Some(octets(good())) };
    }
    if let Some((first, then)) =
        name.strip_prefix("first-").and_then(|rest| rest.split_once("-then-"))
    {
        return named(if ask.number == 1 { first } else { then }, ask);
    }
    if let Some(fault) = name.strip_prefix("every-second-") {
        return if ask.number.is_multiple_of(2) { named(fault, ask) } else { Some(octets(good())) };
    }
    if let Some(span) = name.strip_prefix("delay-") {
        let seconds = span.strip_suffix('s')?.parse().ok()?;
        return Some(vec![Part::Pause(Duration::from_secs(seconds)), Part::Octets(good())]);
    }
    if let Some(status) = name.strip_prefix("http-") {
        return status_reply(status);
    }
    if name.len() == 3 && name.bytes().all(|octet| octet.is_ascii_digit()) {
        return status_reply(name);
    }
    rotation(name, ask)
        .map(|body| octets(ok(body)))
        .or_else(|| bodies::reply(name))
        .or_else(|| framing::reply(name))
        .or_else(|| caching::reply(name, ask))
        .or_else(|| redirects::reply(name, ask))
}

/// `NNN`, or `NNN-retry-after-…` with seconds, `in-N` for a date in N seconds, or nonsense.
fn status_reply(name: &str) -> Option<Reply> {
    let (status, retry_after) = match name.split_once("-retry-after-") {
        Some((status, when)) => (status, Some(when)),
        None => (name, None),
    };
    let number: u16 = status.parse().ok()?;
    let retry_after = retry_after.map(|when| match when.strip_prefix("in-") {
        Some(seconds) => caching::date_in(seconds.parse().unwrap()),
        None => when.replace('_', " "),
    });
    let retry_after = retry_after.map(|when| format!("retry-after: {when}"));
    let lines: Vec<&str> = retry_after.as_deref().into_iter().collect();
    Some(octets(match number {
        // These have no body (RFC 9110 §15.3.5, §15.4.5).
        204 | 205 | 304 => head(&format!("{number} X"), &["connection: close"]),
        // Good keys under a bad status are no keys.
        _ => answer(&format!("{number} X"), &lines, set(&["k1"])),
    }))
}

/// Key sets that are in order, and what becomes of them.
fn rotation(name: &str, ask: &Ask<'_>) -> Option<String> {
    let turned = ask.phase > 0;
    Some(match (name, turned) {
        ("ok" | "meta-issuer-other" | "meta-evil-jwks-uri", _) => set(&["k1"]),
        ("ok-k1-k2", _) | ("rotation-overlap", true) | ("revocation", false) => set(&["k1", "k2"]),
        ("rotation-overlap", false) | ("rotation-replace", false) => set(&["k1"]),
        ("revocation" | "rotation-replace" | "only-k2", _) => set(&["k2"]),
        // Under the old name another key: what was signed by the old one must not pass.
        ("kid-reuse", true) => document([renamed("k2", "k1")]),
        ("kid-reuse", false) => set(&["k1"]),
        ("evil", _) => set(&["rogue"]),
        // New keys come and go with each turn.
        ("rotation-each-phase", _) if ask.phase.is_multiple_of(2) => set(&["k1"]),
        ("rotation-each-phase", _) => set(&["k2"]),
        _ => return None,
    })
}

/// A key's numbers under another name.
fn renamed(key: &str, kid: &str) -> Value {
    let mut jwk = signer(key).jwk();
    jwk["kid"] = json!(kid);
    jwk
}

/// RFC 8414 metadata, which nobody here is to be misled by.
fn metadata(name: &str, ask: &Ask<'_>) -> Vec<u8> {
    let (url, evil) = (ask.url, ask.evil);
    let issuer = if name == "meta-issuer-other" {
        "https://other.example".to_owned()
    } else {
        format!("{url}/{name}")
    };
    let jwks_uri = if name == "meta-evil-jwks-uri" {
        format!("{evil}/evil/oauth2/jwks")
    } else {
        format!("{url}/{name}/oauth2/jwks")
    };
    ok(json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string())
}
