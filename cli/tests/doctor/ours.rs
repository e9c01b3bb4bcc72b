//! A server whose every answer is the library's own decision, sent as it came: it must miss nothing.

use std::collections::BTreeMap;

use authkit::{Config, Policy, Request as Incoming, Response, Verifier};
use serde_json::json;

use crate::site::{Reply, Request, Site};
use crate::world::{World, listener};

/// The plumbing that a web framework adds: it decides nothing.
fn answer(verifier: &Verifier, request: &Request) -> Reply {
    if let Some(document) = verifier.well_known(&request.method, &request.path) {
        return sent(&document);
    }
    if request.path != "/mcp" {
        return Reply::new(404);
    }
    let reply = match request.method.as_str() {
        "OPTIONS" => Reply::new(204).header(
            "access-control-allow-headers",
            "Authorization, Content-Type, Accept, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, DPoP",
        ),
        _ => decide(verifier, request),
    };
    reply.header("access-control-allow-origin", "*")
}

fn decide(verifier: &Verifier, request: &Request) -> Reply {
    let mut incoming = Incoming::new().query(&request.query);
    if let Some(value) = request.header("authorization") {
        incoming = incoming.authorization(value);
    }
    let decision = verifier.authorize(&incoming, &Policy::new());
    match decision.claims() {
        Some(_) => Reply::json(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} })),
        None => sent(decision.response()),
    }
}

fn sent(response: &Response) -> Reply {
    let owned = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
    let headers: BTreeMap<String, String> = response.headers().iter().map(owned).collect();
    let mut reply = Reply::new(response.status());
    reply.headers.extend(headers);
    reply.body = response.body().to_owned();
    reply
}

#[test]
fn a_server_that_sends_the_librarys_answers_misses_nothing() {
    let world = World::good();
    let (listener, base_url) = listener();
    let config = Config::builder()
        .authkit_domain(world.issuer.clone())
        .base_url(base_url.clone())
        .required_scopes(["mcp:read"])
        .allow_insecure_loopback(true)
        .build()
        .unwrap();
    let verifier = Verifier::new(config).unwrap();
    let _site = Site::start(listener, None, move |request| answer(&verifier, request));
    let tokens = world.tokens_for(&format!("{base_url}/mcp"));
    for (token, missed) in [
        (&tokens.good, &[][..]),
        (&tokens.narrow, &["token.verdict"]),
        (&tokens.other, &["token.verdict"]),
    ] {
        let report = world.doctor(Some(token), &["--json", "--base-url", &base_url]).json();
        let found: Vec<&str> = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| !["pass", "skip"].contains(&check["finding"].as_str().unwrap()))
            .map(|check| check["id"].as_str().unwrap())
            .collect();
        assert_eq!(found, missed, "{report}");
    }
}
