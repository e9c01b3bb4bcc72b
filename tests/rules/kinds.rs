//! Tokens that are no access tokens for this server, though this server's issuers sign them: ID tokens, tokens that are
//! bound to a key, session tokens of another application.

use authkit::{AudienceRule, Code, Config, IssuerSettings, TokenFamily, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    ISSUER, NOW, RESOURCE, accepted, build, builder, check_claims, claims_with, jwks, keys,
    refused, verdict,
};

const CLAIM: Option<Code> = Some(Code::Claim);
const AUDIENCE: Option<Code> = Some(Code::Audience);
const SESSION: &str = "https://api.workos.com";
const CLIENT: &str = "client_01APP";

/// What only an ID token has.
const OF_ID_TOKENS: [&str; 3] = ["nonce", "at_hash", "c_hash"];

fn base() -> authkit::ConfigBuilder {
    builder(jwks(&[keys::rsa()]))
}

/// Takes this client id as an audience.
fn by_client_id() -> Verifier {
    build(base().accept_client_id_audience(["client_ENV"]))
}

/// An ID token as AuthKit makes it for the application whose client id its `aud` is.
fn id_token(changes: &Value) -> String {
    let mut all = json!({
        "aud": "client_ENV", "client_id": null, "scope": null, "jti": null, "nonce": "n-0S6", "at_hash": "MTIz",
    });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    keys::rsa().token(&claims_with(&all))
}

/// The passing claims and a member of any JSON text, `null` too.
fn token_with(changes: &Value, name: &str, json: &str) -> String {
    let body = claims_with(changes).to_string();
    let payload = format!("{},\"{name}\":{json}}}", &body[..body.len() - 1]);
    keys::rsa().token_of(keys::rsa().header().to_string(), payload)
}

/// A verifier over one session issuer's given keys, for this client's tokens.
fn of_session(issuer: &str, settings: IssuerSettings) -> Verifier {
    let settings = IssuerSettings {
        family: TokenFamily::Session,
        audience: AudienceRule::IfPresent,
        ..settings
    };
    let config = Config::builder().issuer(issuer, settings).session_client_id(CLIENT);
    let verifier = build(config.resource(RESOURCE).now(NOW));
    verifier.set_jwks(Some(issuer), &jwks(&[keys::rsa()])).unwrap();
    verifier.set_jwks(Some(SESSION), &jwks(&[keys::rsa()])).unwrap();
    verifier
}

fn session(issuer: &str, changes: &Value) -> String {
    let mut all = json!({ "iss": issuer, "aud": null, "client_id": null, "scope": null });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    keys::rsa().token(&claims_with(&all))
}

#[test]
fn an_id_token_is_told_as_what_it_is_wherever_it_comes_from_and_goes_to() {
    for verifier in [build(base()), by_client_id(), build(base().ignore_trailing_slash(true))] {
        for name in OF_ID_TOKENS {
            for aud in ["client_ENV", RESOURCE, "https://mcp.example/mcp/", "https://other.example"]
            {
                for json in ["\"x\"", "null", "5", "\"\"", "{}"] {
                    let token = token_with(&json!({ "aud": aud }), name, json);
                    let error = refused(&verifier, token, Code::Type, name);
                    assert!(error.reason().contains("ID token") && error.reason().contains(name));
                    assert!(error.hint().unwrap().contains("access token"), "{error}");
                }
            }
        }
    }
    // Before all that is said of its issuer, its times and its audience.
    for changes in [
        json!({ "iss": "https://accounts.example" }),
        json!({ "iss": SESSION }),
        json!({ "exp": NOW - 9999 }),
        json!({ "sub": null }),
        json!({ "aud": null }),
        json!({ "client_id": "client_ENV" }),
    ] {
        let error = refused(&by_client_id(), id_token(&changes), Code::Type, "ID token");
        assert!(!error.hint().unwrap().contains("accept_client_id_audience"), "{error}");
    }
    let settings = IssuerSettings {
        jwks: Some(jwks(&[keys::rsa()])),
        audience: AudienceRule::NotChecked,
        ..Default::default()
    };
    let unchecked = build(Config::builder().issuer(ISSUER, settings).resource(RESOURCE).now(NOW));
    refused(&unchecked, id_token(&json!({})), Code::Type, "not even where no audience is checked");
    refused(&of_session(ISSUER, Default::default()), id_token(&json!({})), Code::Type, "a session");
}

#[test]
fn r39_by_a_client_id_a_token_is_accepted_with_a_client_or_as_that_machines_own() {
    let cases = [
        ("a client's", json!({ "aud": "client_ENV" }), None),
        (
            "a machine's",
            json!({ "aud": "client_ENV", "sub": "client_ENV", "client_id": "client_ENV" }),
            None,
        ),
        (
            "a machine's, by sub alone",
            json!({ "aud": "client_ENV", "sub": "client_ENV", "client_id": null }),
            None,
        ),
        ("nobody's", json!({ "aud": "client_ENV", "client_id": null }), CLAIM),
        ("by azp", json!({ "aud": "client_ENV", "client_id": null, "azp": "client_ENV" }), CLAIM),
        ("a client of no name", json!({ "aud": "client_ENV", "client_id": "" }), CLAIM),
        ("a client that is no text", json!({ "aud": "client_ENV", "client_id": 5 }), CLAIM),
        (
            "another machine's",
            json!({ "aud": "client_ENV", "sub": "client_M", "client_id": null }),
            CLAIM,
        ),
        ("in a list", json!({ "aud": ["x", "client_ENV"], "client_id": null }), CLAIM),
        (
            "in a list, a machine's",
            json!({ "aud": ["x", "client_ENV"], "sub": "client_ENV", "client_id": null }),
            None,
        ),
        (
            "for the resource too",
            json!({ "aud": ["client_ENV", RESOURCE], "client_id": null }),
            None,
        ),
        ("for the resource", json!({ "client_id": null }), None),
    ];
    check_claims(&by_client_id(), &cases);
    // An id among the audiences is a client id all the same, for every issuer and for one.
    check_claims(&build(base().audiences([RESOURCE, "client_ENV"])), &cases);
    let own = IssuerSettings {
        audiences: Some(vec![RESOURCE.to_owned(), "client_ENV".to_owned()]),
        ..Default::default()
    };
    check_claims(&build(base().issuer(ISSUER, own)), &cases);

    let both = build(base().accept_client_id_audience(["client_ENV", "client_M"]));
    let token = json!({ "aud": ["client_ENV", "client_M"], "sub": "client_M", "client_id": null });
    let claims = accepted(&both, keys::rsa().token(&claims_with(&token)), "one of two machines");
    assert_eq!(claims.resource(), Some("client_M"));
    let claims = keys::rsa().token(&claims_with(&json!({ "aud": ["client_ENV", RESOURCE] })));
    assert_eq!(accepted(&both, claims, "resource first").resource(), Some(RESOURCE));
    // A session's own client is such an audience, too.
    let sessions = of_session("https://auth.example", Default::default());
    let with = |client: Value| session(SESSION, &json!({ "aud": CLIENT, "client_id": client }));
    accepted(&sessions, with(json!(CLIENT)), "the client's session");
    refused(&sessions, with(Value::Null), Code::Claim, "an ID token without a nonce");
}

#[test]
fn an_id_token_is_accepted_only_for_a_client_of_another_provider_that_the_audiences_list() {
    let listing = |audience: &str| {
        let settings =
            IssuerSettings { jwks: Some(jwks(&[keys::rsa()])), ..IssuerSettings::default() };
        build(Config::builder().issuer(ISSUER, settings).audiences([audience]).now(NOW))
    };
    let foreign = "407408718192.apps.googleusercontent.com";
    accepted(&listing(foreign), id_token(&json!({ "aud": foreign })), "listed by name");
    for (listed, aud) in [
        (foreign, json!([foreign, RESOURCE])),
        (foreign, json!("407408718192.apps.googleusercontent.com/")),
        ("client_ENV", json!("client_ENV")),
        (RESOURCE, json!(RESOURCE)),
    ] {
        refused(&listing(listed), id_token(&json!({ "aud": aud })), Code::Type, listed);
    }
    refused(&listing(foreign), id_token(&json!({ "aud": foreign, "iss": "x" })), Code::Type, "iss");
    let settings = IssuerSettings::default();
    let authkit = build(Config::builder().issuer(ISSUER, settings).audiences([foreign]).now(NOW));
    authkit.set_jwks(None, &jwks(&[keys::rsa()])).unwrap();
    refused(&authkit, id_token(&json!({ "aud": foreign })), Code::Type, "AuthKit's own");
    let beside_a_resource = build(base().audiences([RESOURCE, foreign]));
    refused(&beside_a_resource, id_token(&json!({ "aud": foreign })), Code::Type, "a resource");
}

#[test]
fn no_hint_leads_to_accepting_an_id_token() {
    let hint = |changes: Value| {
        let token = keys::rsa().token(&claims_with(&changes));
        let error = refused(&build(base()), token, Code::Audience, &changes.to_string());
        error.hint().unwrap().to_owned()
    };
    let setting = "accept_client_id_audience";
    let fallback = hint(json!({ "aud": "client_ENV" }));
    assert!(fallback.contains("resource indicators") && !fallback.contains(setting), "{fallback}");
    let machine = json!({ "aud": "client_M", "sub": "client_M", "client_id": "client_M" });
    assert!(hint(machine).contains(setting));
    let by_sub_alone = json!({ "aud": "client_M", "sub": "client_M", "client_id": null });
    assert!(hint(by_sub_alone).contains(setting));
    for id_token in [
        json!({ "aud": "client_ENV", "client_id": null }),
        json!({ "aud": "client_ENV", "client_id": null, "azp": "client_ENV" }),
        json!({ "aud": ["client_ENV"], "client_id": 5 }),
        json!({ "aud": null, "client_id": null }),
    ] {
        let hint = hint(id_token);
        assert!(!hint.contains(setting) && !hint.contains("not_checked"), "{hint}");
    }
}

#[test]
fn a_token_that_is_bound_to_a_key_is_refused_where_nobody_checks_the_key() {
    let verifier = build(base().accept_client_id_audience(["client_M"]));
    for json in [
        r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#,
        r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#,
        r#"{"jwk":{"kty":"RSA"}}"#,
        "{}",
        "null",
        "false",
        "\"\"",
        "[]",
        "5",
    ] {
        let machine = json!({ "aud": "client_M", "sub": "client_M", "client_id": "client_M" });
        for claims in [json!({}), machine] {
            let token = token_with(&claims, "cnf", json);
            // Again: a token that comes a second time may be kept, but not one that was refused.
            for _ in 0..3 {
                let error = refused(&verifier, &token, Code::Claim, json);
                assert!(error.reason().contains("cnf"), "{error}");
                assert!(error.hint().unwrap().contains("DPoP"), "{error}");
            }
        }
    }
    let escaped = token_with(&json!({}), "c\\u006ef", "{}");
    refused(&verifier, escaped, Code::Claim, "a name in other spelling");
    accepted(&verifier, token_with(&json!({}), "cnf2", "{}"), "another claim");
    let dead = token_with(&json!({ "exp": NOW - 9999 }), "cnf", "{}");
    refused(&verifier, dead, Code::Expired, "a dead token is a dead token");
}

#[test]
fn a_session_token_that_names_a_client_names_the_configured_one() {
    let cases = [
        ("none", json!({}), None),
        ("client_id", json!({ "client_id": CLIENT }), None),
        ("azp", json!({ "azp": CLIENT }), None),
        ("both", json!({ "client_id": CLIENT, "azp": CLIENT }), None),
        ("another client_id", json!({ "client_id": "client_02" }), AUDIENCE),
        ("another azp", json!({ "azp": "client_02" }), AUDIENCE),
        ("one of both", json!({ "client_id": CLIENT, "azp": "client_02" }), AUDIENCE),
        ("the other of both", json!({ "client_id": "client_02", "azp": CLIENT }), AUDIENCE),
        ("empty", json!({ "client_id": "" }), AUDIENCE),
        ("another case", json!({ "client_id": "CLIENT_01APP" }), AUDIENCE),
        ("a beginning", json!({ "client_id": "client_01" }), AUDIENCE),
        ("a number", json!({ "client_id": 5 }), CLAIM),
        ("a list", json!({ "azp": [CLIENT] }), CLAIM),
        ("meant for this server", json!({ "aud": RESOURCE, "client_id": "client_02" }), AUDIENCE),
    ];
    let ours = of_session("https://auth.example", Default::default());
    // The address of an issuer's keys names the client, too; otherwise all sessions are the configured client's.
    let by_address = IssuerSettings {
        jwks_url: Some(format!("https://auth.example/sso/jwks/{CLIENT}")),
        ..Default::default()
    };
    let other = "https://auth2.example";
    let by_address = of_session(other, by_address);
    for (verifier, issuer) in
        [(&ours, SESSION), (&ours, "https://auth.example"), (&by_address, other)]
    {
        for (what, changes, expected) in &cases {
            let token = session(issuer, changes);
            match expected {
                None => drop(accepted(verifier, token, what)),
                Some(code) => drop(refused(verifier, token, *code, what)),
            }
        }
        for name in ["client_id", "azp"] {
            let none = json!({ "iss": issuer, "aud": null, "client_id": null });
            refused(verifier, token_with(&none, name, "null"), Code::Claim, "null");
        }
    }
    let hint = refused(&ours, session(SESSION, &json!({ "azp": "x" })), Code::Audience, "hint");
    assert!(hint.hint().unwrap().contains("session_client_id"), "{hint}");
    // MCP clients are many.
    accepted(&build(base()), keys::rsa().token(&claims_with(&json!({ "azp": "x" }))), "Connect");
}

#[test]
fn every_spelling_of_the_session_issuer_shares_the_clients_keys() {
    let verifier = of_session("https://auth.example", Default::default());
    for path in
        ["", "/", "/user_management/client_01APP", "/sso/client_01APP", "/convex/client_01APP"]
    {
        let issuer = format!("{SESSION}{path}");
        let claims = accepted(&verifier, session(&issuer, &json!({})), &issuer);
        assert_eq!((claims.family(), claims.issuer()), (TokenFamily::Session, issuer.as_str()));
    }
    for (path, hint) in [
        ("/sso", "not one of those that are trusted"),
        ("/sso/client_02", "of the client 'client_02'"),
        ("/convex/client_01APP/", "trailing slash"),
        ("/other/client_01APP", "family session"),
    ] {
        let issuer = format!("{SESSION}{path}");
        let error = refused(&verifier, session(&issuer, &json!({})), Code::Issuer, &issuer);
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
    // An operator who has listed one spelling alone has not named another client's.
    let settings = IssuerSettings {
        jwks_url: Some(format!("{SESSION}/sso/jwks/{CLIENT}")),
        ..Default::default()
    };
    let listed = Config::builder().issuer(SESSION, settings).audiences([RESOURCE]).now(NOW);
    for path in ["/user_management/client_01APP", "/sso/client_01APP", "/convex/client_01APP"] {
        let token = session(&format!("{SESSION}{path}"), &json!({}));
        let error = refused(&build(listed.clone()), token, Code::Issuer, path);
        assert!(
            error.hint().unwrap().contains("another spelling; set session_client_id"),
            "{error}"
        );
    }
}

/// Names and values that decide here, and some that do not.
fn any_members() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let name = prop::sample::select(vec![
        "aud",
        "sub",
        "client_id",
        "azp",
        "scope",
        "sid",
        "act",
        "sub_profile",
        "jti",
        "typ",
        "iss",
        "other",
    ]);
    let text = prop::sample::select(vec![
        ISSUER,
        SESSION,
        RESOURCE,
        CLIENT,
        "client_ENV",
        "client_02",
        "user_01H",
        "openid",
        "",
        "x",
    ]);
    let value = prop_oneof![
        4 => text.clone().prop_map(Value::from),
        1 => prop::collection::vec(text, 0..3).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!({ "sub": "x" })),
    ];
    prop::collection::vec((name, value), 0..6)
}

/// Verifiers of all kinds of leniency, over one key.
fn lenient() -> Vec<Verifier> {
    let unchecked = IssuerSettings {
        jwks: Some(jwks(&[keys::rsa()])),
        audience: AudienceRule::NotChecked,
        ..Default::default()
    };
    vec![
        build(base()),
        by_client_id(),
        build(base().audiences([RESOURCE, "client_ENV", "x", CLIENT])),
        build(Config::builder().issuer(ISSUER, unchecked).resource(RESOURCE).now(NOW)),
        of_session(ISSUER, Default::default()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_token_that_has_what_an_id_token_has_or_is_bound_to_a_key_is_accepted(
        members in any_members(),
        name in prop::sample::select(vec!["nonce", "at_hash", "c_hash", "cnf"]),
        value in prop::sample::select(vec!["null", "\"\"", "\"x\"", "0", "{}", "[]", "false"]),
    ) {
        let changes: Value = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into();
        let token = token_with(&changes, name, value);
        for verifier in lenient() {
            prop_assert!(verdict(&verifier, &token).is_err());
        }
    }

    #[test]
    fn no_token_of_another_client_is_accepted_as_a_session(members in any_members(), other in "[a-z_0-9]{0,12}", by_azp: bool) {
        let mut changes = serde_json::Map::from_iter(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        changes.insert(if by_azp { "azp" } else { "client_id" }.to_owned(), json!(other));
        let verifier = of_session(ISSUER, Default::default());
        prop_assert!(verdict(&verifier, keys::rsa().token(&claims_with(&changes.into()))).is_err());
    }

    /// Whatever is accepted by a client id as audience says whose it is.
    #[test]
    fn what_is_accepted_by_a_client_id_names_a_client(members in any_members()) {
        let changes = serde_json::Map::from_iter(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let token = keys::rsa().token(&claims_with(&changes.into()));
        for verifier in [by_client_id(), of_session(ISSUER, Default::default())] {
            let Ok(claims) = verdict(&verifier, &token) else { continue };
            let Some(client) = claims.resource().filter(|resource| resource.starts_with("client_")) else { continue };
            let named = claims.get("client_id").and_then(|value| value.as_str()).is_some_and(|id| !id.is_empty());
            prop_assert!(named || claims.subject() == client, "{}", claims.json());
        }
    }
}

#[test]
fn session_keys_are_of_sessions_however_they_are_configured() {
    let verifier = |name: &str, settings: IssuerSettings| {
        let config = Config::builder().issuer(name, settings).resource(RESOURCE).now(NOW);
        config.build().map(|config| {
            let verifier = Verifier::new(config).unwrap();
            verifier.set_jwks(None, &jwks(&[keys::rsa()])).unwrap();
            verifier
        })
    };
    let at = |url: &str| IssuerSettings {
        jwks_url: Some(url.to_owned()),
        audience: AudienceRule::IfPresent,
        ..IssuerSettings::default()
    };
    let other = json!({ "client_id": "client_01OTHER", "act": { "sub": "admin@x" } });
    let ours = json!({ "client_id": CLIENT, "act": { "sub": "admin@x" } });
    // Without a word on the family: the address says it.
    let by_address =
        verifier(SESSION, at(&format!("https://api.workos.com/sso/jwks/{CLIENT}"))).unwrap();
    refused(&by_address, session(SESSION, &other), Code::Audience, "another client");
    assert!(accepted(&by_address, session(SESSION, &ours), "ours").is_impersonated());
    // With keys that were given, the issuer's name says whose they are.
    let name = format!("{SESSION}/user_management/{CLIENT}");
    let given = IssuerSettings {
        jwks: Some(jwks(&[keys::rsa()])),
        family: TokenFamily::Session,
        audience: AudienceRule::IfPresent,
        ..IssuerSettings::default()
    };
    let by_name = verifier(&name, given).unwrap();
    refused(&by_name, session(&name, &other), Code::Audience, "another client");
    for unclear in
        ["/sso/jwks/client_01/", "/sso/jwks/client_01%20", "/SSO/jwks/client_01", "/sso%2Fjwks/%63"]
    {
        let error = verifier(SESSION, at(&format!("https://api.workos.com{unclear}"))).unwrap_err();
        assert_eq!(error.code(), Code::Config, "{unclear}");
    }
    let key = Config::builder().session_client_id("sk_test_a").resource(RESOURCE).build();
    let error = key.unwrap_err();
    assert!(error.code() == Code::Config && !error.to_string().contains("sk_test"), "{error}");
}

#[test]
fn only_a_profile_of_something_other_than_a_person_ends_an_impersonation() {
    let verifier = of_session(ISSUER, Default::default());
    for (profile, is_impersonated) in [
        (json!(null), true),
        (json!(""), true),
        (json!(" "), true),
        (json!("user"), true),
        (json!("User"), true),
        (json!(["ai_agent"]), true),
        (json!("ai_agent"), false),
        (json!("service"), false),
    ] {
        for changes in [
            json!({ "act": { "sub": "a", "sub_profile": profile } }),
            json!({ "act": { "sub": "a" }, "sub_profile": profile }),
        ] {
            let claims = accepted(&verifier, session(ISSUER, &changes), "a session");
            assert_eq!(claims.is_impersonated(), is_impersonated, "{changes}");
        }
    }
}
