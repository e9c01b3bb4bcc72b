//! A clock that is wrong, told by the Date of the issuer's answers: the most opaque cause of a refusal.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authkit::{Code, Config, Error, IssuerSettings, Policy, Verifier};
use serde_json::{Value, json};

use crate::good;
use crate::support::server::{Answer, Server};
use crate::support::{
    ISSUER, RESOURCE, accepted, build, claims_with, jwks, keys, refused, verdict,
};

/// This machine's time in Unix seconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// An issuer whose clock is so many seconds ahead of this machine's.
fn issuer_ahead_by(seconds: i64) -> Server {
    let theirs = UNIX_EPOCH + Duration::from_secs(u64::try_from(now() + seconds).unwrap());
    let date = format!("date: {}", httpdate::fmt_http_date(theirs));
    Server::http(Answer::Document(jwks(&[keys::rsa()]), vec![date]))
}

/// A verifier by this machine's clock, and not as of a set time as elsewhere.
fn by_the_clock(server: &Server, leeway: u64) -> Verifier {
    let settings = IssuerSettings { jwks_url: Some(server.url()), ..Default::default() };
    let config = Config::builder().issuer(ISSUER, settings).resource(RESOURCE).leeway(leeway);
    build(config.allow_insecure_loopback(true))
}

fn token(changes: Value) -> String {
    let mut claims = claims_with(&json!({ "iat": now() - 60, "exp": now() + 3600 }));
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    keys::rsa().token(&claims)
}

fn expired() -> String {
    token(json!({ "iat": now() - 7200, "exp": now() - 3600 }))
}

fn not_yet_valid() -> String {
    token(json!({ "nbf": now() + 3600 }))
}

fn blames_the_clock(error: &Error) -> bool {
    error.hint().is_some_and(|hint| hint.contains("this machine's clock") && hint.contains("NTP"))
}

#[test]
fn a_refusal_for_its_time_names_a_clock_that_is_off_by_more_than_the_leeway() {
    for (ahead, leeway, direction) in [
        (600, 60, Some("behind")),
        (-600, 60, Some("ahead of")),
        (600, 300, Some("behind")),
        (150, 60, Some("behind")),
        (150, 300, None),
        (-150, 300, None),
        (0, 60, None),
        (0, 300, None),
    ] {
        let server = issuer_ahead_by(ahead);
        let verifier = by_the_clock(&server, leeway);
        let what = format!("ahead by {ahead}, leeway {leeway}");
        let early = refused(&verifier, expired(), Code::Expired, &what);
        assert!(!blames_the_clock(&early), "{what}: before a fetch nothing is known: {early}");
        accepted(&verifier, token(json!({})), &what);
        for (code, token) in [(Code::Expired, expired()), (Code::NotYetValid, not_yet_valid())] {
            let error = refused(&verifier, token, code, &what);
            assert_eq!(blames_the_clock(&error), direction.is_some(), "{what}: {error}");
            if let (Some(hint), Some(direction)) = (error.hint(), direction) {
                assert!(hint.contains(direction), "{what}: {error}");
            }
        }
        assert_eq!(server.requests(), 1, "{what}: no dead token asks anybody");
    }
}

#[test]
fn only_times_judged_by_the_machines_clock_are_blamed_on_it() {
    let server = issuer_ahead_by(600);
    let verifier = by_the_clock(&server, 60);
    accepted(&verifier, token(json!({})), "fetches");
    let mut policy = Policy::new();
    policy.set_now(now());
    let error = verifier.verify(expired(), &policy).unwrap_err();
    assert_eq!(error.code(), Code::Expired);
    assert!(!blames_the_clock(&error), "as of a time that the host gave: {error}");
    let elsewhere = token(json!({ "aud": "https://other.example/mcp" }));
    let error = refused(&verifier, elsewhere, Code::Audience, "not a matter of time");
    assert!(!blames_the_clock(&error), "{error}");

    let settings = IssuerSettings { jwks_url: Some(server.url()), ..Default::default() };
    let config = Config::builder().issuer(ISSUER, settings).resource(RESOURCE).now(now());
    let looking_back = build(config.allow_insecure_loopback(true));
    accepted(&looking_back, token(json!({})), "fetches");
    let error = refused(&looking_back, expired(), Code::Expired, "as of a configured time");
    assert!(!blames_the_clock(&error), "{error}");
}

#[test]
fn a_clock_that_was_set_right_is_not_blamed_any_more() {
    let server = issuer_ahead_by(-600);
    let verifier = by_the_clock(&server, 60);
    verifier.refresh().unwrap();
    assert!(blames_the_clock(&verdict(&verifier, expired()).unwrap_err()));
    let skew = verifier.stats().number(None, "skew").unwrap();
    assert!((-660..=-540).contains(&skew), "{skew}");
    let told: Vec<_> = std::iter::from_fn(|| verifier.next_event()).map(|it| it.name()).collect();
    assert_eq!(told, ["fetched", "skew_seen"]);
    // An answer without a date says nothing about clocks.
    server.answer(good());
    verifier.refresh().unwrap();
    assert!(!blames_the_clock(&verdict(&verifier, expired()).unwrap_err()));
    assert_eq!(verifier.stats().number(None, "skew"), None);
}
