//! Networks as they are: dead addresses, slow and silent name servers, slow TLS, proxies, bad certificates. Each
//! scenario counts how long a call waits and looks at what it is told.
//!
//! Names are looked up by the test, so that `localhost` is whatever addresses a scenario is about.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod addresses;
mod certificates;
mod names;
mod net;
mod proxies;
#[path = "../support/mod.rs"]
mod support;
#[path = "../faults/tls.rs"]
mod tls;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use authkit::conformance::{TestClock, verifier_with_names};
use authkit::{Code, Config, ConfigBuilder, Error, Policy, Verifier};

use support::server::{Answer, Server};
use support::{ISSUER, NOW, RESOURCE, claims, jwks, keys};

/// More than a shared machine stands still.
const SLACK: Duration = Duration::from_millis(900);

/// A server whose keys are good, as `localhost`.
fn good() -> Server {
    Server::https(Answer::document(jwks(&[keys::rsa()])))
}

/// Stands at the time that the tests' tokens are of.
fn clock() -> TestClock {
    let clock = TestClock::new();
    clock.set_wall(NOW - i64::try_from(clock.now()).unwrap());
    clock
}

fn config(server: &Server) -> ConfigBuilder {
    config_for(&server.url()).ca_file(server.ca_file())
}

fn config_for(url: &str) -> ConfigBuilder {
    let settings = authkit::IssuerSettings { jwks_url: Some(url.to_owned()), ..Default::default() };
    Config::builder().issuer(ISSUER, settings).resource(RESOURCE)
}

/// A verifier for which every name is at these addresses.
fn at(builder: ConfigBuilder, addresses: &[SocketAddr]) -> Verifier {
    let addresses = addresses.to_vec();
    verifier_with_names(builder.build().unwrap(), &clock(), move |_, _| Ok(addresses.clone()))
        .unwrap()
}

/// What a token's verdict is, and how long the call took.
fn verdict(verifier: &Verifier) -> (Result<(), Error>, Duration) {
    let token = keys::rsa().token(&claims());
    let started = Instant::now();
    let verdict = verifier.verify(token, &Policy::new()).map(|_| ());
    (verdict, started.elapsed())
}

#[track_caller]
fn accepted_within(verifier: &Verifier, longest: Duration, what: &str) -> Duration {
    let (verdict, took) = verdict(verifier);
    assert!(verdict.is_ok(), "{what}: {verdict:?} after {took:?}");
    assert!(took < longest, "{what}: {took:?}");
    took
}

/// The reason for which keys are not to be had, a sentence of ours.
#[track_caller]
fn unavailable_within(verifier: &Verifier, longest: Duration, what: &str) -> String {
    let (verdict, took) = verdict(verifier);
    let error = verdict.expect_err(what);
    assert_eq!(error.code(), Code::KeysUnavailable, "{what}: {error}");
    assert!(took < longest, "{what}: {took:?}");
    is_ours(error.reason(), what);
    error.reason().to_owned()
}

/// One line of printable text, short, with nothing that another library says.
#[track_caller]
fn is_ours(reason: &str, what: &str) {
    assert!(reason.chars().count() <= 300, "{what}: {reason}");
    assert!(reason.chars().all(|c| matches!(c, ' '..='~' | '…')), "{what}: {reason}");
    for theirs in [
        "os error",
        "Os {",
        "Error(",
        "Some(",
        "timeout: ",
        "io: ",
        "rustls",
        "invalid peer",
        "CertificateError",
        "UnknownIssuer",
        "webpki",
        "received fatal alert",
        "Connection refused",
        "failed to lookup",
        "peer closed",
    ] {
        assert!(!reason.contains(theirs), "{what}: {reason}");
    }
}

/// Whether a time stands in the reason, as each has one.
#[track_caller]
fn names_phase_address_and_time(reason: &str, phase: &str, address: &str) {
    assert!(reason.contains(&format!("{phase}: ")), "{phase}: {reason}");
    assert!(reason.contains(address), "{address}: {reason}");
    let is_time = |word: &str| word.parse::<f64>().is_ok();
    let words: Vec<&str> = reason.split([' ', ',', ';']).collect();
    let has_time = words.windows(2).any(|pair| is_time(pair[0]) && pair[1].starts_with('s'));
    assert!(has_time, "{reason}");
}
