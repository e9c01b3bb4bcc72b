//! The usual causes of a refusal: each is named, with what this server is and the setting to change.

use authkit::{Code, ConfigBuilder};
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, build, claims_with, jwks, keys, refused};

fn server(base_url: &str, domain: &str) -> authkit::Verifier {
    let config = json!({ "authkit_domain": domain, "base_url": base_url, "now": NOW });
    let mut config = ConfigBuilder::from_json(&config.to_string()).unwrap();
    config = config.jwks(jwks(&[keys::rsa()]));
    build(config)
}

#[track_caller]
fn told(base_url: &str, domain: &str, changes: &Value, code: Code) -> (String, String) {
    let token = keys::rsa().token(&claims_with(changes));
    let error = refused(&server(base_url, domain), token, code, &changes.to_string());
    (error.reason().to_owned(), error.hint().unwrap_or_default().to_owned())
}

#[test]
fn each_near_miss_of_the_audience_is_named_beside_what_this_server_is() {
    for (base, aud, says, setting) in [
        ("https://x.example", "https://x.example/mcp/", "trailing slash only", "base_url"),
        ("https://x.example", "http://x.example/mcp", "http or https only", "base_url"),
        ("https://x.example", "https://X.example/mcp", "upper case only", "base_url"),
        ("https://x.example", "https://x.example:443/mcp", "default port only", "base_url"),
        ("https://x.example", "https://x.example:8443/mcp", "by the port only", "base_url"),
        ("http://127.0.0.1:8000", "http://localhost:8000/mcp", "are different names", "base_url"),
        ("http://[::1]:8000", "http://localhost:8000/mcp", "are different names", "base_url"),
        ("http://127.0.0.1", "http://LOCALHOST:80/mcp/", "in another spelling", "base_url"),
        ("https://x.example", "https://x.example", "without the end of its path", "mcp_path"),
        ("https://x.example", "https://x.example/", "without the end of its path", "mcp_path"),
        ("https://x.example", "https://x.example/mcp/mcp", "twice", "mcp_path"),
        ("https://x.example", "https://x.example/mcp/x", "below this server's", "mcp_path"),
        ("https://x.example", "https://x.example/sse", "another path", "mcp_path"),
        (
            "https://x.example",
            "https://x.example/.well-known/oauth-protected-resource/mcp",
            "well-known document",
            "https://x.example/mcp",
        ),
        (
            "https://x.example",
            "https://x.example/mcp?a",
            "by a query only",
            "https://x.example/mcp",
        ),
        ("https://x.example", "https://x.example/mcp#a", "by a fragment", "https://x.example/mcp"),
        ("https://x.example", "https://y.example/mcp", "on another host", "base_url"),
        ("https://x.example", "urn:x", "ask for this server's resource", "base_url"),
        ("https://x.example", "client_01", "is a client id", "resource indicators"),
    ] {
        let (reason, hint) = told(base, ISSUER, &json!({ "aud": aud }), Code::Audience);
        let expected = format!(
            "the token is meant for '{aud}', not for this server; this server is {base}/mcp (base_url)"
        );
        assert_eq!(reason, expected);
        assert!(hint.contains(says) && hint.contains(setting), "{aud}: {hint}");
    }
}

#[test]
fn each_near_miss_of_the_issuer_is_named_beside_what_is_trusted() {
    let ours = "https://sharp-ice-12345.authkit.app";
    let staging = "https://sharp-ice-12345-staging.authkit.app";
    for (domain, iss, says) in [
        (ours, format!("{ours}/"), "trailing slash only"),
        (ours, ours.replace("https", "http"), "http or https only"),
        (ours, ours.to_uppercase(), "upper case only"),
        (ours, ours.replace("sharp", "Sharp"), "upper case only"),
        (ours, format!("{ours}:443"), "default port only"),
        (ours, format!("{ours}/oauth2"), "with more path"),
        (ours, format!("{ours}/.well-known/openid-configuration"), "well-known document"),
        (ours, format!("{ours}?a"), "by a query only"),
        (ours, ours.replace("12345", "12354"), "one or two characters"),
        (ours, staging.to_owned(), "it is the domain of a staging environment"),
        (staging, ours.to_owned(), "the trusted one is the domain of a staging environment"),
        (ours, "https://calm-sea-6.authkit.app".to_owned(), "another project or environment"),
        ("https://auth.example", "https://auht.example".to_owned(), "one or two characters"),
        (ours, "https://auth.example".to_owned(), "if this server is for that issuer"),
    ] {
        let (reason, hint) =
            told("https://x.example", domain, &json!({ "iss": iss }), Code::Issuer);
        let expected = format!(
            "the token comes from '{iss}', which is not a trusted issuer; trusted: {domain} (authkit_domain)"
        );
        assert_eq!(reason, expected);
        assert!(hint.contains(says) && hint.contains("authkit_domain"), "{iss}: {hint}");
    }
}

#[test]
fn a_missing_permission_is_told_apart_from_a_missing_scope() {
    let demanding = |claims: &[&str], scopes: &[&str]| {
        let builder = crate::support::builder(jwks(&[keys::rsa()]));
        build(builder.scope_claims(claims.iter().copied()).required_scopes(scopes.iter().copied()))
    };
    let token = || keys::rsa().token(&claims_with(&json!({ "scope": "openid" })));
    for (claims, reason) in [
        (&["permissions"][..], "the token lacks the permissions profile notes:write"),
        (&["role"], "the token lacks the roles profile notes:write"),
        (
            &["scope", "permissions"],
            "the token lacks the scope profile; and the permission notes:write",
        ),
    ] {
        let error =
            refused(&demanding(claims, &["profile", "notes:write"]), token(), Code::Scope, reason);
        assert_eq!(error.reason(), reason);
        let hint = error.hint().unwrap();
        for part in ["another login does not help", "role in the WorkOS dashboard", "scope_claims"]
        {
            assert!(hint.contains(part), "{hint}");
        }
    }
    let names: Vec<String> = (0..200).map(|number| format!("scope:{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for claims in [&[][..], &["permissions"]] {
        let error = refused(&demanding(claims, &names), token(), Code::Scope, "many");
        assert!(error.reason().ends_with(" and more") && error.reason().len() <= 300, "{error}");
        assert!(!error.to_string().contains('…'), "{error}");
    }
}

/// Who reads a refusal learns which setting to change, or that none needs to.
#[test]
fn the_usual_causes_name_a_setting_or_say_that_none_is_at_fault() {
    let now = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(),
    )
    .unwrap();
    let config = || {
        let config = json!({ "authkit_domain": ISSUER, "base_url": "https://mcp.example" });
        ConfigBuilder::from_json(&config.to_string()).unwrap().jwks(jwks(&[keys::rsa()]))
    };
    let token = |changes: Value| {
        let mut claims = claims_with(&json!({ "iat": now - 5, "exp": now + 300 }));
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    };
    let signed = |changes| keys::rsa().token(&token(changes));
    let none = "no setting needs to change";
    for (what, verifier, token, code, says) in [
        ("expired", config(), signed(json!({ "exp": now - 100 })), Code::Expired, none),
        (
            "a clock that is ten minutes slow",
            config(),
            signed(json!({ "iat": now + 600, "exp": now + 900 })),
            Code::NotYetValid,
            "NTP",
        ),
        (
            "valid later",
            config(),
            signed(json!({ "nbf": now + 600 })),
            Code::NotYetValid,
            "compare this machine's clock",
        ),
        (
            "a time that is set",
            config().now(now - 600),
            signed(json!({})),
            Code::NotYetValid,
            "unset now",
        ),
        (
            "an old token",
            config().max_token_age(60),
            signed(json!({ "iat": now - 400 })),
            Code::Expired,
            "max_token_age demands that",
        ),
        (
            "a missing scope",
            config().required_scopes(["notes"]),
            signed(json!({})),
            Code::Scope,
            "take it out of required_scopes",
        ),
        (
            "a missing role",
            config().required_scopes(["admin"]).scope_claims(["role"]),
            signed(json!({ "role": "member" })),
            Code::Scope,
            "scope_claims",
        ),
        (
            "an ID token",
            config(),
            signed(json!({ "nonce": "x" })),
            Code::Type,
            "send the access token",
        ),
        (
            "an opaque token",
            config(),
            "x".repeat(40),
            Code::Malformed,
            "send AuthKit's access token",
        ),
        ("an API key", config(), "sk_live_x".to_owned(), Code::Malformed, "logging in at AuthKit"),
        (
            "a session token",
            config(),
            signed(json!({ "iss": "https://api.workos.com/user_management/client_01" })),
            Code::Issuer,
            "set session_client_id",
        ),
        (
            "a key that is not given",
            config(),
            keys::rsa_next().token(&token(json!({}))),
            Code::UnknownKey,
            "add it to jwks",
        ),
    ] {
        let error = refused(&build(verifier), token, code, what);
        assert!(error.hint().unwrap_or_default().contains(says), "{what}: {error}");
    }
}

/// A key that is published and not used is told as that, with the entry's own reason.
#[test]
fn a_key_that_was_dropped_is_not_called_unpublished() {
    let good = keys::rsa().jwk();
    let spelt = |entry: &str| format!("{{\"keys\":[{good},{entry}]}}");
    for (entry, kid, says) in [
        (r#"{"kid":"mine","kty":"oct","k":"x"}"#, "mine", "a shared secret is published"),
        (r#"{"kid":"mine","kty":"RSA","use":"enc","n":"x","e":"AQAB"}"#, "mine", "use is not sig"),
        // Two readers could read it differently, so it is dropped; its id is legible all the same.
        (r#"{"kid":"mine","kty":"RSA","kty":"RSA","n":"x","e":"AQAB"}"#, "mine", "unusable: "),
        (r#"{"kid":7,"kty":"RSA","n":"x","e":"AQAB"}"#, "7", "entry 1 of the JWKS"),
        (r#"{"kty":"oct","k":"x"}"#, "mine", "entry 1 of the JWKS"),
    ] {
        let mut header = keys::rsa().header();
        header["kid"] = kid.into();
        let token = keys::rsa().token_of(header.to_string(), claims_with(&json!({})).to_string());
        let verifier = build(crate::support::builder(spelt(entry)));
        let error = refused(&verifier, token, Code::UnknownKey, entry);
        assert!(error.to_string().contains(says), "{entry}: {error}");
        assert!(!error.to_string().contains("does not publish"), "{entry}: {error}");
    }
}
