//! Waiting without polling, as hosts with event loops do, and readiness; by real time at a real server.

use std::time::{Duration, Instant};

use authkit::{Class, Code, RefreshMode, Verifier};

use crate::support::server::{Answer, Server, closed_port};
use crate::support::{accepted, build, claims, jwks, keys, refused};
use crate::{asking, asking_url, config, good, settled, try_verdict};

/// Longer than any wait that is expected to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// A step of a host's wait.
const STEP: Duration = Duration::from_millis(250);

fn held() -> Server {
    Server::http(Answer::Held(Box::new(good())))
}

fn in_mode(server: &Server, mode: RefreshMode) -> Verifier {
    build(config(&server.url()).allow_insecure_loopback(true).refresh_mode(mode))
}

/// What remains unanswered of so many requests with this token, tried once each.
fn unanswered(verifier: &Verifier, token: &str, requests: usize) -> usize {
    let tried = (0..requests).map(|_| try_verdict(verifier, token));
    tried
        .filter(|verdict| match verdict {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.code(), Code::WouldBlock, "{error}");
                true
            }
        })
        .count()
}

#[test]
fn two_hundred_waiting_requests_need_one_waiter_and_one_fetch() {
    let server = held();
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    // The event loop: every request is tried at once, and none is answered yet.
    let mut seen = verifier.fetches_ended();
    let mut waiting = unanswered(&verifier, &token, 200);
    assert_eq!(waiting, 200);
    server.await_requests(1);
    // The one worker thread: it sleeps in steps, and has all tried again when something happened.
    let (mut steps, mut rounds) = (0, 0);
    let started = Instant::now();
    while waiting > 0 {
        assert!(started.elapsed() < PATIENCE, "{waiting} were never answered");
        steps += 1;
        if !verifier.wait(seen, STEP) {
            server.release();
            continue;
        }
        rounds += 1;
        seen = verifier.fetches_ended();
        waiting = unanswered(&verifier, &token, waiting);
    }
    assert_eq!(
        (rounds, server.requests()),
        (1, 1),
        "all are answered by what the one fetch brought"
    );
    let most = 2 + started.elapsed().as_millis() / STEP.as_millis();
    assert!(steps <= most, "{steps} steps: it polled");
}

#[test]
fn a_wait_ends_with_a_fetch_or_its_timeout() {
    let server = held();
    let verifier = asking(&server);
    let timeout = Duration::from_millis(50);
    let is_done = || {
        let started = Instant::now();
        let is_done = verifier.wait(0, timeout);
        assert!(is_done || started.elapsed() >= timeout, "a loop that trusts it must not spin");
        is_done
    };
    assert!(!is_done(), "nothing was fetched, and nothing is under way");
    verifier.start_refresh().unwrap();
    assert!(!is_done(), "it is under way");
    assert!(!verifier.wait(0, Duration::ZERO), "a look");
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..8).map(|_| scope.spawn(|| verifier.wait(0, PATIENCE))).collect();
        server.await_requests(1);
        server.release();
        for waiting in waiting {
            assert!(waiting.join().unwrap(), "each waiter is woken");
        }
    });
    assert_eq!(verifier.fetches_ended(), 1);
    assert!(verifier.wait(0, PATIENCE), "what was seen is past");
    assert!(!verifier.wait(1, timeout), "nothing was fetched since");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_failed_fetch_ends_a_wait_too() {
    let server = Server::http(Answer::Held(Box::new(Answer::Status(500, vec![]))));
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    assert_eq!(try_verdict(&verifier, &token).unwrap_err().code(), Code::WouldBlock);
    server.await_requests(1);
    server.release();
    assert!(verifier.wait(0, PATIENCE));
    let error = try_verdict(&verifier, &token).unwrap_err();
    assert_eq!(error.code(), Code::KeysUnavailable, "no second round of waiting: {error}");
    assert!(error.retry_after().is_some());
}

#[test]
fn a_started_refresh_returns_at_once_and_hinders_nobody() {
    let server = Server::http(good());
    let verifier = asking(&server);
    let (old, new) = (keys::rsa().token(&claims()), keys::rsa_next().token(&claims()));
    accepted(&verifier, &old, "before");
    server.answer(Answer::Held(Box::new(Answer::document(jwks(&[keys::rsa_next()])))));
    let seen = verifier.fetches_ended();
    for _ in 0..20 {
        verifier.start_refresh().unwrap();
    }
    server.await_requests(2);
    try_verdict(&verifier, &old).unwrap();
    server.release();
    assert!(verifier.wait(seen, PATIENCE));
    try_verdict(&verifier, &new).unwrap();
    assert_eq!(server.requests(), 2, "twenty calls, one fetch");
}

#[test]
fn only_background_mode_starts_a_refresh() {
    let server = Server::http(good());
    for mode in [RefreshMode::Inline, RefreshMode::Manual] {
        let verifier = in_mode(&server, mode);
        let error = verifier.start_refresh().unwrap_err();
        assert_eq!(error.code(), Code::Misuse, "{mode:?}");
        assert!(!verifier.wait(0, Duration::ZERO), "{mode:?}: nothing was fetched");
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn readiness_comes_with_the_first_fetch_and_then_costs_nothing() {
    for mode in [RefreshMode::Background, RefreshMode::Inline] {
        let server = Server::http(good());
        let verifier = in_mode(&server, mode);
        verifier.wait_ready(PATIENCE).unwrap();
        for _ in 0..10 {
            verifier.wait_ready(Duration::ZERO).unwrap();
        }
        try_verdict(&verifier, &keys::rsa().token(&claims())).unwrap();
        assert_eq!(server.requests(), 1, "{mode:?}");
        // Keys that are there make it ready, whatever has become of the server.
        server.answer(Answer::Status(500, vec![]));
        verifier.refresh().unwrap_err();
        verifier.wait_ready(Duration::ZERO).unwrap();
    }
}

#[test]
fn many_that_wait_for_readiness_cause_one_fetch() {
    let server = held();
    let verifier = asking(&server);
    std::thread::scope(|scope| {
        let ready: Vec<_> =
            (0..20).map(|_| scope.spawn(|| verifier.wait_ready(PATIENCE))).collect();
        server.await_requests(1);
        server.release();
        for ready in ready {
            ready.join().unwrap().unwrap();
        }
    });
    assert_eq!(server.requests(), 1);
}

#[test]
fn readiness_is_given_up_at_the_timeout_with_what_is_in_its_way() {
    let server = held();
    let verifier = asking(&server);
    for timeout in [Duration::ZERO, Duration::from_millis(100)] {
        let started = Instant::now();
        let error = verifier.wait_ready(timeout).unwrap_err();
        assert!(started.elapsed() >= timeout);
        assert_eq!(error.code(), Code::WouldBlock, "its first fetch is under way: {error}");
    }
    server.await_requests(1);
    server.release();
    verifier.wait_ready(PATIENCE).unwrap();
    assert_eq!(server.requests(), 1, "one fetch for all three calls");

    let nobody = asking_url(&format!("http://127.0.0.1:{}/jwks", closed_port()));
    let error = nobody.wait_ready(Duration::from_millis(900)).unwrap_err();
    assert_eq!(error.code(), Code::KeysUnavailable, "{error}");
    assert!(error.reason().contains("could not be reached"), "{error}");
    assert!(error.retry_after().is_some());
}

#[test]
fn readiness_is_reached_when_the_server_recovers_within_the_timeout() {
    for mode in [RefreshMode::Background, RefreshMode::Inline] {
        let server = Server::http(Answer::Status(500, vec![]));
        let verifier = in_mode(&server, mode);
        std::thread::scope(|scope| {
            let ready = scope.spawn(|| verifier.wait_ready(PATIENCE));
            server.await_requests(1);
            assert!(!ready.is_finished(), "{mode:?}: a failure is not the end");
            server.answer(good());
            ready.join().unwrap().unwrap();
        });
        // The pause after a failure is kept: this is no hammering.
        assert_eq!(server.requests(), 2, "{mode:?}");
        accepted(&verifier, keys::rsa().token(&claims()), "ready");
    }
}

#[test]
fn in_manual_mode_readiness_comes_with_the_hosts_refresh() {
    let server = Server::http(good());
    let verifier = in_mode(&server, RefreshMode::Manual);
    let error = verifier.wait_ready(Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.code(), Code::KeysUnavailable, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("manual")), "{error}");
    assert_eq!(server.requests(), 0, "it fetches nothing by itself");
    std::thread::scope(|scope| {
        let ready = scope.spawn(|| verifier.wait_ready(PATIENCE));
        verifier.refresh().unwrap();
        ready.join().unwrap().unwrap();
    });
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_host_that_never_waits_sees_an_outage_begin_and_end() {
    let server = Server::http(Answer::Status(500, vec![]));
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    let error = settled(&verifier, &token).unwrap_err();
    assert_eq!(error.code(), Code::KeysUnavailable, "{error}");
    for _ in 0..100 {
        let error = try_verdict(&verifier, &token).unwrap_err();
        if error.code() != Code::KeysUnavailable {
            assert_eq!(error.code(), Code::WouldBlock, "{error}");
        }
    }
    assert!(server.requests() <= 2, "a failing server is not hammered: {}", server.requests());
    server.answer(good());
    verifier.wait_ready(PATIENCE).unwrap();
    try_verdict(&verifier, &token).unwrap();
}

#[test]
fn a_recovery_is_told_and_leaves_no_trace_of_the_outage() {
    let server = Server::http(good());
    let verifier = asking(&server);
    let token = keys::rsa().token(&claims());
    accepted(&verifier, &token, "before");
    server.answer(Answer::Status(500, vec![]));
    for _ in 0..3 {
        verifier.refresh().unwrap_err();
        accepted(&verifier, &token, "known keys stay good");
    }
    let number = |name| verifier.stats().number(None, name);
    assert_eq!((number("failures"), number("consecutive_failures")), (Some(3), Some(3)));
    assert!(verifier.stats().issuers[0].document.last_failure.is_some());
    server.answer(good());
    verifier.refresh().unwrap();
    refused(&verifier, keys::rsa_next().token(&claims()), Code::UnknownKey, "asks at once again");
    assert_eq!((number("failures"), number("consecutive_failures")), (Some(3), Some(0)));
    assert_eq!(number("retry_after"), None);
    assert_eq!(verifier.stats().issuers[0].document.last_failure, None);
    let told: Vec<_> = std::iter::from_fn(|| verifier.next_event()).map(|it| it.name()).collect();
    assert_eq!(told, ["fetched", "failed", "failed", "failed", "fetched", "fetched"]);
    assert_eq!(server.requests(), 6);
}

#[test]
fn a_host_on_an_event_loop_is_told_that_inline_mode_fetches_only_in_a_call_that_may_wait() {
    let server = Server::http(good());
    let verifier = in_mode(&server, RefreshMode::Inline);
    let token = keys::rsa().token(&claims());
    let error = try_verdict(&verifier, &token).unwrap_err();
    assert_eq!((error.code(), error.code().class()), (Code::FetchNeeded, Class::WouldBlock));
    assert!(error.hint().is_some_and(|hint| hint.contains("inline")), "{error}");
    // The documented loop, by a host that does not look at the code: five steps, no more.
    let (started, mut turns) = (Instant::now(), 0);
    while started.elapsed() < 5 * STEP {
        let seen = verifier.fetches_ended();
        assert!(try_verdict(&verifier, &token).is_err());
        assert!(!verifier.wait(seen, STEP), "nothing was fetched");
        turns += 1;
    }
    assert!(turns <= 5, "{turns} turns: it spins");
    assert_eq!(server.requests(), 0);
    accepted(&verifier, &token, "a call that may wait");
    try_verdict(&verifier, &token).unwrap();
}

/// Durations that a host may have computed: `+` on an instant panics for the longest.
const ANY_LENGTH: [Duration; 6] = [
    Duration::from_nanos(1),
    Duration::from_secs(3600),
    Duration::from_secs(u32::MAX as u64),
    Duration::from_secs(i64::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

#[test]
fn a_timeout_of_any_length_is_waited_for() {
    for timeout in ANY_LENGTH {
        let server = held();
        let verifier = asking(&server);
        let seen = verifier.fetches_ended();
        std::thread::scope(|scope| {
            let ready = scope.spawn(|| verifier.wait_ready(timeout));
            server.await_requests(1);
            let waited = scope.spawn(|| verifier.wait(seen, timeout));
            if timeout < STEP {
                assert!(!waited.join().unwrap());
                assert_eq!(ready.join().unwrap().unwrap_err().code(), Code::WouldBlock);
                server.release();
            } else {
                server.release();
                assert!(waited.join().unwrap());
                ready.join().unwrap().unwrap();
            }
        });
        assert!(verifier.wait_ready(PATIENCE).is_ok() && verifier.wait_ready(timeout).is_ok());
    }
}
