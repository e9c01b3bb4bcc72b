//! Protected resource metadata: the document to the byte, where it is, and how it is served.

use authkit::{AudienceRule, ConfigBuilder, IssuerSettings, Verifier};
use serde_json::json;

use crate::request::check_form;
use crate::support::{ISSUER, RESOURCE, build, builder, jwks, keys, verifier};

fn at(verifier: &Verifier, path: &str) -> Option<String> {
    let response = verifier.well_known("GET", path)?;
    check_form(&response);
    assert_eq!(response.status(), 200, "{path}");
    Some(response.body().to_owned())
}

#[test]
fn the_document_is_this_to_the_byte() {
    let base = || builder(jwks(&[keys::rsa()]));
    let start = r#"{"resource":"https://mcp.example/mcp","authorization_servers":["https://p-1.authkit.app"],"#;
    let bearer = r#""bearer_methods_supported":["header"]"#;
    for (settings, rest) in [
        (base(), format!("{bearer}}}")),
        (
            base().required_scopes(["openid", "offline_access", "read"]),
            format!(r#""scopes_supported":["openid","read"],{bearer}}}"#),
        ),
        (
            base().required_scopes(["openid"]).scopes_supported(["read", "offline_access", "read"]),
            format!(r#""scopes_supported":["read"],{bearer}}}"#),
        ),
        (base().required_scopes(["openid"]).scopes_supported([""; 0]), format!("{bearer}}}")),
        (
            base()
                .resource_name("Wetter \"é\" \\")
                .resource_documentation("https://mcp.example/docs/"),
            format!(
                r#"{bearer},"resource_name":"Wetter \"é\" \\","resource_documentation":"https://mcp.example/docs/"}}"#
            ),
        ),
    ] {
        let verifier = build(settings);
        assert_eq!(verifier.resource_metadata().unwrap(), format!("{start}{rest}"));
        assert_eq!(
            at(&verifier, "/.well-known/oauth-protected-resource/mcp").as_deref(),
            verifier.resource_metadata()
        );
    }
}

#[test]
fn the_public_url_makes_both_places_and_no_slash_is_added() {
    for (settings, resource, url) in [
        (
            json!({ "base_url": "https://a.example/" }),
            "https://a.example/mcp",
            "https://a.example/.well-known/oauth-protected-resource/mcp",
        ),
        (
            json!({ "base_url": "https://a.example", "mcp_path": "/" }),
            "https://a.example",
            "https://a.example/.well-known/oauth-protected-resource",
        ),
        (
            json!({ "base_url": "https://a.example:8443/api/", "mcp_path": "v1/mcp/" }),
            "https://a.example:8443/api/v1/mcp",
            "https://a.example:8443/.well-known/oauth-protected-resource/api/v1/mcp",
        ),
        (
            json!({ "resource": "http://localhost:8000/mcp/" }),
            "http://localhost:8000/mcp",
            "http://localhost:8000/.well-known/oauth-protected-resource/mcp",
        ),
    ] {
        let mut settings = settings;
        settings["authkit_domain"] = "https://p-1.authkit.app/".into();
        let verifier = build(ConfigBuilder::from_json(&settings.to_string()).unwrap());
        assert_eq!(verifier.resource_metadata_url(), Some(url));
        let expected = format!(
            r#"{{"resource":"{resource}","authorization_servers":["https://p-1.authkit.app"],"bearer_methods_supported":["header"]}}"#
        );
        let path = &url[url.find("/.well-known").unwrap()..];
        for path in [path, "/.well-known/oauth-protected-resource"] {
            assert_eq!(at(&verifier, path), Some(expected.clone()), "{path}");
        }
    }
}

#[test]
fn only_issuers_that_give_tokens_for_this_resource_are_announced() {
    let sessions = IssuerSettings {
        jwks_url: Some("https://api.workos.com/sso/jwks/client_1".to_owned()),
        audience: AudienceRule::NotChecked,
        ..IssuerSettings::default()
    };
    let local = IssuerSettings { jwks: Some(jwks(&[keys::rsa()])), ..IssuerSettings::default() };
    let config = authkit::Config::builder()
        .resource(RESOURCE)
        .authkit_domain(ISSUER)
        .issuer("https://other.example/", IssuerSettings::default())
        .issuer("https://api.workos.com", sessions)
        .issuer("not a url", local);
    let document: serde_json::Value =
        serde_json::from_str(build(config).resource_metadata().unwrap()).unwrap();
    // An issuer is written as its tokens and its own metadata write it (RFC 8414 §3.3).
    assert_eq!(document["authorization_servers"], json!(["https://other.example/", ISSUER]));
}

#[test]
fn metadata_are_open_to_browsers_cacheable_and_read_only() {
    let verifier = verifier();
    let path = "/.well-known/oauth-protected-resource";
    let ask = |method| verifier.well_known(method, path).unwrap();
    let get = ask("GET");
    let headers: Vec<_> =
        get.headers().iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("cache-control", "public, max-age=3600"),
            ("content-type", "application/json"),
            ("access-control-allow-origin", "*"),
        ]
    );
    let head = ask("HEAD");
    assert_eq!((head.status(), head.headers(), head.body()), (200, get.headers(), ""));
    let options = ask("OPTIONS");
    assert_eq!((options.status(), options.body()), (204, ""));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
        ("access-control-allow-headers", "*"),
    ] {
        assert_eq!(options.header(name), Some(value));
    }
    for method in ["POST", "PUT", "DELETE", "get", "", "G\r\nx: y"] {
        let refused = ask(method);
        check_form(&refused);
        assert_eq!((refused.status(), refused.body()), (405, ""), "{method}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
}

#[test]
fn other_paths_are_not_ours_and_without_a_resource_there_is_nothing_to_announce() {
    let verifier = verifier();
    for path in ["", "/", "/mcp", "/.well-known/oauth-protected-resource/other", "/.well-known/x"] {
        assert!(verifier.well_known("GET", path).is_none(), "{path}");
        assert!(verifier.well_known("POST", path).is_none(), "{path}");
    }
    let config = authkit::Config::builder().issuer(ISSUER, Default::default());
    let verifier = build(config.jwks(jwks(&[keys::rsa()])).audiences(["https://a.example"]));
    assert!(verifier.well_known("GET", "/.well-known/oauth-protected-resource").is_none());
    assert_eq!(verifier.resource_metadata(), None);
    assert_eq!(verifier.resource_metadata_url(), None);
}
