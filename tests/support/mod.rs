//! What the tests share: keys made once, tokens signed to any shape, and a verifier over them.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod keys;
pub mod server;

use authkit::{Claims, Code, Config, ConfigBuilder, Error, Policy, Verifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::Signer;
use serde_json::{Value, json};

pub const ISSUER: &str = "https://p-1.authkit.app";
pub const RESOURCE: &str = "https://mcp.example/mcp";
pub const NOW: i64 = 1_760_000_000;

/// AuthKit-shaped claims that pass.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "user_01H", "client_id": "client_01H", "sid": "session_01H",
        "org_id": "org_01H", "jti": "01H", "scope": "openid profile email", "iat": NOW - 60, "exp": NOW + 300,
    })
}

/// The passing claims with some replaced, added or, by `null` in `changes`, removed.
pub fn claims_with(changes: &Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

pub fn encode(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub fn jwks(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() }).to_string()
}

/// A configuration over given keys, as of [`NOW`].
pub fn builder(jwks: impl Into<String>) -> ConfigBuilder {
    Config::builder().issuer(ISSUER, Default::default()).resource(RESOURCE).now(NOW).jwks(jwks)
}

/// The verifier most rules are shown on: one RSA key, RS256.
pub fn verifier() -> Verifier {
    build(builder(jwks(&[keys::rsa()])))
}

pub fn build(builder: ConfigBuilder) -> Verifier {
    Verifier::new(builder.build().unwrap()).unwrap()
}

pub fn verdict(verifier: &Verifier, token: impl AsRef<[u8]>) -> Result<Claims, Error> {
    verifier.verify(token, &Policy::new())
}

/// Asserts the refusal's code and answers the error for a closer look.
#[track_caller]
pub fn refused(verifier: &Verifier, token: impl AsRef<[u8]>, code: Code, what: &str) -> Error {
    match verdict(verifier, token) {
        Ok(_) => panic!("{what}: accepted"),
        Err(error) => {
            assert_eq!(error.code(), code, "{what}: {error}");
            error
        }
    }
}

#[track_caller]
pub fn accepted(verifier: &Verifier, token: impl AsRef<[u8]>, what: &str) -> Claims {
    verdict(verifier, token).unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// Claims changed one at a time, each with the verdict it gets: the shape of most rules on claims.
#[track_caller]
pub fn check_claims(verifier: &Verifier, cases: &[(&str, Value, Option<Code>)]) {
    for (what, changes, expected) in cases {
        let token = keys::rsa().token(&claims_with(changes));
        match expected {
            None => drop(accepted(verifier, &token, what)),
            Some(code) => drop(refused(verifier, &token, *code, what)),
        }
    }
}
