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
