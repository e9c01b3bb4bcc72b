//! Rows 53 to 55: configurations that are refused, and where settings come from.

use authkit::{Code, Config, ConfigBuilder, Error, IssuerSettings};
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

/// A value of the wrong kind may be a secret in the wrong place: the setting is named, not the value.
#[test]
fn a_value_that_does_not_fit_is_not_repeated() {
    let values = [r#""hunter2 \u001b""#, "4711", "[4711]", r#"{"hunter2":4711}"#, "true"];
    for name in ConfigBuilder::NAMES {
        for value in values {
            let json = ConfigBuilder::from_json(&format!("{{\"{name}\":{value}}}"));
            let text = ConfigBuilder::default().set(name, value);
            for error in [json.err(), text.err()].into_iter().flatten() {
                let reason = error.reason();
                assert!(error.code() == Code::Config && reason.contains(name), "{error}");
                // A word in place of a number is shown, quoted and cut; what is JSON is not.
                let is_word = reason.contains(", not") || reason.contains("neither");
                assert!(!reason.contains("4711") || is_word, "{name}: {error}");
                for theirs in ["invalid type", "expected one of", "at line", "variant"] {
                    assert!(!reason.contains(theirs), "{name}: {error}");
                }
            }
        }
    }
    let issuer = |settings: &str| format!(r#"{{"issuers":{{"https://i.example":{settings}}}}}"#);
    for (settings, names) in [
        (r#"{"family":"hunter2"}"#, "family is a text, not connect or session"),
        (r#"{"audience":4711}"#, "audience is the number 4711, not required"),
        (r#"{"jwks_url":[]}"#, "jwks_url is a list, not a string"),
        (r#"{"audiences":{}}"#, "audiences is an object, not a list"),
        (r#"{"jwks_uri":"x"}"#, "'jwks_uri'"),
        (r#"{"family":"connect","family":"connect"}"#, "twice"),
        ("4711", "an issuer has"),
    ] {
        let error = ConfigBuilder::from_json(&issuer(settings)).unwrap_err();
        assert!(error.reason().contains(names), "{names}: {error}");
        assert!(!error.reason().contains("hunter2"), "{error}");
    }
    for broken in [r#"{"leeway":hunter2}"#, r#"{"leeway":1} hunter2"#, r#"{"leeway""#, "{"] {
        let error = ConfigBuilder::from_json(broken).unwrap_err();
        assert!(error.reason().contains("line 1, column"), "{error}");
        assert!(!error.reason().contains("hunter2"), "{error}");
    }
}

#[test]
fn a_setting_that_would_silently_win_over_another_is_refused() {
    let own = |settings: serde_json::Value, more: serde_json::Value| {
        let mut config = json!({ "issuers": { ISSUER: settings }, "resource": RESOURCE });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ConfigBuilder::from_json(&config.to_string()).unwrap()
    };
    let keys = json!(jwks(&[keys::rsa()]));
    let url = "https://keys.example/jwks";
    for (settings, more, names) in [
        (json!(url), json!({ "jwks": keys }), "jwks is set, and issuers gives a jwks_url"),
        (
            json!({ "jwks_url": url }),
            json!({ "jwks": keys }),
            "jwks is set, and issuers gives a jwks_url",
        ),
        (
            json!({ "jwks": keys }),
            json!({ "jwks": keys }),
            "jwks is set, and issuers gives a jwks ",
        ),
        (json!({ "jwks": keys, "jwks_url": url }), json!({}), "both jwks and jwks_url"),
        (json!(url), json!({ "authkit_domain": ISSUER }), "another jwks_url"),
        (json!(url), json!({ "authkit_domain": format!("{ISSUER}/") }), "another jwks_url"),
        (
            json!({ "audience": "not_checked" }),
            json!({ "authkit_domain": ISSUER }),
            "another audience",
        ),
        (
            json!({ "audience": "if_present" }),
            json!({ "authkit_domain": ISSUER }),
            "another audience",
        ),
        (json!({ "family": "session" }), json!({ "authkit_domain": ISSUER }), "another family"),
        (json!({ "audience": "not_checked" }), json!({ "audiences": ["a"] }), "audiences is set"),
        (json!({ "audiences": ["b"] }), json!({ "audiences": ["a"] }), "audiences is set"),
        (json!({ "audience": "not_checked", "audiences": ["b"] }), json!({}), "not checked"),
        (json!(null), json!({ "base_url": "https://a.example" }), "resource is set together"),
        (json!(null), json!({ "mcp_path": "/mcp" }), "resource is set together"),
    ] {
        let error = refused(own(settings, more), names);
        assert!(
            error.hint().is_some() || names.contains("both") || names == "not checked",
            "{error}"
        );
    }
    for (settings, more) in [
        (json!(null), json!({ "jwks": keys })),
        (json!({}), json!({ "jwks": keys })),
        (json!({ "jwks_url": null, "jwks": null }), json!({ "jwks": keys })),
        (json!({ "jwks_url": url }), json!({ "jwks": null })),
        (json!({ "audience": "if_present" }), json!({ "jwks": keys })),
        (json!(null), json!({ "authkit_domain": ISSUER, "jwks": keys })),
        (json!({ "jwks": keys }), json!({ "authkit_domain": ISSUER })),
        (json!(format!("{ISSUER}/oauth2/jwks")), json!({ "authkit_domain": ISSUER })),
        (json!({ "audiences": ["b"] }), json!({ "authkit_domain": ISSUER })),
        (
            json!({ "audiences": ["b"] }),
            json!({ "session_client_id": "client_1", "audiences": ["a"] }),
        ),
    ] {
        let config = own(settings.clone(), more.clone()).build();
        assert!(config.is_ok(), "{settings} {more}: {config:?}");
    }
    // By whichever way they come together.
    let environment = from(&[("AUTHKIT_ISSUERS", &format!(r#"{{"{ISSUER}":"{url}"}}"#))]).unwrap();
    let given =
        ConfigBuilder::from_json(&json!({ "resource": RESOURCE, "jwks": keys }).to_string());
    refused(given.unwrap().or(environment), "jwks_url");

    let domain = |url: &str| Config::builder().authkit_domain(url).session_client_id("client_1");
    for issuer in ["", "/sso/client_1", "/convex/client_1", "/user_management/client_1"] {
        let issuer = format!("https://api.workos.com{issuer}");
        refused(domain(&issuer).resource(RESOURCE), "authkit_domain holds");
        let entry = base().session_client_id("client_1").issuer(&issuer, Default::default());
        refused(entry, "issuers holds");
    }
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

const FASTMCP: &str = "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER";
const PROVIDER: (&str, &str) =
    ("FASTMCP_SERVER_AUTH", "fastmcp.server.auth.providers.workos.AuthKitProvider");

fn from(pairs: &[(&str, &str)]) -> Result<ConfigBuilder, Error> {
    ConfigBuilder::from_variables(
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

#[test]
fn half_of_fastmcps_variables_is_refused_with_all_that_is_missing() {
    let domain = (&*format!("{FASTMCP}_AUTHKIT_DOMAIN"), ISSUER);
    let base_url = (&*format!("{FASTMCP}_BASE_URL"), "https://mcp.example");
    let scopes = (&*format!("{FASTMCP}_REQUIRED_SCOPES"), "openid");
    for (pairs, named) in [
        (
            &[PROVIDER][..],
            &["FASTMCP_SERVER_AUTH ", domain.0, base_url.0, "AUTHKIT_DOMAIN", "AUTHKIT_BASE_URL"][..],
        ),
        (&[PROVIDER, domain], &["FASTMCP_SERVER_AUTH ", base_url.0]),
        (&[PROVIDER, base_url], &["FASTMCP_SERVER_AUTH ", domain.0]),
        (&[PROVIDER, scopes], &[domain.0, base_url.0]),
        (&[domain], &[domain.0, base_url.0]),
        (&[scopes], &[scopes.0, domain.0, base_url.0]),
        (&[("FASTMCP_SERVER_AUTH", "mine.AuthKitProvider")], &[domain.0]),
        (&[("fastmcp_server_auth", "AuthkitProvider")], &[domain.0]),
    ] {
        let error = from(pairs).unwrap().build().unwrap_err();
        for name in named {
            assert!(error.reason().contains(name), "{pairs:?} names {name}: {error}");
        }
    }
    // The other half may come from elsewhere, under whichever names.
    for other in [
        Config::builder().authkit_domain(ISSUER).base_url("https://mcp.example"),
        Config::builder().authkit_domain(ISSUER).resource(RESOURCE),
        Config::builder().session_client_id("client_01").audiences([RESOURCE]),
        from(&[("AUTHKIT_DOMAIN", ISSUER), ("AUTHKIT_RESOURCE", RESOURCE)]).unwrap(),
    ] {
        assert!(other.or(from(&[PROVIDER]).unwrap()).build().is_ok());
    }
    assert!(from(&[PROVIDER, domain, base_url]).unwrap().build().is_ok());

    // Another provider is the host's business, unless AuthKit is configured beside it.
    let github = ("FASTMCP_SERVER_AUTH", "fastmcp.server.auth.providers.github.GitHubProvider");
    assert!(
        from(&[github, ("AUTHKIT_DOMAIN", ISSUER), ("AUTHKIT_RESOURCE", RESOURCE)])
            .unwrap()
            .build()
            .is_ok()
    );
    let error = from(&[github, domain]).unwrap_err();
    assert!(
        error.reason().contains(domain.0) && error.reason().contains("GitHubProvider"),
        "{error}"
    );
    // As if both stood in one place, in whichever order they are asked.
    for (first, second) in [(github, domain), (domain, github)] {
        let both = from(&[first]).unwrap().or(from(&[second]).unwrap());
        let error = both.or(base()).build().unwrap_err();
        assert!(error.reason().contains("GitHubProvider"), "{error}");
    }
    assert!(from(&[PROVIDER]).unwrap().or(from(&[github]).unwrap()).or(base()).build().is_ok());
    let error = from(&[github, ("fastmcp_server_auth", PROVIDER.1)]).unwrap_err();
    assert!(error.reason().contains("say different things"), "{error}");
    assert!(from(&[PROVIDER, ("fastmcp_server_auth", PROVIDER.1)]).is_ok());
    let unset = from(&[("FASTMCP_SERVER_AUTH", " ")]).unwrap().or(from(&[PROVIDER]).unwrap());
    assert!(unset.build().unwrap_err().reason().starts_with("FASTMCP_SERVER_AUTH asks"));
    let empty = from(&[("FASTMCP_SERVER_AUTH", "")]).unwrap().build().unwrap_err();
    assert!(
        empty.reason().starts_with("AUTHKIT_DOMAIN and AUTHKIT_BASE_URL are missing"),
        "{empty}"
    );
}

#[test]
fn a_variable_that_would_count_for_nothing_is_refused() {
    for (name, value) in [
        ("AUTHKIT_REQUIRED_SCOPES", ""),
        ("AUTHKIT_REQUIRED_SCOPES", "  "),
        ("AUTHKIT_DOMAIN", ""),
        ("AUTHKIT_PROXY", ""),
        ("authkit_required_scope", "admin"),
        ("Authkit_Leeway", "soon"),
        (&format!("{FASTMCP}_REQUIRED_SCOPES"), ""),
        (&format!("{FASTMCP}_REQUIRED_SCOPE"), "admin"),
        (&format!("{FASTMCP}_CLIENT_ID"), "client_1"),
        ("AUTHKIT_", "x"),
    ] {
        let error = from(&[(name, value)]).unwrap_err();
        assert!(error.code() == Code::Config && error.reason().contains(name), "{error}");
    }
    let spelt_small = from(&[
        ("authkit_domain", ISSUER),
        ("authkit_resource", RESOURCE),
        ("authkit_required_scopes", "admin"),
    ]);
    let verifier = build(spelt_small.unwrap().jwks(jwks(&[keys::rsa()])).now(crate::support::NOW));
    crate::support::refused(
        &verifier,
        keys::rsa().token(&claims()),
        Code::Scope,
        "a lower-case setting holds",
    );
    let none = from(&[
        ("AUTHKIT_DOMAIN", ISSUER),
        ("AUTHKIT_RESOURCE", RESOURCE),
        ("AUTHKIT_REQUIRED_SCOPES", "[]"),
    ]);
    assert!(none.unwrap().build().is_ok(), "an empty list that is meant");
}

/// Writes an env file that the calling test alone uses.
fn env_file(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn an_env_file_has_the_guides_variables_with_lists_of_every_spelling() {
    for (number, scopes) in [
        "openid,mcp:use",
        "openid mcp:use",
        "openid, mcp:use # both",
        r#"["openid","mcp:use"]"#,
        r#"["openid", "mcp:use"]"#,
        r#"'["openid", "mcp:use"]'"#,
        r#""openid mcp:use""#,
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!(
            "# FastMCP\nFASTMCP_SERVER_AUTH={}\nexport {FASTMCP}_AUTHKIT_DOMAIN={ISSUER}\n{FASTMCP}_BASE_URL=https://mcp.example\n\
             {FASTMCP}_REQUIRED_SCOPES={scopes}\nDATABASE_URL=postgres://u:hunter2@db/x\n",
            PROVIDER.1
        );
        let builder = ConfigBuilder::from_env_file(env_file(&format!("guide-{number}.env"), &text));
        let verifier = build(builder.unwrap().jwks(jwks(&[keys::rsa()])).now(crate::support::NOW));
        let error =
            crate::support::refused(&verifier, keys::rsa().token(&claims()), Code::Scope, scopes);
        assert_eq!(error.reason(), "the token lacks the scope mcp:use", "{scopes}");
    }
}

#[test]
fn an_env_file_that_is_wrong_is_refused_without_repeating_it() {
    for (name, text, says) in [
        ("unknown", "AUTHKIT_REQUIRED_SCOPE=hunter2\n", "AUTHKIT_REQUIRED_SCOPE"),
        (
            "fastmcp",
            "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_LEEWAY=hunter2\n",
            "AUTHKITPROVIDER_LEEWAY",
        ),
        ("line", "AUTHKIT_DOMAIN=https://a.example\nAUTHKIT_LEEWAY hunter2\n", "line 2"),
        ("open", "AUTHKIT_REQUIRED_SCOPES=\"hunter2\n", "line 1"),
        ("empty", "AUTHKIT_REQUIRED_SCOPES=\n", "AUTHKIT_REQUIRED_SCOPES"),
        ("twice", "AUTHKIT_LEEWAY=1\nAUTHKIT_LEEWAY=2\n", "say different things"),
    ] {
        let error =
            ConfigBuilder::from_env_file(env_file(&format!("wrong-{name}.env"), text)).unwrap_err();
        assert!(error.code() == Code::Config && error.reason().contains(says), "{name}: {error}");
        assert!(
            error.reason().contains("the env file '") && error.reason().contains(" line "),
            "{error}"
        );
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let missing = ConfigBuilder::from_env_file("/nonexistent/settings.env").unwrap_err();
    assert!(missing.code() == Code::Config, "{missing}");
    assert!(missing.reason().contains("the env file '/nonexistent/settings.env'"), "{missing}");
}

/// Lines of other programs, of which each once stopped a server or could.
const OTHERS: &str = "DATABASE_URL=postgres://u:${PGPASS}@h/db\nNAME\nA='x' y\nB=\"never closed\nC D=x\n\
    KEY=`\nAUTHKIT_DOMAIN=https://stray.example\n`\n";

#[test]
fn other_programs_lines_stop_no_server() {
    let text = format!("{OTHERS}AUTHKIT_DOMAIN={ISSUER}\n{OTHERS}AUTHKIT_RESOURCE='{RESOURCE}'\n");
    let config =
        ConfigBuilder::from_env_file(env_file("others.env", &text)).unwrap().build().unwrap();
    assert_eq!(config.issuers().collect::<Vec<_>>(), [ISSUER]);
    assert_eq!(config.resource(), Some(RESOURCE));
}

#[test]
fn of_a_file_that_nobody_named_the_guides_variables_alone_count() {
    let guide = format!(
        "{OTHERS}FASTMCP_SERVER_AUTH={}\n{FASTMCP}_AUTHKIT_DOMAIN={ISSUER}\n{FASTMCP}_BASE_URL=https://mcp.example\n\
         {FASTMCP}_REQUIRED_SCOPES=a\n",
        PROVIDER.1
    );
    let plain = ConfigBuilder::from_implicit_env_file(env_file("implicit.env", &guide)).unwrap();
    let plain = plain.build().unwrap().describe();
    assert!(
        plain.contains("required_scopes: [\"a\"]") && !plain.contains("without effect"),
        "{plain}"
    );
    // Each setting of ours, well said or not at all.
    for name in ConfigBuilder::NAMES {
        let variable = format!("AUTHKIT_{}", name.trim_start_matches("authkit_").to_uppercase());
        for line in [
            format!("{variable}=https://evil.example"),
            format!("export {} = '{{}}'", variable.to_lowercase()),
            format!("{variable} ${{X}}\n{variable}_MISSPELT=\"hunter2"),
        ] {
            let file =
                env_file(&format!("implicit-{name}.env"), &format!("{line}\n{guide}{line}\n"));
            let config = ConfigBuilder::from_implicit_env_file(&file).unwrap().build().unwrap();
            let told = config.describe();
            let (settings, note) = told.split_once("\nwithout effect: ").unwrap();
            assert_eq!(settings, plain, "{line}");
            assert!(
                note.contains(&variable) && note.contains("env_file") && note.contains("implicit-"),
                "{note}"
            );
            assert!(!note.contains("hunter2") && !note.contains("evil"), "{note}");
        }
    }
}

#[test]
fn a_file_that_nobody_named_adds_no_issuer_to_those_of_code_or_environment() {
    let guide = format!(
        "{FASTMCP}_AUTHKIT_DOMAIN=https://evil.example\n{FASTMCP}_BASE_URL=https://mcp.example\n"
    );
    let file = env_file("another-issuer.env", &guide);
    let implicit = || ConfigBuilder::from_implicit_env_file(&file).unwrap();
    let alone = implicit().build().unwrap();
    assert_eq!(alone.issuers().collect::<Vec<_>>(), ["https://evil.example"]);
    for (name, value) in [
        ("authkit_domain", ISSUER.to_owned()),
        ("issuers", format!(r#"{{"{ISSUER}": null}}"#)),
        ("session_client_id", "client_01".to_owned()),
    ] {
        let mut builder = implicit();
        builder.set(name, &value).unwrap();
        let told = builder.build().unwrap().describe();
        assert!(!told.contains("evil"), "{name}: {told}");
    }
}

#[test]
fn who_relies_on_a_file_that_nobody_named_is_told_to_name_it() {
    let text = format!("AUTHKIT_DOMAIN={ISSUER}\nAUTHKIT_RESOURCE={RESOURCE}\n");
    let builder = ConfigBuilder::from_implicit_env_file(env_file("relied-on.env", &text)).unwrap();
    let error = builder.build().unwrap_err();
    assert!(error.reason().contains("AUTHKIT_DOMAIN and AUTHKIT_BASE_URL are missing"), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("relied-on.env") && hint.contains("env_file"), "{hint}");
    assert!(hint.contains("AUTHKIT_DOMAIN and 1 more without effect"), "{hint}");
}

#[test]
fn a_damaged_line_of_the_guides_is_an_error_in_a_file_that_nobody_named_too() {
    for line in [
        "_REQUIRED_SCOPES",
        "_REQUIRED_SCOPES: hunter2",
        "_REQUIRED_SCOPE=hunter2",
        "_BASE_URL=\"hunter2",
        "_BASE_URL=",
        "_BASE_URL=${hunter2}",
    ] {
        let text = format!("NAME\n{FASTMCP}{line}\n");
        let error = ConfigBuilder::from_implicit_env_file(env_file("implicit-wrong.env", &text))
            .unwrap_err();
        assert!(error.reason().contains("implicit-wrong.env'"), "{line}: {error}");
        assert!(error.reason().contains("line 2"), "{line}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let none = ConfigBuilder::from_implicit_env_file("/nonexistent/.env").unwrap();
    assert!(
        none.build()
            .unwrap_err()
            .reason()
            .contains("AUTHKIT_DOMAIN and AUTHKIT_BASE_URL are missing")
    );
}

#[test]
fn what_is_in_force_is_described_without_a_secret() {
    let config = Config::builder()
        .authkit_domain(ISSUER)
        .base_url("https://mcp.example/")
        .issuer(
            "https://static.example",
            authkit::IssuerSettings { jwks: Some(jwks(&[keys::rsa()])), ..Default::default() },
        )
        .session_client_id("client_01APP")
        .required_scopes(["openid"])
        .scope_includes("admin", ["read"])
        .proxy("http://user:hunter2@proxy.example:3128/")
        .ca_file("/etc/ca.pem")
        .build()
        .unwrap();
    let text = config.describe();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "resource indicator: https://mcp.example/mcp");
    for line in [
        r#"issuer https://p-1.authkit.app: {"audience":"required","audiences":["https://mcp.example/mcp"],"family":"connect","jwks_url":"https://p-1.authkit.app/oauth2/jwks"}"#,
        r#"issuer https://api.workos.com: {"audience":"if_present","audiences":["https://mcp.example/mcp","client_01APP"],"family":"session","jwks_url":"https://api.workos.com/sso/jwks/client_01APP"}"#,
        r#"required_scopes: ["openid"]"#,
        r#"scope_claims: "scope, else scp""#,
        r#"scope_hierarchy: {"admin":["read"]}"#,
        "leeway: 60",
        r#"proxy: "http://(credentials)@proxy.example:3128""#,
        r#"ca_file: "/etc/ca.pem""#,
    ] {
        assert!(lines.contains(&line), "{line} is not in\n{text}");
    }
    let described: serde_json::Value = serde_json::from_str(&config.describe_json()).unwrap();
    assert_eq!(described["resource_indicator"], RESOURCE);
    assert_eq!(
        described["issuers"]["https://static.example"]["given_key_ids"],
        json!([keys::rsa().kid])
    );
    let modulus = keys::rsa().jwk()["n"].as_str().unwrap().to_owned();
    for output in [text, config.describe_json()] {
        assert!(!output.contains("hunter2") && !output.contains(&modulus), "{output}");
    }
    let alone = Config::builder().authkit_domain(ISSUER).audiences(["api"]).build().unwrap();
    assert!(alone.describe().starts_with("resource indicator: (none"));
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

#[test]
fn a_builder_that_lacks_a_setting_builds_nothing() {
    let failing = [
        ("leeway", "-1"),
        ("leeway", "1e3"),
        ("max_token_age", "99999999999999999999"),
        ("now", "today"),
        ("required_scopes", "[\"a\""),
        ("scope_hierarchy", "{"),
        ("issuers", "[1]"),
        ("typ", "jwt"),
        ("refresh_mode", "never"),
        ("ignore_trailing_slash", "maybe"),
        ("token_cache_size", "many"),
        ("required_scope", "a"),
        ("", ""),
    ];
    for (name, text) in failing {
        let mut builder = base();
        let error = builder.set(name, text).unwrap_err();
        assert_eq!(error.code(), Code::Config);
        // Neither what is set well later nor other settings mend it, and the first failure is told.
        builder.set("leeway", "60").unwrap();
        assert!(builder.set("leeway", "a day").is_err());
        let told = format!("an earlier config_set for '{name}' failed: {}", error.reason());
        let alike = [builder.clone(), builder.clone().or(base()), base().or(builder)];
        for builder in alike {
            let refused = builder.build().unwrap_err();
            assert_eq!((refused.code(), refused.hint()), (Code::Config, error.hint()), "{name}");
            // Reasons are cut short where they are long.
            let shown = refused.reason().trim_end_matches('…');
            assert!(told.starts_with(shown) && shown.len() > 40, "{refused} for {told}");
        }
    }
}

/// How each way to configure spells a setting's name.
fn spelt(name: &str) -> [(ConfigBuilder, String); 3] {
    let camel: String = name
        .split('_')
        .enumerate()
        .map(|(at, part)| match at {
            0 => part.to_owned(),
            _ => part[..1].to_ascii_uppercase() + &part[1..],
        })
        .collect();
    let variable =
        format!("AUTHKIT_{}", name.strip_prefix("authkit_").unwrap_or(name).to_ascii_uppercase());
    [
        (ConfigBuilder::from_json("{}").unwrap(), name.to_owned()),
        (ConfigBuilder::from_json(r#"{"$spelling":"camelCase"}"#).unwrap(), camel),
        (ConfigBuilder::from_variables([]).unwrap(), variable),
    ]
}

#[test]
fn every_setting_is_named_as_its_reader_spells_it_in_every_source() {
    // A key set may be any document, and is looked at when keys are made of it.
    for name in ConfigBuilder::NAMES.iter().filter(|name| **name != "jwks") {
        let [(_, snake), (_, camel), (_, variable)] = spelt(name);
        let wrong = |spelling: &str| {
            ConfigBuilder::from_json(&format!(r#"{{{spelling}"{name}":[[7]]}}"#)).unwrap_err()
        };
        for (error, spelling) in
            [(wrong(""), &snake), (wrong(r#""$spelling":"camelCase","#), &camel)]
        {
            let reason = error.reason();
            assert!(reason.starts_with(&format!("{spelling} ")), "{name}: {error}");
            assert!(
                reason.contains(", not ") || reason.contains("does not fit"),
                "{name}: {error}"
            );
        }
        let error = ConfigBuilder::from_variables([(variable.clone(), String::new())]).unwrap_err();
        assert!(error.reason().starts_with(&format!("{variable} is set but empty")), "{error}");
    }
}

#[test]
fn a_wrong_value_is_told_in_the_readers_spelling_and_the_cure_too() {
    for (name, value, cure) in [
        ("base_url", "https://mcp.example/mcp", "https://mcp.example"),
        ("base_url", "mcp.example", "https://mcp.example"),
        ("base_url", "\"https://mcp.example\"", "quotes"),
        ("base_url", " https://mcp.example", "white space"),
        ("base_url", "https://mcp.example\n", "white space"),
        ("base_url", "\u{feff}https://mcp.example", "byte-order mark"),
        ("authkit_domain", "'https://a.example'", "quotes"),
        ("authkit_domain", "http://127.0.0.1:9", "allow_insecure_loopback"),
        ("required_scopes", "\"two words\"", "not a scope"),
        ("leeway", "9999", "300"),
        ("algorithms", "HS256", "RS256"),
    ] {
        for (mut builder, spelling) in spelt(name) {
            let [_, (_, camel), (_, variable)] = spelt("allow_insecure_loopback");
            builder.set("authkit_domain", ISSUER).unwrap();
            builder.set("base_url", "https://mcp.example").unwrap();
            let error = match spelling.starts_with("AUTHKIT_") {
                true => {
                    let others =
                        [("AUTHKIT_DOMAIN", ISSUER), ("AUTHKIT_BASE_URL", "https://mcp.example")];
                    let others = others.into_iter().filter(|(other, _)| *other != spelling);
                    let all = others.chain([(spelling.as_str(), value)]);
                    let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
                    ConfigBuilder::from_variables(all).and_then(ConfigBuilder::build).unwrap_err()
                }
                false => {
                    let set = builder.set(name, value);
                    set.and_then(|()| builder.build().map(drop)).unwrap_err()
                }
            };
            let told = error.to_string();
            assert!(error.reason().starts_with(&format!("{spelling} ")), "{told}");
            let cures = [cure, &camel, &variable];
            let cures = if cure.starts_with("allow") { &cures[..] } else { &cures[..1] };
            assert!(cures.iter().any(|cure| told.contains(cure)), "{told}");
        }
    }
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    for builder in
        [Config::builder(), Config::builder().mcp_path("/x"), Config::builder().leeway(5)]
    {
        let error = refused(builder, "authkit_domain and base_url are missing");
        assert!(error.hint().unwrap().contains("base_url"), "{error}");
    }
}

#[test]
fn what_is_unknown_is_told_the_nearest_setting_in_its_own_spelling() {
    for (json, says) in [
        (r#"{"requried_scopes":[]}"#, "did you mean required_scopes?"),
        (r#"{"$spelling":"camelCase","required_scope":[]}"#, "did you mean requiredScopes?"),
        (r#"{"base_ulr":"x"}"#, "did you mean base_url?"),
        (r#"{"zzz":1}"#, "README"),
    ] {
        let error = ConfigBuilder::from_json(json).unwrap_err();
        assert!(error.hint().unwrap().contains(says), "{error}");
    }
    let unknown = [("AUTHKIT_REQUIRED_SCOPE".to_owned(), "x".to_owned())];
    let error = ConfigBuilder::from_variables(unknown).unwrap_err();
    assert_eq!(error.hint(), Some("did you mean AUTHKIT_REQUIRED_SCOPES?"));
}

#[test]
fn urls_that_may_be_spelled_in_several_ways_are_normalised_and_others_are_not() {
    let config = Config::builder()
        .authkit_domain("HTTPS://P-1.AuthKit.app:443/")
        .base_url("https://MCP.example:443")
        .build()
        .unwrap();
    assert_eq!(config.issuers().collect::<Vec<_>>(), ["https://p-1.authkit.app"]);
    assert_eq!(config.resource(), Some("https://mcp.example/mcp"));
    let exact = Config::builder()
        .issuer(
            "https://P-1.authkit.app",
            IssuerSettings {
                jwks_url: Some("HTTPS://p-1.authkit.app:443/Keys?client=1".to_owned()),
                ..IssuerSettings::default()
            },
        )
        .resource("https://MCP.example:443/mcp")
        .build()
        .unwrap();
    assert_eq!(exact.issuers().collect::<Vec<_>>(), ["https://P-1.authkit.app"]);
    assert_eq!(exact.resource(), Some("https://MCP.example:443/mcp"));
    // The operator is told that others may spell it otherwise.
    let verifier = authkit::Verifier::new(exact.clone()).unwrap();
    let lines: Vec<_> = std::iter::from_fn(|| verifier.next_log_line()).collect();
    for told in
        ["most clients and issuers write https://mcp.example/mcp", "write https://p-1.authkit.app"]
    {
        assert!(lines.iter().any(|line| line.text.ends_with(told)), "{lines:?}");
    }
    let proxied = base().proxy("HTTP://User:Pass@Proxy.example:80").build().unwrap();
    assert!(
        proxied.describe().contains("http://(credentials)@proxy.example"),
        "{}",
        proxied.describe()
    );
    assert!(exact.describe().contains("https://p-1.authkit.app/Keys?client=1"));
}

#[test]
fn each_setting_says_where_it_came_from() {
    let file = env_file("origins.env", "AUTHKIT_LEEWAY=5\nAUTHKIT_PROXY=http://proxy.example:1\n");
    let mut builder = ConfigBuilder::from_env_file(&file).unwrap();
    builder.set("authkit_domain", ISSUER).unwrap();
    let flags = ConfigBuilder::from_json(&format!(r#"{{"resource":"{RESOURCE}"}}"#)).unwrap();
    let config = flags.or(builder).build().unwrap();
    assert_eq!(config.origin("resource"), "given");
    assert!(
        config.origin("leeway").starts_with("AUTHKIT_LEEWAY in the env file "),
        "{}",
        config.origin("leeway")
    );
    assert_eq!(config.origin("mcp_path"), "default");
    assert_eq!(config.called("leeway"), "AUTHKIT_LEEWAY");
}
