//! A token that names a key which is not at hand: when the issuer is asked, and what is said if it does not
//! answer. A client that gets a 401 throws its token away, so a good token must never get one.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use authkit::{Code, Policy, Request, Verifier};
use serde_json::{Value, json};

use crate::support::server::{Answer, Server, closed_port};
use crate::support::{accepted, claims, jwks, keys, refused};
use crate::{asking, asking_url, good, settled};

/// Longer than a caller waits that can do without the answer, and less than a fetch may take.
const NO_LONGER: Duration = Duration::from_secs(3);

fn rotated() -> Answer {
    Answer::document(jwks(&[keys::rsa(), keys::rsa_next()]))
}

fn forged(key_id: &str) -> String {
    keys::rsa().token_with_header(&json!({ "kid": key_id }), &claims())
}

#[test]
fn a_new_key_is_found_behind_a_shared_cache_that_still_has_the_old_ones() {
    let server = Server::http(good());
    let verifier = asking(&server);
    accepted(&verifier, keys::rsa().token(&claims()), "before");
    server.answer(Answer::Cached { copy: Box::new(good()), server: Box::new(rotated()) });
    accepted(&verifier, keys::rsa_next().token(&claims()), "rotated in");
    assert_eq!(server.requests(), 2);
    // So does a host that asks for a refresh.
    verifier.refresh().unwrap();
    assert!(server.last_request().to_lowercase().contains("no-cache"));
}

#[test]
fn a_cache_that_answers_all_the_same_makes_no_key_unknown() {
    let server = Server::http(good());
    let verifier = asking(&server);
    accepted(&verifier, keys::rsa().token(&claims()), "before");
    let stored = |age: &str| Answer::Document(jwks(&[keys::rsa()]), vec![format!("age: {age}")]);
    for age in ["1", "100", "x"] {
        server.answer(stored(age));
        refused(&verifier, keys::rsa_next().token(&claims()), Code::KeyUnconfirmed, age);
    }
    let verifier = asking(&server);
    server.answer(stored("0"));
    refused(&verifier, keys::rsa_next().token(&claims()), Code::UnknownKey, "validated just now");
}

#[test]
fn a_cold_verifier_behind_a_shared_cache_finds_a_new_key_by_one_request() {
    let server =
        Server::http(Answer::Cached { copy: Box::new(good()), server: Box::new(rotated()) });
    accepted(&asking(&server), keys::rsa_next().token(&claims()), "cold");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_good_token_of_a_new_key_is_unconfirmed_while_the_issuer_fails_and_accepted_after() {
    let failures = [
        Answer::Status(500, vec![]),
        Answer::Status(503, vec!["retry-after: 60".to_owned()]),
        Answer::Hangup,
        Answer::document("<html>"),
        Answer::document("{\"keys\":[]}"),
    ];
    let each = |failure: &Answer| {
        let server = Server::http(good());
        let verifier = asking(&server);
        let (old, new) = (keys::rsa().token(&claims()), keys::rsa_next().token(&claims()));
        accepted(&verifier, &old, "before");
        server.answer(failure.clone());
        for _ in 0..50 {
            let error = refused(&verifier, &new, Code::KeyUnconfirmed, "the issuer fails");
            let retry_after = error.retry_after().unwrap();
            assert!((1..=5).contains(&retry_after), "{failure:?}: {error:?}");
            assert_eq!(settled(&verifier, &new).unwrap_err().code(), Code::KeyUnconfirmed);
            accepted(&verifier, &old, "its key is there");
        }
        server.answer(rotated());
        let deadline = Instant::now() + Duration::from_secs(7);
        while verifier.verify(&new, &Policy::new()).is_err() {
            assert!(Instant::now() < deadline, "{failure:?}: not accepted after the recovery");
            let _ = verifier.wait(verifier.fetches_ended(), Duration::from_millis(100));
        }
    };
    std::thread::scope(|scope| {
        failures.iter().for_each(|failure| drop(scope.spawn(move || each(failure))));
    });
}

#[test]
fn an_unconfirmed_key_is_429_with_retry_after_and_no_challenge() {
    let server = Server::http(good());
    let verifier = asking(&server);
    accepted(&verifier, keys::rsa().token(&claims()), "before");
    server.answer(Answer::Status(500, vec![]));
    let header = format!("Bearer {}", keys::rsa_next().token(&claims()));
    let request = Request::new().authorization(header.as_bytes());
    let decision = verifier.authorize(&request, &Policy::new());
    let response = decision.response();
    assert_eq!(response.status(), 429);
    let header = |name: &str| {
        let found = response.headers().iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    };
    let seconds: u32 = header("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");
    assert_eq!(header("www-authenticate"), None, "nobody is to log in for it");
    let body: Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
}

#[test]
fn a_published_key_that_was_dropped_spends_no_look_up_and_is_told_as_such() {
    let dropped = r#"{"kty":"RSA","kid":"weak","n":"AQAB","e":"AQAB"}"#;
    let document = jwks(&[keys::rsa()]).replacen("[", &format!("[{dropped},"), 1);
    let server = Server::http(Answer::document(document));
    let verifier = asking(&server);
    for _ in 0..100 {
        let error = refused(&verifier, forged("weak"), Code::UnknownKey, "dropped");
        assert!(error.reason().contains("publishes the key"), "{error}");
        assert!(error.reason().contains("unusable"), "{error}");
        assert_eq!(error.retry_after(), None);
    }
    assert_eq!(server.requests(), 1);
    // The look-ups are all there for a rotation.
    server.answer(rotated());
    accepted(&verifier, keys::rsa_next().token(&claims()), "rotated in");
}

#[test]
fn a_flood_never_makes_the_server_look_dead() {
    for weather in [good(), Answer::Status(500, vec![]), Answer::Hangup] {
        let server = Server::http(good());
        let verifier = asking(&server);
        accepted(&verifier, keys::rsa().token(&claims()), "before");
        server.answer(weather.clone());
        for number in 0..500 {
            let header = format!("Bearer {}", forged(&format!("random-{number}")));
            let request = Request::new().authorization(header.as_bytes());
            let status = verifier.authorize(&request, &Policy::new()).response().status();
            assert!([401, 429].contains(&status), "{weather:?}: {status}");
        }
    }
}

/// Four workers, and strangers whose requests need an issuer that hangs: the share of the workers' time that
/// good tokens lose.
fn longest_wait_of_good_tokens(verifier: &Verifier, stranger: impl Fn(usize) + Sync) -> Duration {
    let (is_over, start) = (AtomicBool::new(false), Barrier::new(9));
    let good_token = keys::rsa().token(&claims());
    std::thread::scope(|scope| {
        let (is_over, start, stranger) = (&is_over, &start, &stranger);
        for number in 0..8 {
            scope.spawn(move || {
                start.wait();
                let mut turn = number;
                while !is_over.load(Ordering::Relaxed) {
                    stranger(turn);
                    turn += 8;
                    std::thread::yield_now();
                }
            });
        }
        start.wait();
        let mut longest = Duration::ZERO;
        let began = Instant::now();
        while began.elapsed() < NO_LONGER {
            let asked = Instant::now();
            accepted(verifier, &good_token, "its key is there");
            longest = longest.max(asked.elapsed());
            std::thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
        longest
    })
}

#[test]
fn strangers_hold_no_thread_while_the_issuer_hangs() {
    let server = Server::http(good());
    let verifier = asking(&server);
    accepted(&verifier, keys::rsa().token(&claims()), "before");
    server.answer(Answer::Held(Box::new(good())));
    // The first stranger's call makes the fetch; from its first second on nobody waits for it.
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| verifier.verify(forged("first"), &Policy::new()).map(drop));
        server.await_requests(2);
        let follower = Instant::now();
        refused(&verifier, forged("second"), Code::KeyUnconfirmed, "another caller's fetch");
        assert!(follower.elapsed() < NO_LONGER, "{:?}", follower.elapsed());
        let (longest, asked) = (std::sync::Mutex::new(Duration::ZERO), Instant::now());
        let good_tokens = longest_wait_of_good_tokens(&verifier, |number| {
            let began = Instant::now();
            refused(&verifier, forged(&number.to_string()), Code::KeyUnconfirmed, "a stranger");
            let mut longest = longest.lock().unwrap();
            *longest = longest.max(began.elapsed());
        });
        let longest = longest.into_inner().unwrap();
        assert!(asked.elapsed() >= NO_LONGER);
        assert!(longest < Duration::from_secs(1), "a stranger held a thread for {longest:?}");
        assert!(good_tokens < Duration::from_secs(1), "a good token waited for {good_tokens:?}");
        server.release();
        assert_eq!(leader.join().unwrap().unwrap_err().code(), Code::UnknownKey);
    });
}

#[test]
fn a_caller_that_cannot_wait_never_answers_5xx_for_an_unknown_key_while_keys_are_there() {
    let server = Server::http(good());
    let verifier = asking(&server);
    let token = forged("random");
    accepted(&verifier, keys::rsa().token(&claims()), "before");
    server.answer(Answer::Held(Box::new(good())));
    let header = format!("Bearer {token}");
    let request = Request::new().authorization(header.as_bytes());
    let tried = || verifier.try_authorize(&request, &Policy::new());
    for _ in 0..20 {
        let decision = tried();
        assert_eq!(decision.error().unwrap().code(), Code::WouldBlock, "it holds no thread");
        assert_eq!(
            decision.response().status(),
            429,
            "for a host that does not wait, or no longer"
        );
    }
    server.release();
    assert_eq!(settled(&verifier, &token).unwrap_err().code(), Code::UnknownKey);
}

#[test]
fn without_keys_a_hanging_issuer_is_an_outage_whatever_the_token_names() {
    let verifier = asking_url(&format!("http://127.0.0.1:{}/jwks", closed_port()));
    refused(&verifier, forged("random"), Code::KeysUnavailable, "no keys");
}
