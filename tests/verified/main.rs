//! The verified-token cache makes verdicts faster and never different: random histories of tokens, times,
//! rotations, policies and configurations, each verdict compared with that of a verifier without a cache.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

use std::sync::LazyLock;
use std::time::Duration;

use authkit::conformance::{TestClock, verifier_with_clock};
use authkit::{Code, Config, IssuerSettings, Policy, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::keys::{self, Signer};
use support::server::{Answer, Server};
use support::{ISSUER, NOW, RESOURCE, accepted, build, builder, claims_with, jwks, refused};

/// Under the name of the first key, and another one.
static IMPOSTOR: LazyLock<Signer> = LazyLock::new(|| {
    Signer::rsa("sso_oidc_key_pair_main", "RS256", aws_lc_rs::rsa::KeySize::Rsa2048)
});

/// Signed and broken tokens that differ in what a verdict depends on.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut tokens = Vec::new();
    let shapes = [
        json!({}),
        json!({ "exp": NOW + 30 }),
        json!({ "nbf": NOW + 100 }),
        json!({ "iat": NOW - 500 }),
        json!({ "iat": null }),
        json!({ "scope": "files:read" }),
        json!({ "scope": "files:write profile" }),
        json!({ "aud": "https://other.example/mcp" }),
        json!({ "aud": [RESOURCE, "https://other.example/mcp"] }),
    ];
    for shape in &shapes {
        for signer in [keys::rsa(), keys::rsa_next(), &*IMPOSTOR] {
            tokens.push(signer.token(&claims_with(shape)));
        }
    }
    // One octet off a good token, in each of its parts: the cache must not take it for its neighbour.
    let good = tokens[0].clone();
    for place in [3, good.find('.').unwrap() + 20, good.len() - 90, good.len() - 2] {
        let mut octets = good.clone().into_bytes();
        octets[place] = if octets[place] == b'A' { b'B' } else { b'A' };
        tokens.push(String::from_utf8(octets).unwrap());
    }
    tokens
});

#[derive(Debug, Clone)]
enum Step {
    /// So many times, as a server sees one client's token again and again.
    Verify {
        token: usize,
        policy: usize,
        times: usize,
    },
    Pass {
        seconds: i64,
    },
    Publish {
        keys: usize,
    },
    Configure {
        configuration: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..TOKENS.len(), 0..4usize, 1..4usize)
            .prop_map(|(token, policy, times)| Step::Verify { token, policy, times }),
        3 => prop_oneof![Just(1), Just(29), Just(61), Just(100), Just(-100), Just(360)]
            .prop_map(|seconds| Step::Pass { seconds }),
        2 => (0..4usize).prop_map(|keys| Step::Publish { keys }),
        1 => (0..4usize).prop_map(|configuration| Step::Configure { configuration }),
    ]
}

fn published(keys: usize) -> String {
    match keys {
        0 => jwks(&[keys::rsa()]),
        1 => jwks(&[keys::rsa(), keys::rsa_next()]),
        2 => jwks(&[keys::rsa_next()]),
        _ => jwks(&[&IMPOSTOR]),
    }
}

fn configured(configuration: usize, keys: usize, cached: u64) -> Verifier {
    let plain = builder(published(keys)).token_cache_size(cached);
    build(match configuration {
        0 => plain,
        1 => plain.required_scopes(["profile"]).leeway(0),
        2 => plain.max_token_age(300),
        _ => plain.audiences(["https://other.example/mcp"]),
    })
}

fn policy(number: usize, now: i64) -> Policy {
    let mut policy = Policy::new();
    policy.set_now(now);
    match number {
        1 => policy.require_scope("files:read").unwrap(),
        2 => policy.require_any_scope(["files:write", "email"]).unwrap(),
        3 => policy.require_scope("nobody:has").unwrap(),
        _ => {}
    }
    policy
}

/// All that a host can see of a verdict.
fn seen(verifier: &Verifier, token: &str, policy: &Policy) -> Value {
    match verifier.verify(token, policy) {
        Ok(claims) => json!({
            "payload": claims.json(), "header": claims.header_json(), "resource": claims.resource(),
            "scopes": claims.scopes(), "identity": claims.identity_json(), "subject": claims.subject(),
        }),
        Err(error) => json!({
            "code": error.code().name(), "reason": error.reason(), "hint": error.hint(),
            "retry_after": error.retry_after(),
        }),
    }
}

/// The cached verifier, its twin without a cache, and what both are told.
struct Pair {
    cached: Verifier,
    plain: Verifier,
    now: i64,
    keys: usize,
    entries: u64,
    hits: u64,
}

impl Pair {
    fn new(entries: u64) -> Self {
        let (cached, plain) = (configured(0, 0, entries), configured(0, 0, 0));
        Self { cached, plain, now: NOW, keys: 0, entries, hits: 0 }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Verify { token, policy: number, times } => {
                for _ in 0..times {
                    let (token, policy) = (&TOKENS[token], policy(number, self.now));
                    let expected = seen(&self.plain, token, &policy);
                    assert_eq!(seen(&self.cached, token, &policy), expected, "{step:?}");
                }
            }
            Step::Pass { seconds } => self.now += seconds,
            Step::Publish { keys } => {
                self.keys = keys;
                self.cached.set_jwks(None, &published(keys)).unwrap();
                self.plain.set_jwks(None, &published(keys)).unwrap();
            }
            Step::Configure { configuration } => {
                self.hits += hits(&self.cached);
                self.cached = configured(configuration, self.keys, self.entries);
                self.plain = configured(configuration, self.keys, 0);
            }
        }
    }
}

fn hits(verifier: &Verifier) -> u64 {
    verifier.stats().token_cache.hits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_makes_a_cached_verdict_differ(
        // Few entries too, so that tokens drive each other out.
        entries in prop_oneof![Just(1u64), Just(8), Just(1024)],
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut pair = Pair::new(entries);
        steps.iter().for_each(|step| pair.take(step));
        prop_assert_eq!(hits(&pair.plain), 0);
    }
}

#[test]
fn histories_do_meet_the_cache() {
    let mut pair = Pair::new(1024);
    for times in 1..6 {
        pair.take(&Step::Verify { token: 0, policy: 0, times });
    }
    pair.take(&Step::Configure { configuration: 1 });
    assert_eq!(pair.hits, 15 - 2, "all but the first two");
}

#[test]
fn a_token_is_kept_from_its_second_time_on_and_counted() {
    let verifier = support::verifier();
    let token = keys::rsa().token(&claims_with(&json!({})));
    for (entries, hits) in [(0, 0), (1, 0), (1, 1), (1, 2)] {
        accepted(&verifier, &token, "good");
        let stats = verifier.stats().token_cache;
        assert_eq!((stats.entries, stats.hits), (entries, hits));
    }
    assert_eq!(verifier.stats().verdicts["OK"], 4);
    assert!(verifier.stats().token_cache.bytes > token.len() as u64);
}

#[test]
fn tokens_that_come_once_and_refused_ones_are_not_kept() {
    let verifier = support::verifier();
    for number in 0..20 {
        accepted(&verifier, keys::rsa().token(&claims_with(&json!({ "jti": number }))), "once");
    }
    let expired = keys::rsa().token(&claims_with(&json!({ "exp": NOW - 100 })));
    for _ in 0..5 {
        refused(&verifier, &expired, Code::Expired, "dead");
        refused(&verifier, IMPOSTOR.token(&claims_with(&json!({}))), Code::Signature, "forged");
    }
    assert_eq!(verifier.stats().token_cache.entries, 0);
}

#[test]
fn the_cache_is_bounded_in_entries_and_in_bytes_and_can_be_off() {
    for (size, most) in [(0, 0), (1, 4), (16, 16)] {
        let verifier = build(builder(jwks(&[keys::rsa()])).token_cache_size(size));
        for number in 0..40 {
            let token = keys::rsa().token(&claims_with(&json!({ "jti": number })));
            for _ in 0..3 {
                accepted(&verifier, &token, "good");
            }
        }
        let stats = verifier.stats().token_cache;
        assert!(stats.entries <= most, "{size}: {stats:?}");
        assert_eq!(stats.entries == 0, size == 0);
    }
    let verifier = build(builder(jwks(&[keys::rsa()])).token_cache_size(16));
    for number in 0..40 {
        let long = json!({ "jti": number, "padding": "x".repeat(8000) });
        let token = keys::rsa().token(&claims_with(&long));
        for _ in 0..3 {
            accepted(&verifier, &token, "long");
        }
    }
    let stats = verifier.stats().token_cache;
    assert!((1..16).contains(&stats.entries) && stats.bytes <= 16 * 8 * 1024, "{stats:?}");
}

#[test]
fn a_size_beyond_the_limit_is_refused() {
    for (size, fits) in [(65_536, true), (65_537, false)] {
        let config = builder(jwks(&[keys::rsa()])).token_cache_size(size).build();
        assert_eq!(
            config.err().map(|error| error.code()),
            (!fits).then_some(Code::Config),
            "{size}"
        );
    }
}

#[test]
fn what_is_kept_counts_only_while_its_keys_are_fresh() {
    let clock = TestClock::new();
    let now = i64::try_from(clock.now()).unwrap();
    let document = |signers: &[&Signer]| {
        Answer::Document(jwks(signers), vec!["cache-control: max-age=600".to_owned()])
    };
    let server = Server::http(document(&[keys::rsa()]));
    let settings = IssuerSettings { jwks_url: Some(server.url()), ..Default::default() };
    let config = Config::builder().issuer(ISSUER, settings).resource(RESOURCE);
    let config = config.allow_insecure_loopback(true).build().unwrap();
    let verifier = verifier_with_clock(config, &clock).unwrap();
    let times = json!({ "iat": now, "exp": now + 100_000 });
    let token = keys::rsa().token(&claims_with(&times));

    for _ in 0..4 {
        accepted(&verifier, &token, "fresh");
    }
    assert_eq!((hits(&verifier), server.requests()), (2, 1));

    // In an outage stale keys are good for an hour in all, and no longer, cached or not.
    server.answer(Answer::Status(500, Vec::new()));
    clock.advance(Duration::from_secs(700));
    accepted(&verifier, &token, "stale");
    assert_eq!(hits(&verifier), 2, "not by what was kept");
    clock.advance(Duration::from_secs(3000));
    refused(&verifier, &token, Code::KeysUnavailable, "past the hard limit");

    // The issuer is back, with another key: the token is dead whatever was kept of it.
    server.answer(document(&[keys::rsa_next()]));
    clock.advance(Duration::from_secs(120));
    refused(&verifier, &token, Code::UnknownKey, "rotated out");
    assert_eq!(hits(&verifier), 2);
}

#[test]
fn keys_fetched_anew_make_each_token_be_verified_once_more() {
    let verifier = support::verifier();
    let token = keys::rsa().token(&claims_with(&json!({})));
    let again = || (0..3).for_each(|_| drop(accepted(&verifier, &token, "good")));
    again();
    assert_eq!(hits(&verifier), 1);
    verifier.set_jwks(None, &jwks(&[keys::rsa()])).unwrap();
    again();
    assert_eq!(hits(&verifier), 3, "one verdict by the new set, then hits again");
}

#[test]
fn threads_share_what_is_kept_while_keys_rotate() {
    let verifier = build(builder(jwks(&[keys::rsa()])).token_cache_size(16));
    let tokens = |signer: &Signer| -> Vec<String> {
        (0..8).map(|n| signer.token(&claims_with(&json!({ "jti": n })))).collect()
    };
    let (old, new) = (tokens(keys::rsa()), tokens(keys::rsa_next()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..60 {
                    for token in old.iter().chain(&new) {
                        // One of the two sets is in force at any time, and never anything else.
                        if let Err(error) = verifier.verify(token, &Policy::new()) {
                            assert_eq!(error.code(), Code::UnknownKey, "{error}");
                        }
                    }
                }
            });
        }
        for round in 0..60 {
            let signer = if round % 2 == 0 { keys::rsa_next() } else { keys::rsa() };
            verifier.set_jwks(None, &jwks(&[signer])).unwrap();
            let dead = if round % 2 == 0 { &old } else { &new };
            for token in dead {
                refused(&verifier, token, Code::UnknownKey, "its key is gone");
            }
        }
    });
    let stats = verifier.stats().token_cache;
    assert!(stats.entries <= 16 && stats.bytes <= 16 * 8 * 1024, "{stats:?}");
}
