//! Several issuers: what one does, its server or who claims to be its user, never touches another.

use std::time::{Duration, Instant};

use authkit::{Code, Config, IssuerSettings, RefreshMode, Verifier};
use serde_json::json;

use crate::support::keys::{self, Signer};
use crate::support::server::{Answer, Server, closed_port};
use crate::support::{NOW, RESOURCE, accepted, build, claims_with, jwks, refused, verdict};
use crate::{settled, try_verdict};

/// The troubled one is neither the first nor the last that is asked.
const ONE: &str = "https://p-1.authkit.app";
const TROUBLED: &str = "https://p-2.authkit.app";
const THREE: &str = "https://p-3.authkit.app";

fn token(issuer: &str, signer: &Signer) -> String {
    signer.token(&claims_with(&json!({ "iss": issuer })))
}

/// A token of the troubled issuer's with a key id that nobody has.
fn random_token(number: usize) -> String {
    let header = json!({ "kid": format!("random-{number}") });
    keys::rsa().token_with_header(&header, &claims_with(&json!({ "iss": TROUBLED })))
}

fn settings(url: String) -> IssuerSettings {
    IssuerSettings { jwks_url: Some(url), ..Default::default() }
}

fn good(signer: &Signer) -> Answer {
    Answer::document(jwks(&[signer]))
}

/// The troubled issuer between two sound ones, whose servers count.
struct World {
    one: Server,
    three: Server,
    verifier: Verifier,
}

impl World {
    fn with_trouble_at(url: String) -> Self {
        Self::in_mode(url, RefreshMode::Background)
    }

    fn in_mode(url: String, mode: RefreshMode) -> Self {
        let one = Server::http(good(keys::rsa()));
        let three = Server::http(good(keys::rsa_next()));
        let config = Config::builder()
            .issuer(ONE, settings(one.url()))
            .issuer(TROUBLED, settings(url))
            .issuer(THREE, settings(three.url()))
            .resource(RESOURCE)
            .now(NOW)
            .refresh_mode(mode)
            .allow_insecure_loopback(true);
        Self { one, three, verifier: build(config) }
    }

    /// The sound issuers' tokens get their verdicts, by one request each since the beginning.
    #[track_caller]
    fn assert_untouched(&self, what: &str) {
        accepted(&self.verifier, token(ONE, keys::rsa()), what);
        accepted(&self.verifier, token(THREE, keys::rsa_next()), what);
        assert_eq!((self.one.requests(), self.three.requests()), (1, 1), "{what}");
    }

    fn standing(&self, issuer: &str) -> &'static str {
        let stats = self.verifier.stats();
        stats.issuers.iter().find(|stats| stats.issuer == issuer).unwrap().document.standing
    }
}

#[test]
fn an_issuers_outage_is_its_own() {
    let outages = [
        ("HTTP 500", Answer::Status(500, vec![])),
        ("a pause of an hour", Answer::Status(503, vec!["retry-after: 3600".into()])),
        ("HTML", Answer::document("<html></html>")),
        ("no usable key", Answer::document("{\"keys\":[]}")),
        ("hang-up", Answer::Hangup),
    ];
    for mode in [RefreshMode::Background, RefreshMode::Inline] {
        for (what, answer) in outages.clone() {
            let server = Server::http(answer);
            let world = World::in_mode(server.url(), mode);
            let started = Instant::now();
            for _ in 0..3 {
                let theirs = token(TROUBLED, keys::rsa());
                refused(&world.verifier, &theirs, Code::KeysUnavailable, what);
                world.assert_untouched(what);
            }
            // Two tries a fetch, and a pause of a second at least between fetches.
            let most = 2 * (1 + usize::try_from(started.elapsed().as_secs()).unwrap());
            assert!(server.requests() <= most, "{what}: {}", server.requests());
            assert_eq!(
                (world.standing(TROUBLED), world.standing(ONE)),
                ("none", "fresh"),
                "{what}"
            );
        }
    }
    let world = World::with_trouble_at(format!("http://127.0.0.1:{}/jwks", closed_port()));
    refused(&world.verifier, token(TROUBLED, keys::rsa()), Code::KeysUnavailable, "closed port");
    world.assert_untouched("closed port");
}

#[test]
fn an_issuer_that_hangs_makes_no_others_token_wait() {
    let hanging = Server::http(Answer::Held(Box::new(good(keys::rsa()))));
    let world = World::with_trouble_at(hanging.url());
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| verdict(&world.verifier, token(TROUBLED, keys::rsa())).map(drop));
        hanging.await_requests(1);
        for _ in 0..50 {
            world.assert_untouched("while it hangs");
            let theirs = try_verdict(&world.verifier, &token(TROUBLED, keys::rsa()));
            assert_eq!(theirs.unwrap_err().code(), Code::WouldBlock);
        }
        assert!(!waiting.is_finished(), "the others were answered before it");
        hanging.release();
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(hanging.requests(), 1);
}

#[test]
fn a_flood_at_one_issuer_spends_no_others_fetches() {
    let flooded = Server::http(good(keys::rsa()));
    let world = World::with_trouble_at(flooded.url());
    world.assert_untouched("before");
    accepted(&world.verifier, token(TROUBLED, keys::rsa()), "before");
    for number in 0..500 {
        let code = if number < 2 { Code::UnknownKey } else { Code::KeyUnconfirmed };
        refused(&world.verifier, random_token(number), code, "the flood");
        accepted(&world.verifier, token(ONE, keys::rsa()), "during");
    }
    assert_eq!(flooded.requests(), 3, "two for the flood");
    world.assert_untouched("after");
    // The others' rotations are found within the call, for which they have fetches of their own.
    world.one.answer(Answer::document(jwks(&[keys::rsa_next()])));
    accepted(&world.verifier, token(ONE, keys::rsa_next()), "rotated in during the flood");
    assert_eq!((world.one.requests(), world.three.requests(), flooded.requests()), (2, 1, 3));
    let throttled = |issuer| {
        let stats = world.verifier.stats();
        stats.number(Some(issuer), "throttled").unwrap()
    };
    assert_eq!((throttled(ONE), throttled(TROUBLED), throttled(THREE)), (0, 498, 0));
}

#[test]
fn a_flood_during_an_outage_of_the_same_issuer_touches_no_other() {
    let server = Server::http(good(keys::rsa()));
    let world = World::with_trouble_at(server.url());
    accepted(&world.verifier, token(TROUBLED, keys::rsa()), "before");
    server.answer(Answer::Status(500, vec![]));
    world.verifier.refresh().unwrap_err();
    let asked = server.requests();
    for number in 0..200 {
        verdict(&world.verifier, random_token(number)).unwrap_err();
        accepted(&world.verifier, token(TROUBLED, keys::rsa()), "known keys stay good");
    }
    assert!(server.requests() <= asked + 2, "{} after {asked}", server.requests());
    accepted(&world.verifier, token(ONE, keys::rsa()), "not theirs");
    accepted(&world.verifier, token(THREE, keys::rsa_next()), "not theirs");
    assert_eq!((world.one.requests(), world.three.requests()), (1, 1), "by refresh alone");
}

#[test]
fn a_refresh_brings_every_issuers_keys_that_can_be_had() {
    let down = Server::http(Answer::Status(500, vec![]));
    for mode in [RefreshMode::Background, RefreshMode::Inline, RefreshMode::Manual] {
        let world = World::in_mode(down.url(), mode);
        let error = world.verifier.refresh().unwrap_err();
        assert_eq!(error.code(), Code::KeysUnavailable, "{mode:?}");
        world.assert_untouched("refreshed beside a failure");
    }
}

#[test]
fn a_refresh_asks_all_issuers_at_once() {
    let hanging = Server::http(Answer::Held(Box::new(good(keys::rsa()))));
    let world = World::with_trouble_at(hanging.url());
    std::thread::scope(|scope| {
        let refreshing = scope.spawn(|| world.verifier.refresh());
        for server in [&hanging, &world.one, &world.three] {
            server.await_requests(1);
        }
        settled(&world.verifier, &token(ONE, keys::rsa())).unwrap();
        settled(&world.verifier, &token(THREE, keys::rsa_next())).unwrap();
        assert!(!refreshing.is_finished(), "it waits for the one that hangs");
        hanging.release();
        refreshing.join().unwrap().unwrap();
    });
    world.assert_untouched("asked once each");
}

#[test]
fn one_issuers_recovery_needs_no_others_fetch() {
    let server = Server::http(Answer::Status(500, vec![]));
    let world = World::with_trouble_at(server.url());
    refused(&world.verifier, token(TROUBLED, keys::rsa()), Code::KeysUnavailable, "outage");
    world.assert_untouched("outage");
    server.answer(good(keys::rsa()));
    world.verifier.wait_ready(Duration::from_secs(30)).unwrap();
    accepted(&world.verifier, token(TROUBLED, keys::rsa()), "recovered");
    world.assert_untouched("recovered");
    assert_eq!(server.requests(), 2);
}

#[test]
fn readiness_is_every_issuers_and_names_the_one_that_is_missing() {
    let down = Server::http(Answer::Status(500, vec![]));
    let world = World::with_trouble_at(down.url());
    let started = Instant::now();
    let error = world.verifier.wait_ready(Duration::from_millis(900)).unwrap_err();
    assert!(started.elapsed() >= Duration::from_millis(900), "it uses the time it was given");
    assert_eq!(error.code(), Code::KeysUnavailable, "{error}");
    assert!(error.reason().contains("HTTP 500") && error.retry_after().is_some(), "{error:?}");
    // The others are there all the same.
    settled(&world.verifier, &token(ONE, keys::rsa())).unwrap();
    settled(&world.verifier, &token(THREE, keys::rsa_next())).unwrap();
    world.assert_untouched("fetched by wait_ready");
}
