//! Which reason wins where several would do: fixed, and documented at `Verifier::verify`.

use authkit::Code;
use serde_json::json;

use crate::support::{NOW, build, builder, claims_with, encode, jwks, keys, refused};

/// A token with every fault at once; then the first fault mended, and the next one shows.
#[test]
fn the_first_fault_in_the_documented_order_is_the_reason() {
    let verifier = build(builder(jwks(&[keys::rsa()])).required_scopes(["admin"]));
    let signer = keys::rsa();
    let payload = |changes: serde_json::Value| claims_with(&changes).to_string();
    let all_wrong =
        json!({ "iss": "https://evil.example", "exp": NOW - 9999, "aud": "x", "sub": "" });
    let token = |header: serde_json::Value, payload: &str, signature: &str| {
        format!("{}.{}.{signature}", encode(header.to_string()), encode(payload))
    };
    let header = |alg: &str, typ: &str, kid: &str, crit: bool| {
        let mut header = json!({ "alg": alg, "typ": typ, "kid": kid });
        if crit {
            header["crit"] = json!(["x"]);
        }
        header
    };
    let steps = [
        (
            Code::TooLarge,
            token(header("none", "x", "?", true), &payload(all_wrong.clone()), &"A".repeat(17_000)),
        ),
        (
            Code::Malformed,
            format!(
                "!{}",
                token(header("none", "x", "?", true), &payload(all_wrong.clone()), "AAAA")
            ),
        ),
        (Code::CriticalHeader, token(header("none", "x", "?", true), "not JSON", "AAAA")),
        (Code::Algorithm, token(header("none", "x", "?", false), "not JSON", "AAAA")),
        (Code::Type, token(header("RS256", "x", "?", false), "not JSON", "AAAA")),
        (Code::Malformed, token(header("RS256", "JWT", "?", false), "not JSON", "AAAA")),
        (Code::Issuer, token(header("RS256", "JWT", "?", false), &payload(all_wrong), "AAAA")),
        (
            Code::Expired,
            token(
                header("RS256", "JWT", "?", false),
                &payload(json!({ "exp": NOW - 9999, "aud": "x", "sub": "" })),
                "AAAA",
            ),
        ),
        (
            Code::Claim,
            token(
                header("RS256", "JWT", "?", false),
                &payload(json!({ "aud": "x", "sub": "" })),
                "AAAA",
            ),
        ),
        (
            Code::Audience,
            token(header("RS256", "JWT", "?", false), &payload(json!({ "aud": "x" })), "AAAA"),
        ),
        (Code::UnknownKey, token(header("RS256", "JWT", "?", false), &payload(json!({})), "AAAA")),
        (
            Code::Signature,
            token(header("RS256", "JWT", signer.kid, false), &payload(json!({})), "AAAA"),
        ),
        (Code::Scope, signer.token(&claims_with(&json!({})))),
    ];
    for (code, token) in steps {
        refused(&verifier, token, code, code.name());
    }
}
