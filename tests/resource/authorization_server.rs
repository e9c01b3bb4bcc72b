//! Authorization server metadata passed on: where they are asked for, what is believed, what an outage gives.

use std::time::{Duration, Instant};

use authkit::{Code, ConfigBuilder, Verifier};
use serde_json::{Value, json};

use crate::request::check_form;
use crate::support::server::{Answer, Server};
use crate::support::{RESOURCE, build, verifier};

const PLACES: [&str; 5] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/openid-configuration",
];

/// The server as an issuer.
fn issuer(server: &Server) -> String {
    server.url().trim_end_matches("/oauth2/jwks").to_owned()
}

fn document(server: &Server) -> String {
    json!({ "issuer": issuer(server), "token_endpoint": "https://a.example/token" }).to_string()
}

fn verifier_for(server: &Server) -> Verifier {
    let config = json!({ "authkit_domain": issuer(server), "resource": RESOURCE,
        "allow_insecure_loopback": true });
    build(ConfigBuilder::from_json(&config.to_string()).unwrap())
}

#[test]
fn one_fetch_serves_every_place_to_the_byte() {
    let server = Server::http(Answer::Hangup);
    server.answer(Answer::document(document(&server)));
    let verifier = verifier_for(&server);
    for place in PLACES {
        let response = verifier.well_known("GET", place).unwrap();
        check_form(&response);
        assert_eq!((response.status(), response.body()), (200, document(&server).as_str()));
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(verifier.well_known("HEAD", place).unwrap().body(), "");
        assert_eq!(verifier.well_known("OPTIONS", place).unwrap().status(), 204);
        assert_eq!(verifier.well_known("POST", place).unwrap().status(), 405);
        assert_eq!(verifier.try_well_known("GET", place).unwrap().status(), 200);
    }
    assert_eq!(server.requests(), 1);
    // As documented, and as the bindings' types name it.
    let event = verifier.next_event().unwrap();
    assert_eq!((event.name(), event.document), ("fetched", "authorization_server"));
    assert!(event.to_json().contains(r#""document":"authorization_server""#));
    assert!(
        server
            .last_request()
            .starts_with("GET /.well-known/oauth-authorization-server HTTP/1.1\r\n")
    );
}

#[test]
fn where_only_openid_metadata_are_published_those_are_passed_on() {
    let server = Server::http(Answer::Hangup);
    server.answer_in_turn([Answer::Status(404, Vec::new()), Answer::document(document(&server))]);
    let response = verifier_for(&server).well_known("GET", PLACES[0]).unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        server.last_request().starts_with("GET /.well-known/openid-configuration HTTP/1.1\r\n")
    );
}

#[test]
fn what_cannot_be_had_or_believed_is_503_and_never_passed_on() {
    let other = json!({ "issuer": "https://MARK.example" }).to_string();
    let large = format!("{{\"x\":\"{}\"}}", "a".repeat(300 * 1024));
    for answer in [
        Answer::Hangup,
        Answer::Status(404, Vec::new()),
        Answer::Status(503, vec!["retry-after: 7".to_owned()]),
        Answer::Status(302, vec!["location: https://MARK.example/".to_owned()]),
        Answer::document(other),
        Answer::document(large),
        Answer::document("<html>MARK</html>"),
    ] {
        let server = Server::http(answer.clone());
        let verifier = verifier_for(&server);
        let response = verifier.well_known("GET", PLACES[1]).unwrap();
        check_form(&response);
        assert_eq!(response.status(), 503, "{answer:?}");
        assert!(response.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let body: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(body["error"], "temporarily_unavailable");
        assert!(!response.body().contains("MARK") && !response.body().contains("127.0.0.1"));
        assert_eq!(response.error().unwrap().code(), Code::KeysUnavailable);
        // What concerns this server alone is served in every weather.
        assert_eq!(
            verifier.well_known("GET", "/.well-known/oauth-protected-resource").unwrap().status(),
            200
        );
    }
}

#[test]
fn who_cannot_wait_for_the_metadata_is_told_so() {
    let server = Server::http(Answer::Hangup);
    server.answer(Answer::Held(Box::new(Answer::document(document(&server)))));
    let verifier = verifier_for(&server);
    let response = verifier.try_well_known("GET", PLACES[0]).unwrap();
    assert_eq!(response.error().unwrap().code(), Code::WouldBlock);
    assert_eq!(response.status(), 503);
    server.release();
    assert_eq!(verifier.well_known("GET", PLACES[0]).unwrap().status(), 200);
    assert_eq!(server.requests(), 1, "the fetch that was under way is waited for");
}

#[test]
fn an_issuer_that_hangs_holds_one_thread_and_no_more() {
    let server = Server::http(Answer::Hangup);
    server.answer(Answer::Held(Box::new(Answer::document(document(&server)))));
    let verifier = verifier_for(&server);
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| verifier.well_known("GET", PLACES[0]).unwrap().status());
        server.await_requests(1);
        // The first of these waits for a second, and so learns that the issuer is slow.
        let (began, turns) = (Instant::now(), 200);
        for _ in 0..turns {
            let response = verifier.well_known("GET", PLACES[0]).unwrap();
            assert_eq!(response.status(), 503);
            assert_eq!(response.error().unwrap().code(), Code::KeysUnavailable);
        }
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        let response = verifier.try_well_known("GET", PLACES[0]).unwrap();
        assert_eq!(response.error().unwrap().code(), Code::WouldBlock, "it holds no thread");
        server.release();
        assert_eq!(leader.join().unwrap(), 200);
    });
    assert_eq!(server.requests(), 1);
}

#[test]
fn where_keys_are_given_nothing_is_fetched_and_the_places_are_not_ours() {
    for place in PLACES {
        assert!(verifier().well_known("GET", place).is_none(), "{place}");
    }
}
