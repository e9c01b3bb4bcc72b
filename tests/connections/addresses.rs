//! Several addresses of one name (RFC 8305), and the one limit that all phases share.

use std::time::Duration;

use super::*;
use crate::net::{Dead, Service, refusing};

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn a_dead_address_costs_a_quarter_of_a_second_and_no_more() {
    let server = good();
    let dead = [Dead::new(), Dead::new(), Dead::new()];
    for count in 1..=3 {
        let mut addresses: Vec<_> = dead[..count].iter().map(|dead| dead.address).collect();
        addresses.push(server.address());
        let longest = millis(250) * u32::try_from(count).unwrap() + SLACK;
        let took = accepted_within(&at(config(&server), &addresses), longest, "dead addresses");
        assert!(took >= millis(200), "the dead ones are tried: {took:?}");
    }
}

#[test]
fn an_address_that_accepts_and_says_nothing_costs_no_more_than_a_dead_one() {
    let server = good();
    let silent = Service::silent();
    let verifier = at(config(&server), &[silent.address, server.address()]);
    accepted_within(&verifier, millis(250) + SLACK, "a silent address");
    assert_eq!(silent.connections(), 1);
}

#[test]
fn an_address_whose_tls_is_bad_gives_way_to_the_next_at_once() {
    let (server, stranger) = (good(), good());
    let addresses = [stranger.address(), stranger.address(), server.address()];
    accepted_within(&at(config(&server), &addresses), SLACK, "another's certificate");
}

#[test]
fn an_address_that_refuses_gives_way_to_the_next_at_once() {
    let server = good();
    let mut addresses: Vec<_> = (0..8).map(|_| refusing()).collect();
    addresses.push(server.address());
    // Eight waits of 250 ms would be 2 s.
    accepted_within(&at(config(&server), &addresses), SLACK, "refusing addresses");
}

#[test]
fn a_dead_address_of_the_other_family_costs_no_more() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else { return };
    drop(listener);
    let server = good();
    let (first, second) = (Dead::on("[::1]:0"), Dead::on("[::1]:0"));
    // The families take turns: the one address of the other is the second that is tried.
    let addresses = [first.address, second.address, server.address()];
    accepted_within(&at(config(&server), &addresses), millis(250) + SLACK, "dead IPv6 addresses");
}

#[test]
fn a_handshake_that_is_answered_after_2_s_yields_keys() {
    let server = good();
    let slow = Service::relay(server.address(), millis(2200));
    let took = accepted_within(
        &at(config(&server), &[slow.address]),
        Duration::from_secs(5),
        "a slow handshake",
    );
    assert!(took >= millis(2200), "{took:?}");
}

#[test]
fn dead_address_and_slow_handshake_together_fit_into_the_limit() {
    let server = good();
    let dead = Dead::new();
    let slow = Service::relay(server.address(), millis(2200));
    let verifier = at(config(&server), &[dead.address, slow.address]);
    accepted_within(&verifier, Duration::from_secs(5), "dead, then slow");
}

/// Whatever says nothing: the call ends with `fetch_timeout`, and the reason names phase, address and time.
#[test]
fn no_phase_outlasts_the_fetch_timeout_and_each_is_named() {
    let (dead, silent) = (Dead::new(), Service::silent());
    let stuck_answer = Server::https(Answer::Held(Box::new(Answer::Hangup)));
    let stuck_body = Server::https(Answer::Slow("x".repeat(100)));
    let stuck_tunnel = Service::proxy("HTTP/1.1 200 OK\r\n\r\n", Duration::ZERO);
    let plain = config_for("https://localhost/jwks");
    let by_proxy = |proxy: &Service| plain.clone().proxy(format!("http://{}", proxy.address));
    let silent_port = config_for(&format!("https://localhost:{}/jwks", silent.address.port()));
    let cases = [
        ("connection", plain.clone(), dead.address, dead.address),
        ("TLS handshake", plain.clone(), silent.address, silent.address),
        ("answer", config(&stuck_answer), stuck_answer.address(), stuck_answer.address()),
        ("body", config(&stuck_body), stuck_body.address(), stuck_body.address()),
        ("proxy CONNECT", by_proxy(&silent), silent.address, silent.address),
        (
            "TLS handshake",
            silent_port.proxy(format!("http://{}", stuck_tunnel.address)),
            stuck_tunnel.address,
            stuck_tunnel.address,
        ),
    ];
    std::thread::scope(|scope| {
        for (phase, builder, address, named) in cases {
            scope.spawn(move || {
                let verifier = at(builder.fetch_timeout(1), &[address]);
                let (verdict, took) = verdict(&verifier);
                let error = verdict.expect_err(phase);
                assert!(took >= millis(950) && took < millis(1000) + SLACK, "{phase}: {took:?}");
                is_ours(error.reason(), phase);
                names_phase_address_and_time(error.reason(), phase, &named.to_string());
            });
        }
    });
}

#[test]
fn an_address_that_fails_is_named_with_its_phase_and_time() {
    let verifier = at(config_for("https://localhost/jwks"), &[refusing(), refusing()]);
    let reason = unavailable_within(&verifier, SLACK, "refused");
    names_phase_address_and_time(&reason, "connection", "127.0.0.1:");
    assert!(reason.contains("refused") && reason.contains("(and 1 more)"), "{reason}");
}

#[test]
fn fetch_timeout_is_one_to_thirty_seconds_and_bounds_a_call() {
    for bad in [0, 31, u64::MAX] {
        let error = config_for("https://localhost/jwks").fetch_timeout(bad).build().unwrap_err();
        assert!(error.reason().contains("fetch_timeout"), "{error}");
    }
    let server = good();
    let slow = Service::relay(server.address(), millis(1500));
    let hasty = at(config(&server).fetch_timeout(1), &[slow.address]);
    unavailable_within(&hasty, millis(1000) + SLACK, "1 s");
    let patient = at(config(&server).fetch_timeout(30), &[slow.address]);
    accepted_within(&patient, Duration::from_secs(5), "30 s");
}

#[test]
fn http_is_allowed_to_a_named_host_and_loudly_told() {
    let server = Server::http(Answer::document(jwks(&[keys::rsa()])));
    let url = format!("http://JWKS:{}/oauth2/jwks", server.address().port());
    let refused = config_for(&url).build().unwrap_err();
    assert_eq!(refused.code(), Code::Config, "{refused}");
    let builder = config_for(&url).allow_insecure_http(["jwks"]);
    let described = builder.clone().build().unwrap().describe();
    assert!(described.contains("WARNING: allow_insecure_http: "), "{described}");
    let verifier = at(builder, &[server.address()]);
    let event = verifier.next_event().unwrap();
    assert_eq!(event.name(), "warned");
    assert!(event.to_json().contains("allow_insecure_http"), "{}", event.to_json());
    accepted_within(&verifier, SLACK, "a named host");
}
