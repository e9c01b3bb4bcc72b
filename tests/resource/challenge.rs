//! The exact words of each refusal: `WWW-Authenticate`, the other headers, the body.

use authkit::{Config, Policy, Request, Verifier};
use serde_json::{Value, json};

use crate::request::check_form;
use crate::support::{ISSUER, NOW, build, builder, claims, claims_with, jwks, keys};

const METADATA: &str =
    r#"resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp""#;

/// Status and challenge of the answer to a token, or to none.
fn challenged(verifier: &Verifier, token: Option<&Value>, policy: &Policy) -> (u16, String) {
    let header = token.map(|claims| format!("Bearer {}", keys::rsa().token(claims)));
    let mut request = Request::new();
    if let Some(header) = &header {
        request = request.authorization(header);
    }
    answer(verifier, &request, policy)
}

fn answer(verifier: &Verifier, request: &Request<'_>, policy: &Policy) -> (u16, String) {
    let decision = verifier.authorize(request, policy);
    let response = decision.response();
    check_form(response);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("access-control-expose-headers"), Some("WWW-Authenticate"));
    assert_eq!(response.header("access-control-allow-origin"), None, "the host's to say");
    assert_eq!(response.header("retry-after"), None);
    let challenge = response.header("www-authenticate").unwrap().to_owned();
    let body: Value = serde_json::from_str(response.body()).unwrap();
    let description = body["error_description"].as_str().unwrap();
    match body.get("error") {
        Some(error) => {
            let start = format!("Bearer error={error}, error_description=\"{description}\"");
            assert!(challenge.starts_with(&start), "{challenge} beside {body}");
        }
        None => assert!(!challenge.contains("error"), "{challenge}"),
    }
    (response.status(), challenge)
}

fn scopes(names: &[&str]) -> Policy {
    let mut policy = Policy::new();
    names.iter().for_each(|name| policy.require_scope(name).unwrap());
    policy
}

#[test]
fn each_refusal_has_its_exact_challenge() {
    let plain = build(builder(jwks(&[keys::rsa()])));
    let scoped = build(builder(jwks(&[keys::rsa()])).required_scopes(["openid", "read"]));
    let expired = claims_with(&json!({ "exp": NOW - 3600 }));
    for (verifier, token, status, challenge) in [
        (&plain, None, 401, format!("Bearer {METADATA}")),
        (&scoped, None, 401, format!("Bearer scope=\"openid read\", {METADATA}")),
        (
            &plain,
            Some(&expired),
            401,
            format!(
                "Bearer error=\"invalid_token\", error_description=\"The access token expired\", {METADATA}"
            ),
        ),
        (
            &scoped,
            Some(&expired),
            401,
            format!(
                "Bearer error=\"invalid_token\", error_description=\"The access token expired\", \
                 scope=\"openid read\", {METADATA}"
            ),
        ),
        (
            &scoped,
            Some(&claims()),
            403,
            format!(
                "Bearer error=\"insufficient_scope\", error_description=\"The access token lacks the scope read\", \
                 scope=\"openid read\", {METADATA}"
            ),
        ),
    ] {
        assert_eq!(challenged(verifier, token, &Policy::new()), (status, challenge));
    }
    let twice = Request::new().authorization("Bearer a b");
    assert_eq!(
        answer(&scoped, &twice, &Policy::new()),
        (
            400,
            format!(
                "Bearer error=\"invalid_request\", error_description=\"Send one access token, as Authorization: \
                 Bearer, and none anywhere else\", scope=\"openid read\", {METADATA}"
            )
        )
    );
}

#[test]
fn a_challenge_names_all_scopes_of_the_operation_once_and_never_offline_access() {
    let verifier = build(builder(jwks(&[keys::rsa()])).required_scopes([
        "openid",
        "offline_access",
        "profile",
    ]));
    let policy = scopes(&["write", "openid", "offline_access", "read"]);
    let token = claims_with(&json!({ "scope": "openid profile read offline_access" }));
    for (token, status) in [(Some(&token), 403), (None, 401)] {
        let (answered, challenge) = challenged(&verifier, token, &policy);
        assert_eq!(answered, status);
        assert!(challenge.contains(r#" scope="openid profile write read""#), "{challenge}");
    }
}

#[test]
fn without_a_resource_or_scopes_a_challenge_still_has_a_parameter() {
    let config = Config::builder().issuer(ISSUER, Default::default()).jwks(jwks(&[keys::rsa()]));
    let verifier = build(config.audiences(["https://a.example"]));
    assert_eq!(
        challenged(&verifier, None, &Policy::new()),
        (401, r#"Bearer realm="mcp""#.to_owned())
    );
}

/// A client that is told `insufficient_scope` logs in again, and would do so for ever.
#[test]
fn a_missing_permission_asks_for_no_login() {
    let read_from = |claims: &[&str], announced: &[&str]| {
        let builder = builder(jwks(&[keys::rsa()])).scope_claims(claims.iter().copied());
        let builder = builder.required_scopes(["openid", "notes:write"]);
        let announced = announced.iter().copied();
        build(if announced.len() == 0 { builder } else { builder.scopes_supported(announced) })
    };
    let silent = (403, format!("Bearer {METADATA}"));
    let permissions = read_from(&["permissions"], &[]);
    let with = |changes: Value| claims_with(&changes);
    for (verifier, token) in [
        (&permissions, with(json!({ "permissions": ["openid"] }))),
        (&permissions, with(json!({ "permissions": [] }))),
        (&read_from(&["role"], &[]), with(json!({ "role": "member" }))),
        // Announcing does not make a login grant it.
        (&read_from(&["permissions"], &["notes:write"]), with(json!({}))),
        (&read_from(&["scope", "permissions"], &[]), with(json!({}))),
        // Both are missing: a login would cure one, and end here again.
        (&read_from(&["scope", "permissions"], &[]), with(json!({ "scope": "" }))),
        (&read_from(&["scp", "roles"], &["openid"]), with(json!({ "scp": "openid" }))),
    ] {
        assert_eq!(challenged(verifier, Some(&token), &Policy::new()), silent);
    }
    // What a login cures is asked for, alone.
    let mixed = read_from(&["scope", "permissions"], &[]);
    let token = with(json!({ "scope": "profile", "permissions": ["notes:write"] }));
    let (status, challenge) = challenged(&mixed, Some(&token), &Policy::new());
    assert_eq!(status, 403);
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    assert!(challenge.contains(r#" scope="openid", "#), "{challenge}");
    let announced = read_from(&["scope", "permissions"], &["openid", "notes:write"]);
    let (_, challenge) = challenged(&announced, Some(&with(json!({}))), &Policy::new());
    assert!(challenge.contains(r#" scope="openid notes:write", "#), "{challenge}");
    let listed = read_from(&["scope", "scp"], &[]);
    let (_, challenge) = challenged(&listed, Some(&with(json!({}))), &Policy::new());
    assert!(challenge.contains(r#" scope="openid notes:write", "#), "{challenge}");
    // Without a token, too, a client is not sent to ask for what no login grants.
    for (verifier, scopes) in [(&permissions, ""), (&mixed, "scope=\"openid\", ")] {
        let expected = (401, format!("Bearer {scopes}{METADATA}"));
        assert_eq!(challenged(verifier, None, &Policy::new()), expected);
        let metadata = verifier.resource_metadata().unwrap();
        assert!(!metadata.contains("notes:write"), "{metadata}");
    }
    // One of several is enough, so one that a login grants is.
    let mut either = Policy::new();
    either.require_any_scope(["notes:read", "profile"]).unwrap();
    let token = with(json!({ "scope": "openid", "permissions": ["notes:write"] }));
    let (_, challenge) = challenged(&mixed, Some(&token), &either);
    assert!(challenge.contains(r#"insufficient_scope"#), "{challenge}");
    assert!(challenge.contains(r#" scope="openid profile", "#), "{challenge}");
}
