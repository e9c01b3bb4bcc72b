//! What holds for the words of every refusal, whatever the input: short, whole, printable, without the token.

use std::collections::BTreeSet;

use authkit::{Code, Config, IssuerSettings, Policy, Request, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, RESOURCE, build, builder, claims_with, encode, jwks, keys};

/// Servers of several kinds: one resource, sessions too, permissions, a hundred scopes.
fn servers() -> Vec<Verifier> {
    let base = || builder(jwks(&[keys::rsa()]));
    let many: Vec<String> = (0..100).map(|number| format!("scope:{number}")).collect();
    let session = Config::builder().session_client_id("client_01APP").base_url("https://x.example");
    let settings = || IssuerSettings { jwks: Some(jwks(&[keys::rsa()])), ..Default::default() };
    let issuers = (0..9).fold(Config::builder(), |config, number| {
        config.issuer(format!("https://issuer-{number}.example"), settings())
    });
    let session = session.issuer(ISSUER, settings()).now(NOW);
    let long = format!("https://{}.example/{}", "x".repeat(60), "y".repeat(150));
    let servers = vec![
        build(base()),
        build(base().required_scopes(["openid", "profile"]).max_token_age(60)),
        build(base().required_scopes(many.clone())),
        build(base().required_scopes(many).scope_claims(["permissions", "roles"])),
        build(session),
        build(issuers.resource(long).now(NOW)),
    ];
    for issuer in ["https://api.workos.com", "https://api.workos.com/sso/client_01APP"] {
        servers[4].set_jwks(Some(issuer), &jwks(&[keys::rsa()])).unwrap();
    }
    servers
}

/// A text that somebody else chose.
fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,200}",
        "(?s).{0,120}",
        "[\u{1f600}-\u{1f64f}]{0,100}",
        "['\\\\]{0,120}",
        "https?://[a-zA-Z.:0-9-]{0,100}(/[a-z]{0,8}){0,3}/?",
        prop::sample::select(vec![
            ISSUER.to_owned(),
            RESOURCE.to_owned(),
            format!("{RESOURCE}/"),
            format!("{ISSUER}/x"),
            "https://api.workos.com/sso/client_02".to_owned(),
            "https://api.workos.com/x/client_01APP".to_owned(),
            "https://p-2.authkit.app".to_owned(),
            "client_01ENV".to_owned(),
            "sk_live_hunter2".to_owned(),
        ]),
    ]
}

fn any_claim() -> impl Strategy<Value = (&'static str, Value)> {
    let name = prop::sample::select(vec![
        "iss",
        "aud",
        "sub",
        "exp",
        "nbf",
        "iat",
        "client_id",
        "azp",
        "scope",
        "scp",
        "cnf",
        "nonce",
        "permissions",
        "roles",
        "jti",
    ]);
    let value = prop_oneof![
        4 => foreign().prop_map(Value::from),
        2 => prop::collection::vec(foreign(), 0..4).prop_map(Value::from),
        2 => prop::sample::select(vec![NOW, NOW - 9999, NOW + 9999, 0, -1]).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!({})),
    ];
    let time = prop::sample::select(vec![NOW - 9999, NOW + 9999, NOW]).prop_map(Value::from);
    prop_oneof![
        3 => (name, value),
        2 => (prop::sample::select(vec!["exp", "nbf", "iat"]), time),
        2 => (prop::sample::select(vec!["iss", "aud"]), foreign().prop_map(Value::from)),
    ]
}

fn any_token() -> impl Strategy<Value = String> {
    let signed = (
        prop::collection::vec(any_claim(), 0..3),
        prop::option::of(foreign()),
        prop::sample::select(vec!["RS256", "none", "HS256", "ES256", "\u{e9}"]),
        prop::option::of(prop::sample::select(vec!["JWT", "at+jwt", "logout+jwt", "\n"])),
    );
    let signed = signed.prop_map(|(changes, kid, alg, typ)| {
        let changes: serde_json::Map<String, Value> =
            changes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut header = keys::rsa().header();
        header["alg"] = alg.into();
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        if let Some(typ) = typ {
            header["typ"] = typ.into();
        }
        let claims = claims_with(&Value::Object(changes));
        keys::rsa().token_of(header.to_string(), claims.to_string())
    });
    let signed = signed.boxed();
    let pieces = prop::sample::select(vec![
        "\"", "'", " ", "\n", "Bearer ", "sk_", "client_", "$", "${", "{", "[", ".", "=", ",",
        "\u{201c}",
    ]);
    prop_oneof![
        6 => signed.clone(),
        2 => (pieces.clone(), signed, pieces).prop_map(|(a, token, b)| format!("{a}{token}{b}")),
        1 => foreign(),
        1 => Just(format!("{}.{}.x", encode("{\"alg\":\"RS256\"}"), encode("{}"))),
    ]
}

/// The pieces of a token that would be of use to somebody: the signature, above all.
fn shows(told: &str, token: &str) -> bool {
    token.split('.').any(|part| part.len() >= 24 && told.contains(part))
}

fn check(error: &authkit::Error, token: &str) -> Result<(), TestCaseError> {
    for said in [Some(error.reason()), error.hint()].into_iter().flatten() {
        prop_assert!(said.chars().count() <= 300, "{}", said);
        prop_assert!(said.chars().all(|octet| matches!(octet, ' '..='~' | '…')), "{}", said);
        // Of ours nothing is cut: where there is a sign of a cut, our words go on, or quotes end.
        prop_assert!(said.chars().count() < 300 || !said.ends_with('…'), "{}", said);
        let is_of_token = !["https://", "client_"].iter().any(|start| token.starts_with(start));
        prop_assert!(!is_of_token || !shows(said, token), "{}", said);
        prop_assert!(!said.contains("hunter2"), "{}", said);
    }
    Ok(())
}

#[test]
fn no_refusal_is_long_or_cut_or_shows_the_token() {
    let servers = servers();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let codes = std::cell::RefCell::new(BTreeSet::new());
    let judged = runner.run(&(any_token(), any::<bool>()), |(token, by_header)| {
        for server in &servers {
            let error = if by_header {
                let header = format!("Bearer {token}");
                let request = Request::new().authorization(&header);
                server.authorize(&request, &Policy::new()).error().cloned()
            } else {
                server.verify(&token, &Policy::new()).err()
            };
            let Some(error) = error else { continue };
            codes.borrow_mut().insert(error.code().name());
            check(&error, &token)?;
        }
        Ok(())
    });
    judged.unwrap();
    let codes = codes.into_inner();
    for code in [
        Code::Malformed,
        Code::Algorithm,
        Code::Type,
        Code::Issuer,
        Code::Claim,
        Code::Expired,
        Code::NotYetValid,
        Code::Audience,
        Code::UnknownKey,
        Code::Scope,
        Code::InvalidRequest,
    ] {
        assert!(codes.contains(code.name()), "{code:?} is not reached: {codes:?}");
    }
}
