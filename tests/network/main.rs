//! The JWKS over a real HTTP or HTTPS server that misbehaves on command, counted by its requests.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod clocks;
mod issuers;
mod look_ups;
#[cfg(unix)]
mod sharing;
mod waiting;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use authkit::{Claims, Code, Config, Error, IssuerSettings, Policy, Verifier};
use serde_json::json;
use support::server::{Answer, Server, closed_port};
use support::{
    ISSUER, NOW, RESOURCE, accepted, build, claims, claims_with, jwks, keys, refused, verdict,
};

/// A verifier that asks this server, as of [`NOW`].
fn asking(server: &Server) -> Verifier {
    asking_url(&server.url())
}

fn asking_url(url: &str) -> Verifier {
    build(config(url).allow_insecure_loopback(true))
}

fn config(url: &str) -> authkit::ConfigBuilder {
    let settings = IssuerSettings { jwks_url: Some(url.to_owned()), ..Default::default() };
    Config::builder().issuer(ISSUER, settings).resource(RESOURCE).now(NOW)
}

fn good() -> Answer {
    Answer::document(jwks(&[keys::rsa()]))
}

fn try_verdict(verifier: &Verifier, token: &str) -> Result<Claims, Error> {
    verifier.try_verify(token, &Policy::new())
}

/// Repeats until the answer is no longer WOULD_BLOCK: a fetch on another thread ends it.
fn settled(verifier: &Verifier, token: &str) -> Result<Claims, Error> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match try_verdict(verifier, token) {
            Err(error) if error.code() == Code::WouldBlock => {
                assert!(Instant::now() < deadline, "it never settled")
            }
            answer => return answer,
        }
        std::thread::yield_now();
    }
}

#[test]
fn keys_are_fetched_once_when_the_first_token_needs_them() {
    let server = Server::http(good());
    let verifier = asking(&server);
    assert_eq!(server.requests(), 0, "making a verifier asks nobody");
    let token = keys::rsa().token(&claims());
    for _ in 0..50 {
        accepted(&verifier, &token, "good");
    }
    assert_eq!(server.requests(), 1);
    let request = server.last_request();
    assert!(request.starts_with("GET /oauth2/jwks HTTP/1.1\r\n"), "{request}");
    assert!(
        request.to_ascii_lowercase().contains("accept-encoding: identity\r\n"),
        "compressed bodies are asked not to be sent: {request}"
    );
}

#[test]
fn https_is_trusted_by_the_configured_authority_and_not_without_it() {
    let server = Server::https(good());
    let token = keys::rsa().token(&claims());
    let trusting = build(config(&server.url()).ca_file(server.ca_file()));
    accepted(&trusting, &token, "its authority is configured");
    let stranger = build(config(&server.url()));
    let error = refused(&stranger, &token, Code::KeysUnavailable, "an unknown authority");
    assert_eq!(error.code().http_status(), 503);
    let elsewhere = server.url().replace("localhost", "127.0.0.1");
    let misnamed = build(config(&elsewhere).ca_file(server.ca_file()));
    refused(&misnamed, &token, Code::KeysUnavailable, "a certificate for another name");
}

#[test]
fn nothing_is_fetched_for_a_token_that_is_refused_without_a_key() {
    let server = Server::http(good());
    let verifier = asking(&server);
    let signer = keys::rsa();
    let retired =
        |changes| signer.token_with_header(&json!({ "kid": "retired" }), &claims_with(&changes));
    let cases = [
        (Code::Malformed, String::new()),
        (Code::TooLarge, "A".repeat(20_000)),
        (Code::Algorithm, signer.token_with_header(&json!({ "alg": "none" }), &claims())),
        (Code::Algorithm, signer.token_with_header(&json!({ "alg": "HS256" }), &claims())),
        (Code::CriticalHeader, signer.token_with_header(&json!({ "crit": ["x"] }), &claims())),
        (Code::Type, signer.token_with_header(&json!({ "typ": "dpop+jwt" }), &claims())),
        (Code::Issuer, retired(json!({ "iss": server.url() }))),
        (Code::Expired, retired(json!({ "exp": NOW - 9999 }))),
        (Code::NotYetValid, retired(json!({ "nbf": NOW + 9999 }))),
        (Code::Audience, retired(json!({ "aud": "https://other.example" }))),
        (Code::Claim, retired(json!({ "sub": "" }))),
    ];
    for (code, token) in cases {
        refused(&verifier, token, code, code.name());
    }
    for header in [json!({ "jku": server.url() }), json!({ "x5u": server.url() })] {
        refused(
            &verifier,
            format!("{}x", signer.token_with_header(&header, &claims_with(&json!({ "exp": 1 })))),
            Code::Malformed,
            "offered",
        );
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_rotated_key_is_fetched_within_the_same_call() {
    let server = Server::http(good());
    let verifier = asking(&server);
    accepted(&verifier, keys::rsa().token(&claims()), "before");
    server.answer(Answer::document(jwks(&[keys::rsa(), keys::rsa_next()])));
    accepted(&verifier, keys::rsa_next().token(&claims()), "the first token with the new key");
    assert_eq!(server.requests(), 2);
    server.answer(Answer::document(jwks(&[keys::rsa_next()])));
    verifier.refresh().unwrap();
    accepted(&verifier, keys::rsa_next().token(&claims()), "after the old key was dropped");
    refused(
        &verifier,
        keys::rsa().token(&claims()),
        Code::UnknownKey,
        "a key that is gone is gone",
    );
}

#[test]
fn a_key_that_was_unknown_a_moment_ago_is_found_once_it_is_published() {
    let server = Server::http(good());
    let verifier = asking(&server);
    let token = keys::rsa_next().token(&claims());
    refused(&verifier, &token, Code::UnknownKey, "not yet published");
    server.answer(Answer::document(jwks(&[keys::rsa(), keys::rsa_next()])));
    accepted(&verifier, &token, "published since");
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_flood_of_unknown_key_ids_causes_two_fetches_and_good_tokens_pass() {
    let server = Server::http(good());
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    accepted(&verifier, &token, "before");
    for number in 0..2000 {
        let kid = format!("random-{number}");
        let is_asked_for = number < 2;
        let error = refused(
            &verifier,
            keys::rsa().token_with_header(&json!({ "kid": kid }), &claims()),
            if is_asked_for { Code::UnknownKey } else { Code::KeyUnconfirmed },
            &kid,
        );
        if !is_asked_for {
            assert!(
                error.retry_after().is_some_and(|seconds| (1..=10).contains(&seconds)),
                "{error:?}"
            );
        }
        accepted(&verifier, &token, "during");
    }
    assert_eq!(server.requests(), 3);
    let nameless = keys::rsa_next().token_with_header(&json!({ "kid": null }), &claims());
    refused(&verifier, nameless, Code::Signature, "no key id never fetches");
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_thousand_cold_threads_cause_one_fetch() {
    let server = Server::http(Answer::Held(Box::new(good())));
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    let threads = 1000;
    let start = Barrier::new(threads + 1);
    std::thread::scope(|scope| {
        let verdicts: Vec<_> = (0..threads)
            .map(|_| {
                std::thread::Builder::new()
                    .stack_size(256 * 1024)
                    .spawn_scoped(scope, || {
                        start.wait();
                        verdict(&verifier, &token).map(drop)
                    })
                    .unwrap()
            })
            .collect();
        start.wait();
        server.await_requests(1);
        server.release();
        for verdict in verdicts {
            verdict.join().unwrap().unwrap();
        }
    });
    assert_eq!(server.requests(), 1);
}

#[test]
fn try_verify_never_waits_and_starts_the_fetch() {
    let server = Server::http(Answer::Held(Box::new(good())));
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    for _ in 0..100 {
        assert_eq!(try_verdict(&verifier, &token).unwrap_err().code(), Code::WouldBlock);
    }
    server.await_requests(1);
    server.release();
    settled(&verifier, &token).unwrap();
    assert_eq!(server.requests(), 1);
    // Warm, it answers as verify does.
    assert_eq!(try_verdict(&verifier, "x.y.z").unwrap_err().code(), Code::Malformed);
    server.answer(Answer::document(jwks(&[keys::rsa_next()])));
    settled(&verifier, &keys::rsa_next().token(&claims())).unwrap();
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_waiting_verification_is_answered_by_the_fetch_that_try_verify_started() {
    let server = Server::http(Answer::Held(Box::new(good())));
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    assert_eq!(try_verdict(&verifier, &token).unwrap_err().code(), Code::WouldBlock);
    server.await_requests(1);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| verdict(&verifier, &token).map(drop));
        server.release();
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(server.requests(), 1);
}

#[test]
fn an_outage_is_503_with_retry_after_and_ends_with_the_outage() {
    let server = Server::http(Answer::Status(500, vec![]));
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    let error = refused(&verifier, &token, Code::KeysUnavailable, "HTTP 500");
    assert_eq!((error.code().http_status(), error.code().oauth_error()), (503, None));
    assert_eq!(error.retry_after(), Some(1));
    assert!(error.reason().contains("HTTP 500"), "{error}");
    refused(&verifier, &token, Code::KeysUnavailable, "again, at once");
    assert_eq!(server.requests(), 1, "a failing server is not hammered");
    server.answer(good());
    let deadline = Instant::now() + Duration::from_secs(20);
    while verdict(&verifier, &token).is_err() {
        assert!(Instant::now() < deadline, "it never recovered");
        std::thread::yield_now();
    }
    assert_eq!(server.requests(), 2);
}

#[test]
fn bad_answers_leave_the_last_good_keys_in_use() {
    let server = Server::http(good());
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    accepted(&verifier, &token, "before");
    let body = jwks(&[keys::rsa_next()]);
    let raw = |text: String| Answer::Raw(text.into_bytes());
    let answers = [
        ("404", Answer::Status(404, vec![])),
        ("503", Answer::Status(503, vec!["retry-after: 7".into()])),
        ("204", Answer::Status(204, vec![])),
        ("unsolicited 304", Answer::Status(304, vec![])),
        ("redirect", Answer::Status(302, vec![format!("location: {}", server.url())])),
        ("redirect with a body", raw(format!("HTTP/1.1 301 X\r\nlocation: /x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()))),
        ("206", raw(format!("HTTP/1.1 206 X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()))),
        ("HTML", Answer::document("<html></html>")),
        ("no keys", Answer::document("{\"keys\":[]}")),
        ("{}", Answer::document("{}")),
        ("empty", Answer::document("")),
        ("truncated", Answer::document(&body[..body.len() - 3])),
        ("cut off", raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 10))),
        ("too long", Answer::document(format!("{}{}", " ".repeat(256 * 1024), body))),
        ("endless chunks", raw(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", format!("8000\r\n{}\r\n", " ".repeat(0x8000)).repeat(10)))),
        ("gzip nobody asked for", raw("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: 4\r\n\r\n\x1f\u{b}\0\0".into())),
        ("not HTTP", raw("SSH-2.0-OpenSSH_9\r\n".into())),
        ("hang-up", Answer::Hangup),
    ];
    for (what, answer) in answers {
        server.answer(answer);
        let error = verifier.refresh().expect_err(what);
        assert_eq!(error.code(), Code::KeysUnavailable, "{what}: {error}");
        assert!(error.retry_after().is_some_and(|seconds| seconds >= 1), "{what}");
        accepted(&verifier, &token, what);
    }
    server.answer(Answer::Status(503, vec!["retry-after: 7".into()]));
    assert_eq!(verifier.refresh().unwrap_err().retry_after(), Some(7));
    server.answer(Answer::Status(503, vec!["retry-after: 99999".into()]));
    assert_eq!(verifier.refresh().unwrap_err().retry_after(), Some(60));
    server.answer(Answer::document(body));
    verifier.refresh().unwrap();
    accepted(&verifier, keys::rsa_next().token(&claims()), "a good answer at last");
}

#[test]
fn one_more_try_is_made_where_nobody_was_found() {
    let token = keys::rsa().token(&claims());
    let passing = [
        ("502", Answer::Status(502, vec![])),
        ("503", Answer::Status(503, vec![])),
        ("504", Answer::Status(504, vec![])),
        ("hang-up", Answer::Hangup),
    ];
    for (what, answer) in passing {
        let server = Server::http(good());
        server.answer_in_turn([answer.clone(), good()]);
        accepted(&asking(&server), &token, what);
        assert_eq!(server.requests(), 2, "{what}");
        server.answer(answer);
        refused(&asking(&server), &token, Code::KeysUnavailable, what);
        assert_eq!(server.requests(), 4, "{what}: one more try, not two");
    }
    let lasting = [
        ("500", Answer::Status(500, vec![])),
        ("404", Answer::Status(404, vec![])),
        ("503 that says when", Answer::Status(503, vec!["retry-after: 2".into()])),
        ("HTML", Answer::document("<html></html>")),
    ];
    for (what, answer) in lasting {
        let server = Server::http(good());
        server.answer_in_turn([answer, good()]);
        refused(&asking(&server), &token, Code::KeysUnavailable, what);
        assert_eq!(server.requests(), 1, "{what}");
    }
}

#[test]
fn a_document_that_has_not_changed_is_not_sent_again() {
    let tagged = |signers: &[&keys::Signer], tag: &str| {
        Answer::Document(jwks(signers), vec![format!("etag: {tag}")])
    };
    let server = Server::http(tagged(&[keys::rsa()], "\"one\""));
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    accepted(&verifier, &token, "before");
    assert!(!server.last_request().to_ascii_lowercase().contains("if-none-match"));
    server.answer(Answer::Status(304, vec![]));
    for _ in 0..2 {
        verifier.refresh().unwrap();
        assert!(server.last_request().to_ascii_lowercase().contains("if-none-match: \"one\"\r\n"));
        accepted(&verifier, &token, "unchanged");
    }
    server.answer(tagged(&[keys::rsa_next()], "W/\"two\""));
    verifier.refresh().unwrap();
    refused(&verifier, &token, Code::UnknownKey, "changed");
    assert!(
        server.last_request().contains("W/\"two\""),
        "the search for the key asks about the new one"
    );
    // Keys that the host gave have no tag: the server's 304 would not be about them.
    verifier.set_jwks(None, &jwks(&[keys::rsa()])).unwrap();
    server.answer(Answer::Status(304, vec![]));
    assert_eq!(verifier.refresh().unwrap_err().code(), Code::KeysUnavailable, "an unsolicited 304");
    accepted(&verifier, &token, "the given keys stay");
}

#[test]
fn other_spellings_of_a_good_answer_are_read() {
    let body = jwks(&[keys::rsa()]);
    let answers = [
        ("HTTP/1.0", format!("HTTP/1.0 200 OK\r\n\r\n{body}")),
        (
            "chunked",
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            ),
        ),
        (
            "until the connection ends",
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"),
        ),
        (
            "jwk-set+json",
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
        ),
    ];
    for (what, answer) in answers {
        let server = Server::http(Answer::Raw(answer.into_bytes()));
        accepted(&asking(&server), keys::rsa().token(&claims()), what);
    }
}

#[test]
fn a_slow_body_is_given_up_within_the_time_limit() {
    let server = Server::http(Answer::Slow(jwks(&[keys::rsa()])));
    let verifier = asking(&server);
    let started = Instant::now();
    refused(&verifier, keys::rsa().token(&claims()), Code::KeysUnavailable, "an octet a second");
    // 5 s are allowed; the margin is for a busy machine, not for the limit.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_closed_port_is_an_outage() {
    let verifier = asking_url(&format!("http://127.0.0.1:{}/jwks", closed_port()));
    let error = refused(&verifier, keys::rsa().token(&claims()), Code::KeysUnavailable, "refused");
    assert!(error.reason().contains("could not be reached"), "{error}");
}

#[test]
fn the_environments_proxy_is_not_asked() {
    // Were the variable honoured, the request would go to the proxy.
    let server = Server::http(good());
    let proxy = Server::http(Answer::Status(502, vec![]));
    let through = build(
        config(&server.url())
            .allow_insecure_loopback(true)
            .proxy(proxy.url().replace("/oauth2/jwks", "")),
    );
    assert!(verdict(&through, keys::rsa().token(&claims())).is_err());
    assert_eq!((server.requests(), proxy.requests()), (0, 1), "a configured proxy is asked");
    let exe = std::env::current_exe().unwrap();
    let child = std::process::Command::new(exe)
        .args(["--exact", "keys_are_fetched_once_when_the_first_token_needs_them"])
        .envs(
            ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"]
                .map(|name| (name, format!("http://127.0.0.1:{}", closed_port()))),
        )
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

#[test]
fn keys_given_during_a_fetch_are_not_replaced_by_what_it_brings() {
    let server = Server::http(Answer::Held(Box::new(good())));
    let verifier = asking(&server);
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| verifier.refresh());
        server.await_requests(1);
        verifier.set_jwks(None, &jwks(&[keys::rsa_next()])).unwrap();
        server.release();
        fetching.join().unwrap().unwrap();
    });
    accepted(&verifier, keys::rsa_next().token(&claims()), "by the key that was given");
    refused(&verifier, keys::rsa().token(&claims()), Code::UnknownKey, "by the older answer's");
    verifier.refresh().unwrap();
    accepted(&verifier, keys::rsa().token(&claims()), "after a fetch that began later");
}

#[test]
fn each_issuer_has_its_own_keys_and_its_own_outage() {
    const OTHER: &str = "https://other.authkit.app";
    let ours = Server::http(good());
    let theirs = Server::http(Answer::Status(500, vec![]));
    let settings =
        |server: &Server| IssuerSettings { jwks_url: Some(server.url()), ..Default::default() };
    let both = Config::builder().issuer(ISSUER, settings(&ours)).issuer(OTHER, settings(&theirs));
    let verifier = build(both.resource(RESOURCE).now(NOW).allow_insecure_loopback(true));
    let theirs_token = keys::rsa_next().token(&claims_with(&json!({ "iss": OTHER })));
    refused(&verifier, &theirs_token, Code::KeysUnavailable, "their outage");
    accepted(&verifier, keys::rsa().token(&claims()), "is not ours");
    assert_eq!((ours.requests(), theirs.requests()), (1, 1));
}

#[test]
fn a_verifier_dropped_during_a_fetch_leaves_nothing_hanging() {
    let server = Server::http(Answer::Held(Box::new(good())));
    let verifier = asking(&server);
    assert_eq!(
        try_verdict(&verifier, &keys::rsa().token(&claims())).unwrap_err().code(),
        Code::WouldBlock
    );
    server.await_requests(1);
    drop(verifier);
    server.release();
}

#[test]
fn no_thread_stands_when_the_fetch_is_over() {
    let ours = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names =
            tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name.trim_end() == "authkit-jwks").count()
    };
    let server = Server::http(good());
    settled(&asking(&server), &keys::rsa().token(&claims())).unwrap();
    // Other tests' fetches come and go; none stays.
    let deadline = Instant::now() + Duration::from_secs(30);
    while ours() > 0 {
        assert!(Instant::now() < deadline, "a thread stands");
        std::thread::yield_now();
    }
}
