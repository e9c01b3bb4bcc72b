//! What a flood of a million random key ids does to good tokens and to the issuer: `make bench-flood`.
//!
//! One thread verifies good tokens and notes how long each takes; another sends, as fast as it can, tokens
//! that name a key id nobody has. The same machine also runs the flood itself, so the quiet figure is
//! taken beside as busy a thread: one that sends tokens which are refused without a look at any key.
//! Fails where the issuer is asked more often than the rules allow.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use authkit::{Code, Config, IssuerSettings, Policy, Verifier};
use serde_json::json;
use support::server::{Answer, Server};
use support::{ISSUER, NOW, RESOURCE, claims, encode, jwks, keys};

/// `--test`, as `cargo test --benches` passes it, shows that it runs.
fn flood_size() -> usize {
    if std::env::args().any(|argument| argument == "--test") { 10_000 } else { 1_000_000 }
}

fn verifier(server: &Server) -> Verifier {
    let settings = IssuerSettings { jwks_url: Some(server.url()), ..IssuerSettings::default() };
    let config = Config::builder().issuer(ISSUER, settings).resource(RESOURCE).now(NOW);
    Verifier::new(config.allow_insecure_loopback(true).build().unwrap()).unwrap()
}

/// The 50th and the 99th of 100 good verdicts, while `others` runs on another thread to its end.
fn while_others_run(verifier: &Verifier, others: impl FnOnce() + Send) -> (Duration, Duration) {
    let token = keys::rsa().token(&claims());
    let running = AtomicBool::new(true);
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            others();
            running.store(false, Ordering::SeqCst);
        });
        while running.load(Ordering::SeqCst) {
            let began = Instant::now();
            verifier.verify(&token, &Policy::new()).expect("a good token");
            times.push(began.elapsed());
        }
    });
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Tokens of the same length and claims, each naming another key id.
fn flood(verifier: &Verifier, number: usize) {
    let whole = keys::rsa().token(&claims());
    let rest = &whole[whole.find('.').unwrap()..];
    for id in 0..number {
        let header = json!({ "alg": "RS256", "kid": format!("sso_oidc_key_pair_{id:08x}") });
        let token = format!("{}{rest}", encode(header.to_string()));
        let error = verifier.verify(&token, &Policy::new()).expect_err("nobody has this key");
        assert_eq!(error.code(), Code::UnknownKey);
    }
}

/// As busy, and refused by the last claim: the same work without the search for a key.
fn refused(verifier: &Verifier, number: usize) {
    let expired = support::claims_with(&json!({ "aud": "https://other.example/mcp" }));
    let whole = keys::rsa().token(&expired);
    let rest = &whole[whole.find('.').unwrap()..];
    for id in 0..number {
        let header = json!({ "alg": "RS256", "kid": format!("sso_oidc_key_pair_{id:08x}") });
        let token = format!("{}{rest}", encode(header.to_string()));
        assert!(verifier.verify(&token, &Policy::new()).is_err());
    }
}

fn main() {
    let server = Server::http(Answer::document(jwks(&[keys::rsa()])));
    let verifier = verifier(&server);
    let number = flood_size();
    let (quiet_median, quiet_p99) = while_others_run(&verifier, || refused(&verifier, number));
    assert_eq!(server.requests(), 1);
    let began = Instant::now();
    let (flood_median, flood_p99) = while_others_run(&verifier, || flood(&verifier, number));
    let seconds = began.elapsed().as_secs();
    let (requests, allowed) = (server.requests() - 1, 2 + seconds / 30);
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    println!("{number} random key ids in {seconds} s: {requests} requests, {allowed} allowed");
    println!(
        "good tokens meanwhile / beside as busy a thread: median {:.2}, p99 {:.2}",
        ratio(flood_median, quiet_median),
        ratio(flood_p99, quiet_p99)
    );
    assert!(requests as u64 <= allowed, "the issuer was asked too often");
}
