//! What AuthKit says of the caller: who it is, of which organization, with which rights, by which issuer.

use authkit::{AudienceRule, Claims, Code, Config, IssuerSettings, TokenFamily, TokenKind};
use serde_json::{Value, json};

use crate::support::server::{Answer, Server};
use crate::support::{
    ISSUER, NOW, RESOURCE, accepted, build, claims_with, jwks, keys, refused, verifier,
};

const CLIENT: &str = "client_01APP";

fn said(changes: Value) -> Claims {
    accepted(&verifier(), keys::rsa().token(&claims_with(&changes)), &changes.to_string())
}

#[test]
fn a_token_is_a_users_or_a_machines_only_where_that_is_certain() {
    let user = json!({});
    let machine = json!({ "sub": "client_m", "client_id": "client_m", "sid": null });
    let of = |base: &Value, changes: Value| {
        let mut all = base.clone();
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        all
    };
    let cases = [
        ("a user's", user.clone(), TokenKind::User),
        ("without a session", json!({ "sid": null }), TokenKind::User),
        ("without a client", json!({ "client_id": null }), TokenKind::User),
        ("impersonated", json!({ "act": { "sub": "a" } }), TokenKind::User),
        ("whose client is no text", json!({ "client_id": 5 }), TokenKind::User),
        ("a user as the client", json!({ "client_id": "user_01H" }), TokenKind::Unknown),
        ("a user as azp", json!({ "client_id": null, "azp": "user_01H" }), TokenKind::Unknown),
        ("a prefix alone", json!({ "sub": "user_" }), TokenKind::Unknown),
        ("another case", json!({ "sub": "USER_01H" }), TokenKind::Unknown),
        ("another subject", json!({ "sub": "someone" }), TokenKind::Unknown),
        ("a machine's", machine.clone(), TokenKind::Machine),
        (
            "by azp",
            of(&machine, json!({ "client_id": null, "azp": "client_m" })),
            TokenKind::Machine,
        ),
        ("by its prefix", of(&machine, json!({ "client_id": null })), TokenKind::Machine),
        (
            "a URL as client id",
            of(&machine, json!({ "sub": "https://c", "client_id": "https://c" })),
            TokenKind::Machine,
        ),
        ("with a session", of(&machine, json!({ "sid": "session_1" })), TokenKind::Unknown),
        ("with a session of any type", of(&machine, json!({ "sid": 5 })), TokenKind::Unknown),
        ("with an actor", of(&machine, json!({ "act": {} })), TokenKind::Unknown),
        ("another client", of(&machine, json!({ "client_id": "client_n" })), TokenKind::Unknown),
        (
            "a client that is no text",
            of(&machine, json!({ "client_id": ["client_m"] })),
            TokenKind::Unknown,
        ),
        (
            "azp cannot vouch against client_id",
            of(&machine, json!({ "client_id": "client_n", "azp": "client_m" })),
            TokenKind::Unknown,
        ),
        (
            "a prefix alone as machine",
            of(&machine, json!({ "sub": "client_", "client_id": null })),
            TokenKind::Unknown,
        ),
    ];
    for (what, changes, kind) in cases {
        let claims = said(changes);
        assert_eq!(claims.kind(), kind, "{what}");
        assert_eq!(claims.is_machine(), kind == TokenKind::Machine, "{what}");
    }
}

#[test]
fn claims_of_authkit_are_read_in_their_type_and_no_other() {
    let full = said(json!({
        "role": "admin", "roles": ["admin", "member"], "permissions": ["posts:read"], "entitlements": ["audit-logs"],
        "feature_flags": ["beta", "sso"], "act": { "sub": "support@example.com" },
    }));
    assert_eq!(full.org_id().as_deref(), Some("org_01H"));
    assert_eq!(full.session_id().as_deref(), Some("session_01H"));
    assert_eq!(full.role().as_deref(), Some("admin"));
    assert_eq!(full.roles(), ["admin", "member"]);
    assert_eq!(full.permissions(), ["posts:read"]);
    assert_eq!(full.entitlements(), ["audit-logs"]);
    assert_eq!(full.feature_flags(), ["beta", "sso"]);
    assert_eq!(full.actor().as_deref(), Some("support@example.com"));
    assert_eq!(full.actors(), ["support@example.com"]);
    assert!(!full.is_impersonated(), "of the Connect family");
    let identity: Value = serde_json::from_str(&full.identity_json()).unwrap();
    assert_eq!(
        identity,
        json!({
            "org_id": "org_01H", "session_id": "session_01H", "role": "admin", "roles": ["admin", "member"],
            "permissions": ["posts:read"], "entitlements": ["audit-logs"], "feature_flags": ["beta", "sso"],
            "actor": "support@example.com", "actors": ["support@example.com"], "is_impersonated": false, "kind": "user", "is_machine": false,
            "family": "connect",
        })
    );

    // A claim of another type gives nobody a right, and names nobody.
    for wrong in
        [json!(5), json!({ "a": "admin" }), json!([["admin"]]), json!(["admin", 5]), json!(true)]
    {
        let claims = said(json!({
            "org_id": wrong, "sid": wrong, "role": wrong, "roles": wrong, "permissions": wrong, "entitlements": wrong,
            "feature_flags": wrong, "act": wrong,
        }));
        assert_eq!(
            (claims.org_id(), claims.session_id(), claims.role()),
            (None, None, None),
            "{wrong}"
        );
        for list in
            [claims.roles(), claims.permissions(), claims.entitlements(), claims.feature_flags()]
        {
            assert!(list.is_empty(), "{wrong}");
        }
        assert!(claims.actor().is_none() && claims.actors().is_empty(), "{wrong}");
    }
    assert!(said(json!({ "roles": "admin" })).roles().is_empty());
    let bare = said(json!({ "org_id": null, "sid": null }));
    assert!(bare.roles().is_empty() && bare.org_id().is_none() && !bare.is_impersonated());
}

#[test]
fn r40_a_nul_in_an_actor_is_refused_where_c_would_cut_it_short() {
    let mut act = json!({ "sub": "admin\0x" });
    for depth in 1..=12 {
        let token = keys::rsa().token(&claims_with(&json!({ "act": act })));
        refused(&verifier(), token, Code::Claim, &format!("act.sub at {depth}"));
        act = json!({ "sub": "a", "act": act });
    }
}

/// The claims of a token with this `act`: of the Connect family, and of the session one.
fn acting(changes: &Value) -> [Claims; 2] {
    let mut of_a_session = changes.clone();
    of_a_session["iss"] = json!("https://api.workos.com");
    of_a_session["client_id"] = json!(CLIENT);
    let session = keys::rsa_next().token(&claims_with(&of_a_session));
    [said(changes.clone()), accepted(&both(), session, &changes.to_string())]
}

#[test]
fn a_session_token_with_an_act_is_an_impersonation_and_any_other_act_a_delegation() {
    for (changes, impersonated) in [
        (json!({}), false),
        (json!({ "act": { "sub": "support@example.com" } }), true),
        (json!({ "act": { "sub": "a", "act": { "sub": "b" } } }), true),
        // Who does not say who it is, is not trusted the more for it.
        (json!({ "act": {} }), true),
        (json!({ "act": { "sub": 5 } }), true),
        (json!({ "act": "support@example.com" }), true),
        (json!({ "act": { "sub": "user_1" }, "sub_profile": "ai_agent" }), false),
        (json!({ "act": { "sub": "agent_1", "sub_profile": "ai_agent" } }), false),
        (json!({ "act": { "sub": "user_1" }, "sub_profile": 5 }), true),
        (json!({ "sub_profile": "ai_agent" }), false),
    ] {
        let [connect, session] = acting(&changes);
        assert!(!connect.is_impersonated(), "{changes}");
        assert_eq!(session.is_impersonated(), impersonated, "{changes}");
        for claims in [connect, session] {
            let told: Value = serde_json::from_str(&claims.identity_json()).unwrap();
            assert_eq!(told["is_impersonated"], claims.is_impersonated(), "{changes}");
            assert_eq!(told["actors"], json!(claims.actors()), "{changes}");
        }
    }
    let body = claims_with(&json!({})).to_string();
    let payload = format!("{},\"act\":null}}", &body[..body.len() - 1]);
    let null = keys::rsa().token_of(keys::rsa().header().to_string(), payload);
    let session = IssuerSettings {
        jwks: Some(jwks(&[keys::rsa()])),
        family: TokenFamily::Session,
        ..Default::default()
    };
    let verifier = build(Config::builder().issuer(ISSUER, session).resource(RESOURCE).now(NOW));
    assert!(!accepted(&verifier, null, "null").is_impersonated());
}

#[test]
fn actors_are_told_outermost_first_up_to_eight_and_never_past_one_without_a_name() {
    let chain = |names: &[&str]| {
        names.iter().rev().fold(Value::Null, |inner, name| match (inner, *name) {
            (Value::Null, name) => json!({ "sub": name }),
            (inner, name) => json!({ "sub": name, "act": inner }),
        })
    };
    let ten = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    for (act, expected) in [
        (chain(&["a"]), &["a"][..]),
        (chain(&["a", "b"]), &["a", "b"]),
        (chain(&["a", "a"]), &["a", "a"]),
        (chain(&ten[..8]), &ten[..8]),
        (chain(&ten), &ten[..8]),
        (json!({ "sub": "a", "act": { "iss": "x", "act": { "sub": "c" } } }), &["a"]),
        (json!({ "sub": "a", "act": { "sub": 5, "act": { "sub": "c" } } }), &["a"]),
        (json!({ "act": { "sub": "b" } }), &[]),
        (json!({ "sub": "a", "act": ["b"] }), &["a"]),
        (json!({ "sub": "a", "act": null }), &["a"]),
        (json!({ "sub": "" }), &[""]),
        (json!({}), &[]),
    ] {
        for claims in acting(&json!({ "act": act })) {
            assert_eq!(claims.actors(), expected, "{act}");
            assert_eq!(claims.actor().as_deref(), expected.first().copied(), "{act}");
        }
    }
    // Deeper than any JSON that is read.
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let token = keys::rsa().token(&claims_with(&json!({ "act": chain(&names) })));
    refused(&verifier(), token, Code::Malformed, "nesting");
}

/// A verifier that takes both families; the session's keys are given.
fn both() -> authkit::Verifier {
    let connect = IssuerSettings { jwks: Some(jwks(&[keys::rsa()])), ..Default::default() };
    let verifier = build(
        Config::builder()
            .issuer(ISSUER, connect)
            .session_client_id(CLIENT)
            .accept_client_id_audience(["client_ENV"])
            .resource(RESOURCE)
            .now(NOW),
    );
    verifier.set_jwks(Some("https://api.workos.com"), &jwks(&[keys::rsa_next()])).unwrap();
    verifier
}

fn session_issuers() -> [String; 5] {
    let root = "https://api.workos.com";
    ["", "/", "/convex/client_01APP", "/sso/client_01APP", "/user_management/client_01APP"]
        .map(|path| format!("{root}{path}"))
}

#[test]
fn session_client_id_takes_every_spelling_of_its_issuer_and_tells_the_family() {
    let verifier = both();
    let session = |issuer: &str, aud: Value| {
        keys::rsa_next().token(&claims_with(
            &json!({ "iss": issuer, "aud": aud, "client_id": null, "scope": null }),
        ))
    };
    for issuer in session_issuers() {
        let claims = accepted(&verifier, session(&issuer, Value::Null), &issuer);
        assert_eq!((claims.family(), claims.resource()), (TokenFamily::Session, None), "{issuer}");
    }
    // A token says what it likes of itself: the family is its issuer's.
    let connect = keys::rsa()
        .token(&claims_with(&json!({ "permissions": [], "role": "x", "family": "session" })));
    assert_eq!(accepted(&verifier, connect, "connect").family(), TokenFamily::Connect);

    for other in [
        "https://api.workos.com/user_management/client_OTHER",
        "https://api.workos.com/user_management",
    ] {
        let error = refused(&verifier, session(other, Value::Null), Code::Issuer, other);
        assert!(error.hint().unwrap().contains("session"), "{error}");
    }
    // Keys belong to their issuer, in both directions.
    let foreign = json!({ "iss": "https://api.workos.com", "aud": null, "client_id": CLIENT });
    let foreign = keys::rsa().token(&claims_with(&foreign));
    refused(&verifier, foreign, Code::UnknownKey, "Connect's key for a session");
    refused(
        &verifier,
        keys::rsa_next().token(&claims_with(&json!({}))),
        Code::UnknownKey,
        "the reverse",
    );
}

#[test]
fn a_session_token_with_an_audience_must_be_meant_for_this_server_or_its_client() {
    let verifier = both();
    for (aud, expected) in [
        (Value::Null, Ok(None)),
        (json!(CLIENT), Ok(Some(CLIENT))),
        (json!(RESOURCE), Ok(Some(RESOURCE))),
        (json!("client_ENV"), Ok(Some("client_ENV"))),
        (json!(["https://other.example", CLIENT]), Ok(Some(CLIENT))),
        (json!("https://other.example"), Err(Code::Audience)),
        (json!("client_OTHER"), Err(Code::Audience)),
        (json!(""), Err(Code::Audience)),
        (json!([]), Err(Code::Audience)),
        (json!(5), Err(Code::Claim)),
    ] {
        let changes = json!({ "iss": "https://api.workos.com", "aud": aud, "client_id": CLIENT });
        let token = keys::rsa_next().token(&claims_with(&changes));
        match expected {
            Ok(resource) => {
                let claims = accepted(&verifier, token, &aud.to_string());
                assert_eq!(claims.resource(), resource, "{aud}");
            }
            Err(code) => drop(refused(&verifier, token, code, &aud.to_string())),
        }
    }
    // The session's client is no audience of the other family: that stays opt-in.
    let connect = keys::rsa().token(&claims_with(&json!({ "aud": CLIENT })));
    refused(&verifier, connect, Code::Audience, "Connect");
    refused(
        &verifier,
        keys::rsa().token(&claims_with(&json!({ "aud": null }))),
        Code::Audience,
        "none",
    );
}

#[test]
fn each_issuer_has_its_own_audience_rule() {
    let with = |settings: Value| {
        let mut settings = settings;
        settings["jwks"] = json!(jwks(&[keys::rsa()]));
        let config = json!({
            "issuers": { ISSUER: settings }, "resource": RESOURCE, "accept_client_id_audience": "client_ENV", "now": NOW,
        });
        build(authkit::ConfigBuilder::from_json(&config.to_string()).unwrap())
    };
    let own = json!(["https://own.example"]);
    for (settings, aud, expected) in [
        (json!({}), json!(RESOURCE), true),
        (json!({}), json!("client_ENV"), true),
        (json!({}), Value::Null, false),
        (json!({ "audience": "required" }), Value::Null, false),
        (json!({ "audience": "if_present" }), Value::Null, true),
        (json!({ "audience": "if_present" }), json!(RESOURCE), true),
        (json!({ "audience": "if_present" }), json!("https://x.example"), false),
        (json!({ "audience": "not_checked" }), json!("https://x.example"), true),
        (json!({ "audiences": own }), json!("https://own.example"), true),
        (json!({ "audiences": own }), Value::Null, false),
        (json!({ "audiences": own }), json!(RESOURCE), false),
        (json!({ "audiences": own }), json!("client_ENV"), false),
        (json!({ "audiences": "https://own.example, b" }), json!("b"), true),
        (json!({ "audiences": own, "audience": "if_present" }), Value::Null, true),
        (json!({ "audiences": own, "audience": "if_present" }), json!(RESOURCE), false),
    ] {
        let token = keys::rsa().token(&claims_with(&json!({ "aud": aud })));
        let verdict = crate::support::verdict(&with(settings.clone()), token);
        assert_eq!(
            verdict.map(drop).map_err(|error| error.code()),
            if expected { Ok(()) } else { Err(Code::Audience) },
            "{settings} {aud}"
        );
    }
}

#[test]
fn the_spellings_of_the_session_issuer_share_one_fetch() {
    let server = Server::http(Answer::document(jwks(&[keys::rsa()])));
    let url = server.url();
    let entry = |family| IssuerSettings {
        jwks_url: Some(url.clone()),
        audience: AudienceRule::IfPresent,
        family,
        ..Default::default()
    };
    let asking = |family| {
        let add = |builder: authkit::ConfigBuilder, issuer| builder.issuer(issuer, entry(family));
        let builder = session_issuers().into_iter().fold(Config::builder(), add);
        build(builder.resource(RESOURCE).allow_insecure_loopback(true).now(NOW))
    };
    let verifier = asking(TokenFamily::Session);
    for issuer in session_issuers() {
        let ours = json!({ "iss": issuer, "client_id": CLIENT });
        accepted(&verifier, keys::rsa().token(&claims_with(&ours)), &issuer);
    }
    assert_eq!(server.requests(), 1);
    verifier.refresh().unwrap();
    assert_eq!(server.requests(), 2);
    // Issuers of another family keep keys of their own, also from one place.
    asking(TokenFamily::Connect).refresh().unwrap();
    assert_eq!(server.requests(), 2 + 5);
}

#[test]
fn a_session_client_id_that_would_lead_elsewhere_is_refused() {
    let with = |id: &str| Config::builder().session_client_id(id).resource(RESOURCE).build();
    assert_eq!(with(CLIENT).unwrap().issuers().collect::<Vec<_>>(), session_issuers());
    for bad in [
        "",
        "client/../x",
        "client?x",
        "client#x",
        "client x",
        "client_é",
        "../x",
        "a@b",
        "a:b",
        "%2e",
    ] {
        let error = with(bad).unwrap_err();
        assert!(
            error.code() == Code::Config && error.reason().contains("session_client_id"),
            "{error}"
        );
    }
    // Without a resource a session token with an aud would be meant for nobody.
    let error = Config::builder().session_client_id(CLIENT).build().unwrap_err();
    assert!(error.reason().contains("base_url"), "{error}");
    let doubled = Config::builder()
        .session_client_id(CLIENT)
        .issuer("https://api.workos.com", Default::default());
    assert!(doubled.resource(RESOURCE).build().unwrap_err().reason().contains("session_client_id"));
    for (audience, audiences) in [
        (AudienceRule::NotChecked, vec!["a"]),
        (AudienceRule::Required, vec![]),
        (AudienceRule::Required, vec![""]),
    ] {
        let audiences = Some(audiences.into_iter().map(str::to_owned).collect());
        let settings = IssuerSettings { audience, audiences, ..Default::default() };
        let error =
            Config::builder().issuer(ISSUER, settings).resource(RESOURCE).build().unwrap_err();
        assert!(error.reason().starts_with("issuers"), "{error}");
    }
}
