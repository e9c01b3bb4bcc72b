//! Rows 53 to 55: configurations that are refused, and where settings come from.

use authkit::{Code, Config, ConfigBuilder, Error};
use serde_json::json;

use crate::support::{ISSUER, RESOURCE, accepted, build, claims, claims_with, jwks, keys};

fn base() -> ConfigBuilder {
    Config::builder().authkit_domain(ISSUER).base_url("https://mcp.example")
}

#[track_caller]
fn refused(builder: ConfigBuilder, names: &str) -> Error {
    let error = builder.build().expect_err(names);
    assert_eq!(error.code(), Code::Config, "{error}");
    assert!(error.reason().contains(names), "the reason names {names}: {error}");
    error
}

#[test]
fn r53_settings_that_would_open_the_door_are_refused() {
    refused(base().leeway(301), "leeway");
    assert!(base().leeway(300).build().is_ok());
    refused(Config::builder().authkit_domain(ISSUER), "base_url");
    refused(Config::builder().base_url("https://mcp.example"), "authkit_domain");
    refused(Config::builder(), "authkit_domain");
    refused(base().algorithms(Vec::<String>::new()), "algorithms");
    refused(base().audiences(Vec::<String>::new()), "audiences");
    refused(base().audiences([""]), "audiences");
    refused(base().issuer("", Default::default()), "");
    for algorithm in ["HS256", "HS384", "HS512", "none", "None", "", "rs256", "ES512", "RSA-OAEP"] {
        refused(base().algorithms(["RS256", algorithm]), "algorithms");
    }
    refused(base().required_scopes(["a b"]), "required_scopes");
    refused(base().required_scopes([""]), "required_scopes");
    refused(base().scope_includes("a", ["b c"]), "scope_hierarchy");
    refused(base().accept_client_id_audience([""]), "accept_client_id_audience");
    refused(base().resource(RESOURCE), "resource");
    refused(Config::builder().authkit_domain(ISSUER).mcp_path("/mcp"), "mcp_path");
    refused(
        base().issuer("https://other.example", Default::default()).jwks(jwks(&[keys::rsa()])),
        "jwks",
    );
}

#[test]
fn r54_keys_come_over_https_from_the_configured_url() {
    let with_url = |url: &str| {
        let settings =
            authkit::IssuerSettings { jwks_url: Some(url.to_owned()), ..Default::default() };
        Config::builder().issuer(ISSUER, settings).resource(RESOURCE)
    };
    for url in [
        "http://keys.example/jwks",
        "http://127.0.0.1/jwks",
        "file:///etc/passwd",
        "ftp://keys.example",
        "https://user@keys.example/",
        "https://u:p@keys.example/",
        "https://keys.example/#x",
        "javascript:alert(1)",
        "https://",
        "",
        "/oauth2/jwks",
        "https://a b/",
        "https://keys.example/\r\nHost: x",
    ] {
        refused(with_url(url), "jwks_url");
    }
    assert!(with_url("https://keys.example:8443/oauth2/jwks").build().is_ok());
    assert!(with_url("http://127.0.0.1:8080/jwks").allow_insecure_loopback(true).build().is_ok());
    assert!(with_url("http://[::1]:8080/jwks").allow_insecure_loopback(true).build().is_ok());
    refused(with_url("http://10.0.0.1/jwks").allow_insecure_loopback(true), "jwks_url");
    refused(with_url("http://127.0.0.1.evil.example/").allow_insecure_loopback(true), "jwks_url");
}

#[test]
fn r55_a_domain_is_corrected_by_hint_and_loses_its_slash() {
    let error = refused(
        Config::builder().authkit_domain("p-1.authkit.app").base_url("https://mcp.example"),
        "authkit_domain",
    );
    assert_eq!(error.hint(), Some("set it to https://p-1.authkit.app"));
    let error =
        refused(Config::builder().authkit_domain(ISSUER).base_url("mcp.example"), "base_url");
    assert_eq!(error.hint(), Some("set it to https://mcp.example"));
    let config = Config::builder()
        .authkit_domain(format!("{ISSUER}/"))
        .base_url("https://mcp.example/")
        .build()
        .unwrap();
    assert_eq!(config.issuers().collect::<Vec<_>>(), [ISSUER]);
    assert_eq!(config.resource(), Some(RESOURCE));
}

#[test]
fn the_resource_is_base_url_and_path_without_a_stray_slash() {
    for (base_url, path, resource) in [
        ("https://a.example", None, "https://a.example/mcp"),
        ("https://a.example/", None, "https://a.example/mcp"),
        ("https://a.example", Some("/mcp/"), "https://a.example/mcp"),
        ("https://a.example", Some("tools/v1"), "https://a.example/tools/v1"),
        ("https://a.example/", Some("/"), "https://a.example"),
        ("https://a.example/sub", Some(""), "https://a.example/sub"),
        ("http://localhost:8000", None, "http://localhost:8000/mcp"),
    ] {
        let mut builder = Config::builder().authkit_domain(ISSUER).base_url(base_url);
        if let Some(path) = path {
            builder = builder.mcp_path(path);
        }
        assert_eq!(builder.build().unwrap().resource(), Some(resource));
    }
    let doubled = Config::builder().authkit_domain(ISSUER).base_url("https://a.example/mcp");
    assert!(refused(doubled, "base_url").hint().unwrap().contains("https://a.example"));
    refused(base().mcp_path("/m?x"), "mcp_path");
}

#[test]
fn one_set_of_names_in_json_and_by_text() {
    let json = json!({
        "authkit_domain": ISSUER, "base_url": "https://mcp.example", "mcp_path": "/mcp", "required_scopes": "openid, profile",
        "algorithms": ["RS256"], "leeway": 30, "max_token_age": 600, "typ": "any", "now": 1_760_000_000, "ignore_trailing_slash": false,
        "accept_client_id_audience": ["client_x"], "scope_claims": ["scope"], "scope_hierarchy": { "admin": ["read"] },
        "jwks": { "keys": [keys::rsa().jwk()] }, "allow_insecure_loopback": false, "ca_file": null, "proxy": null,
    });
    let verifier = build(ConfigBuilder::from_json(&json.to_string()).unwrap());
    accepted(&verifier, keys::rsa().token(&claims()), "from JSON");

    let mut builder = Config::builder();
    let document = jwks(&[keys::rsa()]);
    for (name, text) in [
        ("authkit_domain", ISSUER),
        ("base_url", "https://mcp.example"),
        ("required_scopes", r#"["openid","profile"]"#),
        ("algorithms", "RS256 ES256"),
        ("leeway", "30"),
        ("now", "1760000000"),
        ("typ", "any"),
        ("ignore_trailing_slash", "false"),
        ("scope_hierarchy", r#"{"admin":["read"]}"#),
        ("jwks", &document),
    ] {
        builder.set(name, text).unwrap();
    }
    accepted(&build(builder), keys::rsa().token(&claims()), "by text");

    let unknown = Config::builder().set("authkit_domian", ISSUER).unwrap_err();
    assert!(
        unknown.reason().contains("authkit_domian")
            && unknown.hint().unwrap().contains("authkit_domain")
    );
    for (name, text) in [
        ("leeway", "-1"),
        ("leeway", "1.5"),
        ("leeway", ""),
        ("now", "soon"),
        ("ignore_trailing_slash", "yes"),
        ("typ", "at+jwt"),
        ("issuers", "x"),
        ("scope_hierarchy", "[]"),
    ] {
        let error = Config::builder().set(name, text).unwrap_err();
        assert!(error.code() == Code::Config && error.reason().contains(name), "{error}");
    }
    for bad in [
        "",
        "[]",
        "{\"nope\":1}",
        "{\"leeway\":\"60\"}",
        "{\"leeway\":60,\"leeway\":1}",
        "{\"issuers\":{\"a\":1}}",
        "{\"issuers\":{\"a\":{\"nope\":1}}}",
        "{\"issuers\":{\"a\":null,\"a\":null}}",
        "{} x",
        "[\"https://p-1.authkit.app\"]",
        "{\"issuers\":{\"a\":[\"https://a.example\"]}}",
    ] {
        assert_eq!(ConfigBuilder::from_json(bad).unwrap_err().code(), Code::Config, "{bad}");
    }
}

#[test]
fn issuers_map_to_their_keys_in_json() {
    let json = json!({
        "resource": RESOURCE, "now": 1_760_000_000,
        "issuers": {
            ISSUER: { "jwks": { "keys": [keys::rsa().jwk()] } },
            "https://api.workos.com": { "jwks": jwks(&[keys::rsa_next()]), "audience": "not_checked" },
            "https://other.authkit.app": null,
            "https://third.example": "https://third.example/keys",
        },
    });
    let verifier = build(ConfigBuilder::from_json(&json.to_string()).unwrap());
    accepted(&verifier, keys::rsa().token(&claims()), "ours");
    accepted(
        &verifier,
        keys::rsa_next()
            .token(&claims_with(&json!({ "iss": "https://api.workos.com", "aud": null }))),
        "session",
    );
    assert_eq!(verifier.config().issuers().count(), 4);
}

#[test]
fn the_environment_has_our_names_and_the_fastmcp_guides() {
    let from = |pairs: &[(&str, &str)]| {
        ConfigBuilder::from_variables(
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    };
    let ours = from(&[
        ("AUTHKIT_DOMAIN", ISSUER),
        ("AUTHKIT_BASE_URL", "https://mcp.example"),
        ("PATH", "/bin"),
        ("AUTHKIT_LIBRARY_PATH", "/x"),
    ]);
    assert_eq!(ours.unwrap().build().unwrap().resource(), Some(RESOURCE));

    for scopes in ["openid,profile", "openid profile", r#"["openid", "profile"]"#] {
        let guide = from(&[
            ("FASTMCP_SERVER_AUTH", "fastmcp.server.auth.providers.workos.AuthKitProvider"),
            ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN", ISSUER),
            ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL", "https://mcp.example"),
            ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES", scopes),
        ]);
        let verifier = build(guide.unwrap().jwks(jwks(&[keys::rsa()])).now(crate::support::NOW));
        accepted(&verifier, keys::rsa().token(&claims()), scopes);
        let lacking = keys::rsa().token(&claims_with(&json!({ "scope": "openid" })));
        assert_eq!(
            crate::support::verdict(&verifier, lacking).unwrap_err().code(),
            Code::Scope,
            "{scopes}"
        );
    }

    for (pairs, names) in [
        (&[("AUTHKIT_REQUIRED_SCOPE", "admin")][..], "AUTHKIT_REQUIRED_SCOPE"),
        (&[("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_LEEWAY", "5")], "AUTHKITPROVIDER_LEEWAY"),
        (&[("AUTHKIT_LEEWAY", "soon")], "AUTHKIT_LEEWAY"),
        (
            &[
                ("AUTHKIT_BASE_URL", "https://a.example"),
                ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL", "https://b.example"),
            ],
            "say different things",
        ),
    ] {
        let error = from(pairs).unwrap_err();
        assert!(error.code() == Code::Config && error.reason().contains(names), "{error}");
    }
    // Half a configuration is none: without a domain no issuer, without a base URL no audience.
    for pairs in
        [&[("AUTHKIT_DOMAIN", ISSUER)][..], &[("AUTHKIT_BASE_URL", "https://mcp.example")], &[]]
    {
        assert_eq!(from(pairs).unwrap().build().unwrap_err().code(), Code::Config, "{pairs:?}");
    }
}

#[test]
fn a_password_in_a_url_is_in_no_message_and_no_debug_print() {
    for url in ["socks5://user:hunter2@127.0.0.1", "hunter2"] {
        let error = refused(base().proxy(url), "proxy");
        assert!(!format!("{error}").contains("hunter2"), "{error}");
    }
    for url in [
        "user:hunter2@p-1.authkit.app",
        "https://user:hunter2@p-1.authkit.app",
        "ftp://user:hunter2@x",
    ] {
        let error = Config::builder()
            .authkit_domain(url)
            .base_url("https://mcp.example")
            .build()
            .unwrap_err();
        assert!(!format!("{error}").contains("hunter2"), "{error}");
    }
    let builder = base().proxy("http://user:hunter2@127.0.0.1:1");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let verifier = build(builder.jwks(jwks(&[keys::rsa()])));
    assert!(!format!("{verifier:?}").contains("hunter2"));
}
