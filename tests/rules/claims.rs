//! Rows 30 to 44: the claims.

use authkit::{AudienceRule, Code, Config, IssuerSettings, Policy};
use serde_json::{Value, json};

use crate::support::{
    ISSUER, NOW, RESOURCE, accepted, build, builder, check_claims, claims, claims_with, jwks, keys,
    refused, verifier,
};

const CLAIM: Option<Code> = Some(Code::Claim);
const EXPIRED: Option<Code> = Some(Code::Expired);
const NOT_YET: Option<Code> = Some(Code::NotYetValid);
const ISSUER_: Option<Code> = Some(Code::Issuer);
const AUDIENCE: Option<Code> = Some(Code::Audience);
const SCOPE: Option<Code> = Some(Code::Scope);

/// A token whose claim is spelt as given, which serde_json could not write.
fn spelt(claim: &str, text: &str) -> String {
    let mut members = claims();
    members.as_object_mut().unwrap().remove(claim);
    let body = members.to_string();
    let payload = format!("{},\"{claim}\":{text}}}", &body[..body.len() - 1]);
    keys::rsa().token_of(keys::rsa().header().to_string(), payload)
}

fn base() -> authkit::ConfigBuilder {
    builder(jwks(&[keys::rsa()]))
}

#[test]
fn r30_exp_is_a_number_in_range() {
    check_claims(
        &verifier(),
        &[
            ("missing", json!({ "exp": null }), CLAIM),
            ("string", json!({ "exp": (NOW + 300).to_string() }), CLAIM),
            ("date string", json!({ "exp": "2099-01-01T00:00:00Z" }), CLAIM),
            ("bool", json!({ "exp": true }), CLAIM),
            ("array", json!({ "exp": [NOW + 300] }), CLAIM),
            ("object", json!({ "exp": {} }), CLAIM),
            ("negative", json!({ "exp": -1 }), CLAIM),
            ("1e19", json!({ "exp": 1e19 }), CLAIM),
            ("2^53 is the last", json!({ "exp": 9_007_199_254_740_992_u64 }), None),
            ("2^53 + 2", json!({ "exp": 9_007_199_254_740_994_u64 }), CLAIM),
        ],
    );
    refused(&verifier(), spelt("exp", "null"), Code::Claim, "null");
    // Not JSON, or not a double: the token is malformed before it has claims.
    for text in ["1e400", "NaN", "Infinity", "-Infinity", "01760000300", ".5", "0x7fffffff"] {
        refused(&verifier(), spelt("exp", text), Code::Malformed, text);
    }
    refused(&verifier(), spelt("exp", "1e19"), Code::Claim, "1e19");
    accepted(&verifier(), spelt("exp", "1.7600003e9"), "an exponent");
}

#[test]
fn r31_exp_ends_the_token_at_now_minus_leeway() {
    let cases: &[(&str, Value, Option<Code>)] = &[
        ("fraction ahead", json!({ "exp": NOW as f64 + 0.5 }), None),
        ("fraction behind the leeway", json!({ "exp": NOW as f64 - 60.5 }), EXPIRED),
        ("within the leeway", json!({ "exp": NOW - 59 }), None),
        ("at its edge", json!({ "exp": NOW - 60 }), EXPIRED),
        ("long ago", json!({ "exp": NOW - 31_536_000 }), EXPIRED),
        ("zero", json!({ "exp": 0 }), EXPIRED),
        ("beyond 32 bits", json!({ "exp": 1_i64 << 33 }), None),
        ("2^32 wrapped", json!({ "exp": (NOW + 300) % (1 << 32) - (1_i64 << 31) }), CLAIM),
    ];
    check_claims(&verifier(), cases);
    refused(&verifier(), spelt("exp", "-0"), Code::Expired, "-0");
    refused(&verifier(), spelt("exp", "1e-400"), Code::Expired, "1e-400");
    let strict = build(base().leeway(0));
    check_claims(
        &strict,
        &[
            ("one second left", json!({ "exp": NOW + 1 }), None),
            ("none left", json!({ "exp": NOW }), EXPIRED),
        ],
    );
}

#[test]
fn r32_nbf_starts_the_token_at_now_plus_leeway() {
    check_claims(
        &verifier(),
        &[
            ("past", json!({ "nbf": NOW - 1 }), None),
            ("negative", json!({ "nbf": -5 }), None),
            ("at the leeway's edge", json!({ "nbf": NOW + 60 }), None),
            ("beyond it", json!({ "nbf": NOW + 61 }), NOT_YET),
            ("a fraction beyond it", json!({ "nbf": NOW as f64 + 60.5 }), NOT_YET),
            ("string (CVE-2026-25537)", json!({ "nbf": (NOW + 9999).to_string() }), CLAIM),
            ("bool", json!({ "nbf": false }), CLAIM),
            ("1e19", json!({ "nbf": 1e19 }), CLAIM),
        ],
    );
}

#[test]
fn r33_iat_is_not_ahead_and_not_older_than_max_token_age() {
    check_claims(
        &verifier(),
        &[
            ("absent", json!({ "iat": null }), None),
            ("at the leeway's edge", json!({ "iat": NOW + 60 }), None),
            ("beyond it", json!({ "iat": NOW + 61 }), NOT_YET),
            ("string", json!({ "iat": NOW.to_string() }), CLAIM),
            ("array", json!({ "iat": [NOW] }), CLAIM),
            ("ancient, without max_token_age", json!({ "iat": 0 }), None),
        ],
    );
    let aged = build(base().max_token_age(3600));
    check_claims(
        &aged,
        &[
            ("young", json!({ "iat": NOW - 3600 }), None),
            ("within the leeway", json!({ "iat": NOW - 3659 }), None),
            ("too old", json!({ "iat": NOW - 3660 }), EXPIRED),
            ("absent", json!({ "iat": null }), CLAIM),
        ],
    );
}

#[test]
fn r34_iss_is_one_allow_listed_string() {
    check_claims(
        &verifier(),
        &[
            ("missing", json!({ "iss": null }), ISSUER_),
            ("number", json!({ "iss": 5 }), ISSUER_),
            ("array holding ours (CVE-2025-30144)", json!({ "iss": [ISSUER] }), ISSUER_),
            ("array of two", json!({ "iss": ["https://evil.example", ISSUER] }), ISSUER_),
            ("object", json!({ "iss": { ISSUER: 1 } }), ISSUER_),
            ("empty", json!({ "iss": "" }), ISSUER_),
            ("another", json!({ "iss": "https://evil.example" }), ISSUER_),
        ],
    );
}

#[test]
fn r35_iss_compares_exactly_with_a_hint_for_a_slash_alone() {
    let cases = [
        "https://P-1.authkit.app",
        "HTTPS://p-1.authkit.app",
        "http://p-1.authkit.app",
        "https://p-1.authkit.app:443",
        "https://user@p-1.authkit.app",
        "https://p-1.authkit.app.evil.example",
        "https://p-1.authkit.ap",
        "h",
        "https://p-1.authkit.app\u{200b}",
        "https://p-1.authkit.app\n",
        "https://p-1.authkit.app//",
        "//p-1.authkit.app",
        "https://p-1.аuthkit.app",
        "https://*.authkit.app",
        "https://p-1.authkit.app/oauth2",
        " https://p-1.authkit.app",
        "https://p-1.authkit.app\0",
        "https://p-1.authkit.app\0.evil.example",
    ];
    for issuer in cases {
        let error = refused(
            &verifier(),
            keys::rsa().token(&claims_with(&json!({ "iss": issuer }))),
            Code::Issuer,
            issuer,
        );
        assert!(!error.hint().unwrap().contains("trailing slash"), "{error}");
        assert!(error.reason().is_ascii(), "{issuer}");
    }
    let slash = format!("{ISSUER}/");
    let error = refused(
        &verifier(),
        keys::rsa().token(&claims_with(&json!({ "iss": slash }))),
        Code::Issuer,
        "slash",
    );
    assert!(error.hint().unwrap().contains("trailing slash"), "{error}");
    let session = keys::rsa().token(&claims_with(&json!({ "iss": "https://api.workos.com" })));
    let error = refused(&verifier(), session, Code::Issuer, "session token");
    assert!(error.hint().unwrap().contains("session token"), "{error}");
}

#[test]
fn r36_aud_is_a_string_or_a_list_of_strings() {
    check_claims(
        &verifier(),
        &[
            ("missing", json!({ "aud": null }), AUDIENCE),
            ("empty list", json!({ "aud": [] }), AUDIENCE),
            ("empty string", json!({ "aud": "" }), AUDIENCE),
            ("object", json!({ "aud": { RESOURCE: true } }), CLAIM),
            ("number", json!({ "aud": 5 }), CLAIM),
            ("ours and a number", json!({ "aud": [RESOURCE, 5] }), CLAIM),
            ("a list in a list", json!({ "aud": [[RESOURCE]] }), CLAIM),
            ("a list in a string", json!({ "aud": format!("[\"{RESOURCE}\"]") }), AUDIENCE),
        ],
    );
    refused(&verifier(), spelt("aud", "null"), Code::Claim, "null");
}

#[test]
fn r37_aud_compares_exactly() {
    for aud in [
        "https://mcp.example",
        "https://mcp.example/mc",
        "https://mcp.example/mcp2",
        "https://mcp.example/mcp/sub",
        "mcp.example/mcp",
        "https://MCP.example/mcp",
        "https://mcp.example:443/mcp",
        "https://mcp.example/x/../mcp",
        "https://mcp.example/%6dcp",
        "*",
        "https://mcp.example/mcp?x",
        "https://mcp.example/mcp#x",
        "x,https://mcp.example/mcp",
        "https://mcp.example/mcp https://x",
        "https://mcp.example/mcp//",
        "https://mcp.exаmple/mcp",
        "h",
        ISSUER,
    ] {
        refused(
            &verifier(),
            keys::rsa().token(&claims_with(&json!({ "aud": aud }))),
            Code::Audience,
            aud,
        );
    }
    let http = keys::rsa().token(&claims_with(&json!({ "aud": "http://mcp.example/mcp" })));
    let error = refused(&verifier(), http, Code::Audience, "http for https");
    assert!(error.hint().unwrap().contains("http or https"), "{error}");
}

#[test]
fn r38_one_of_several_audiences_suffices_and_a_slash_only_where_it_is_the_same_uri() {
    let with_aud = |aud: Value| keys::rsa().token(&claims_with(&json!({ "aud": aud })));
    let claims = accepted(
        &verifier(),
        with_aud(json!(["https://other.example", RESOURCE, "client_x"])),
        "ours among others",
    );
    assert_eq!(claims.resource(), Some(RESOURCE));
    assert_eq!(claims.audience(), ["https://other.example", RESOURCE, "client_x"]);

    let slash = with_aud(json!(format!("{RESOURCE}/")));
    let error = refused(&verifier(), &slash, Code::Audience, "a slash after a path");
    assert!(error.hint().unwrap().contains("ignore_trailing_slash"), "{error}");
    accepted(&build(base().ignore_trailing_slash(true)), &slash, "a slash, forgiven by setting");
    let other = with_aud(json!(format!("{RESOURCE}//")));
    refused(&build(base().ignore_trailing_slash(true)), other, Code::Audience, "two slashes");

    let rootless = |audience: &str| build(base().audiences([audience]));
    for (ours, theirs) in [
        ("https://mcp.example", "https://mcp.example/"),
        ("https://mcp.example/", "https://mcp.example"),
    ] {
        let claims = accepted(&rootless(ours), with_aud(json!(theirs)), theirs);
        assert_eq!(claims.resource(), Some(ours));
    }
    refused(
        &rootless("https://mcp.example"),
        with_aud(json!("https://mcp.example//")),
        Code::Audience,
        "two slashes",
    );
    refused(&rootless("opaque"), with_aud(json!("opaque/")), Code::Audience, "no URL");
}

#[test]
fn r39_a_client_id_as_audience_is_refused_with_the_hint_or_accepted_by_name() {
    let token = keys::rsa().token(&claims_with(&json!({ "aud": "client_01ENV" })));
    let error = refused(&verifier(), &token, Code::Audience, "the fallback");
    let hint = error.hint().unwrap();
    assert!(hint.contains("resource indicators") && hint.contains(RESOURCE), "{error}");
    let named = build(base().accept_client_id_audience(["client_01ENV"]));
    assert_eq!(accepted(&named, &token, "named").resource(), Some("client_01ENV"));
    let other = keys::rsa().token(&claims_with(&json!({ "aud": "client_01OTHER" })));
    refused(&named, other, Code::Audience, "another client");
    accepted(&named, keys::rsa().token(&claims()), "the resource still counts");
}

#[test]
fn r40_sub_is_a_string_with_something_in_it() {
    for sub in [Value::Null, json!(""), json!(5), json!(["user_01H"]), json!({}), json!(true)] {
        check_claims(&verifier(), &[("sub", json!({ "sub": sub }), CLAIM)]);
    }
    refused(&verifier(), spelt("sub", "null"), Code::Claim, "null");
}

#[test]
fn r40_a_nul_in_an_identity_is_refused_where_c_would_cut_it_short() {
    check_claims(
        &verifier(),
        &[
            ("sub", json!({ "sub": "user_01H\0evil" }), CLAIM),
            ("org_id", json!({ "org_id": "org\0" }), CLAIM),
            ("a role", json!({ "roles": ["admin\0no"] }), CLAIM),
            ("a name", json!({ "sub\0": "x" }), CLAIM),
            ("deeper, where only JSON reaches", json!({ "act": { "x": "a\0b" } }), None),
        ],
    );
}

#[test]
fn r41_a_scope_is_a_whole_word() {
    let needs = |scopes: &[&str]| build(base().required_scopes(scopes.iter().copied()));
    for (granted, required) in [
        ("readwrite", "read"),
        ("profile-admin", "profile"),
        ("xprofile", "profile"),
        ("Profile", "profile"),
        ("profile,email", "profile"),
        ("*", "profile"),
        (".*", "profile"),
        ("!profile", "profile"),
        ("profilé", "profile"),
        ("", "profile"),
        ("profile:read", "profile"),
    ] {
        check_claims(&needs(&[required]), &[(granted, json!({ "scope": granted }), SCOPE)]);
    }
    let token = keys::rsa().token(&claims_with(&json!({ "scope": "openid" })));
    let error =
        refused(&needs(&["openid", "mcp:read", "mcp:write"]), token, Code::Scope, "two missing");
    assert!(error.reason().contains("mcp:read mcp:write"), "all missing ones are named: {error}");
    assert_eq!(error.code().http_status(), 403);
    check_claims(
        &needs(&["profile", "profile", "email"]),
        &[("all there", json!({}), None), ("none at all", json!({ "scope": null }), SCOPE)],
    );
}

#[test]
fn r41_a_call_can_require_more() {
    let mut policy = Policy::new();
    policy.require_scope("mcp:write").unwrap();
    let token = keys::rsa().token(&claims_with(&json!({ "scope": "openid mcp:write" })));
    assert!(verifier().verify(&token, &policy).is_ok());
    let error = verifier().verify(keys::rsa().token(&claims()), &policy).unwrap_err();
    assert_eq!(error.code(), Code::Scope);
    for bad in ["", "a b", "a\tb", "\"", "é", "a\0"] {
        assert_eq!(policy.require_scope(bad).unwrap_err().code(), Code::Misuse, "{bad:?}");
    }
}

#[test]
fn r41_a_call_can_require_any_of_several_and_all_missing_ones_are_named() {
    let hierarchy = base().scope_includes("admin", ["mcp:write"]).required_scopes(["openid"]);
    let verifier = build(hierarchy);
    let demands = |all: &[&str], groups: &[&[&str]]| {
        let mut policy = Policy::new();
        all.iter().for_each(|scope| policy.require_scope(scope).unwrap());
        groups.iter().for_each(|group| policy.require_any_scope(group.iter().copied()).unwrap());
        policy
    };
    let lacks = |text: &str| Some(format!("the token lacks {text}"));
    let any: &[&str] = &["mcp:read", "mcp:write"];
    for (granted, all, groups, refusal) in [
        ("openid mcp:read", &[][..], &[any][..], None),
        ("openid mcp:write", &[], &[any], None),
        ("openid admin", &[], &[any], None),
        (
            "openid admin",
            &[],
            &[&["mcp:read"], any],
            lacks("every one of mcp:read, of which one is needed"),
        ),
        ("openid", &[], &[any], lacks("every one of mcp:read mcp:write, of which one is needed")),
        (
            "openid mcp:reading mcp",
            &[],
            &[any],
            lacks("every one of mcp:read mcp:write, of which one is needed"),
        ),
        ("mcp:read", &[], &[any], lacks("the scope openid")),
        ("openid mcp:read", &["a", "b"], &[any], lacks("the scopes a b")),
        (
            "profile",
            &["a"],
            &[any, &["x", "y"]],
            lacks(
                "the scopes openid a; and every one of mcp:read mcp:write, of which one is needed; and every one of x y, of which one is needed",
            ),
        ),
        ("openid mcp:read x", &[], &[any, &["x", "y"]], None),
    ] {
        let token = keys::rsa().token(&claims_with(&json!({ "scope": granted })));
        let error = verifier.verify(token, &demands(all, groups)).err();
        assert_eq!(error.as_ref().map(|error| error.reason().to_owned()), refusal, "{granted}");
        assert!(error.is_none_or(|error| error.code() == Code::Scope && error.hint().is_some()));
    }
    let token = keys::rsa().token(&claims_with(&json!({ "scope": "x" })));
    let error = verifier.verify(token, &demands(&["a"], &[any])).unwrap_err();
    let hint = "let the client ask for openid a and one of mcp:read mcp:write when it authorizes; if AuthKit grants no such scope, take it out of required_scopes or of the host's demands";
    assert_eq!(error.hint(), Some(hint));
    for bad in [&[][..], &[""], &["a b"], &["a", "b\0"], &["a", "é"]] {
        let refused = Policy::new().require_any_scope(bad.iter().copied());
        assert_eq!(refused.unwrap_err().code(), Code::Misuse, "{bad:?}");
    }
}

#[test]
fn r42_scopes_are_split_on_space_alone_or_listed() {
    let verifier = build(base().required_scopes(["profile"]));
    check_claims(
        &verifier,
        &[
            ("words", json!({ "scope": "openid profile" }), None),
            ("double spaces", json!({ "scope": " openid  profile " }), None),
            ("tab", json!({ "scope": "openid\tprofile" }), SCOPE),
            ("vertical tab", json!({ "scope": "openid\u{b}profile" }), SCOPE),
            ("unit separator", json!({ "scope": "openid\u{1f}profile" }), SCOPE),
            ("no-break space", json!({ "scope": "openid\u{a0}profile" }), SCOPE),
            ("line separator", json!({ "scope": "openid\u{2028}profile" }), SCOPE),
            ("ideographic space", json!({ "scope": "openid\u{3000}profile" }), SCOPE),
            ("list", json!({ "scope": ["openid", "profile"] }), None),
            ("scp string", json!({ "scope": null, "scp": "openid profile" }), None),
            ("scp list", json!({ "scope": null, "scp": ["profile"] }), None),
            ("scp beside scope", json!({ "scope": "openid", "scp": "profile" }), SCOPE),
            ("list with a space inside", json!({ "scope": ["openid profile"] }), CLAIM),
            ("list with an empty one", json!({ "scope": ["profile", ""] }), CLAIM),
            ("list with a number", json!({ "scope": ["profile", 5] }), CLAIM),
            ("number", json!({ "scope": 5 }), CLAIM),
            ("object", json!({ "scope": { "profile": true } }), CLAIM),
            (
                "elsewhere",
                json!({ "scope": null, "scopes": "profile", "permissions": ["profile"], "roles": ["profile"] }),
                SCOPE,
            ),
        ],
    );
    assert_eq!(
        accepted(&verifier, keys::rsa().token(&claims()), "order").scopes(),
        ["openid", "profile", "email"]
    );
}

#[test]
fn r43_a_dead_token_is_expired_whatever_it_lacks() {
    let verifier = build(base().required_scopes(["admin"]));
    let token = keys::rsa().token(&claims_with(&json!({ "exp": NOW - 3600, "scope": "openid" })));
    assert_eq!(
        refused(&verifier, token, Code::Expired, "expired and without scope").code().http_status(),
        401
    );
}

#[test]
fn r44_scopes_from_named_claims_and_a_declared_hierarchy() {
    let by_permission = build(base().scope_claims(["permissions"]).required_scopes(["posts:read"]));
    check_claims(
        &by_permission,
        &[
            ("list", json!({ "permissions": ["posts:read"] }), None),
            ("string", json!({ "permissions": "posts:read posts:write" }), None),
            ("in scope alone", json!({ "scope": "posts:read" }), SCOPE),
            ("wrong type", json!({ "permissions": 1 }), CLAIM),
        ],
    );
    // What is no scope does not count, and spoils none, in a claim that is not for scopes alone.
    let mixed = json!(["Org Admin", "", "posts:read", "admin posts:write"]);
    let with = |scopes: &[&str]| {
        let config = base().scope_claims(["roles", "scope", "scp"]);
        build(config.required_scopes(scopes.iter().copied()))
    };
    check_claims(
        &with(&["posts:read"]),
        &[
            ("a scope among others", json!({ "roles": mixed }), None),
            ("none but others", json!({ "roles": ["Org Admin", "x posts:read"] }), SCOPE),
            ("no text among them", json!({ "roles": ["posts:read", 5] }), CLAIM),
            ("scope is for scopes alone", json!({ "roles": mixed, "scope": ["a b"] }), CLAIM),
            ("so is scp", json!({ "roles": mixed, "scp": ["a b"] }), CLAIM),
        ],
    );
    for part in ["Org", "Admin", "admin", "posts:write"] {
        check_claims(&with(&[part]), &[(part, json!({ "roles": mixed }), SCOPE)]);
    }
    let granted = accepted(
        &with(&[]),
        keys::rsa().token(&claims_with(&json!({ "roles": mixed, "scope": null }))),
        "mixed",
    );
    assert_eq!(granted.scopes(), ["posts:read"]);
    // Lists in a claim of any name, and any-of over them.
    let mut any = Policy::new();
    any.require_any_scope(["posts:write", "posts:read"]).unwrap();
    let named = build(base().scope_claims(["https://example.com/roles"]));
    for (roles, enough) in
        [(json!(["posts:read"]), true), (json!(["posts"]), false), (json!([]), false)]
    {
        let token = keys::rsa().token(&claims_with(&json!({ "https://example.com/roles": roles })));
        assert_eq!(named.verify(token, &any).is_ok(), enough, "{roles}");
    }
    let both = build(
        base().scope_claims(["scope", "permissions"]).required_scopes(["openid", "posts:read"]),
    );
    check_claims(&both, &[("united", json!({ "permissions": ["posts:read"] }), None)]);

    let hierarchy = || {
        base()
            .scope_includes("admin", ["write"])
            .scope_includes("write", ["read"])
            .scope_includes("loop", ["pool"])
            .scope_includes("pool", ["loop"])
    };
    let needs = |scope: &str| build(hierarchy().required_scopes([scope]));
    let cases = [
        ("admin", "read", true),
        ("admin", "write", true),
        ("write", "read", true),
        ("read", "write", false),
        ("loop", "pool", true),
        ("pool", "loop", true),
        ("loop", "read", false),
    ];
    for (granted, required, enough) in cases {
        let expected = if enough { None } else { SCOPE };
        check_claims(&needs(required), &[(granted, json!({ "scope": granted }), expected)]);
    }
    check_claims(
        &build(base().required_scopes(["read"])),
        &[("undeclared", json!({ "scope": "admin" }), SCOPE)],
    );
}

#[test]
fn an_issuer_without_audiences_is_an_operators_choice_for_that_issuer_alone() {
    const SESSION: &str = "https://api.workos.com";
    let key = |signer: &keys::Signer| Some(jwks(&[signer]));
    let session = IssuerSettings {
        jwks: key(keys::rsa_next()),
        audience: AudienceRule::NotChecked,
        ..Default::default()
    };
    let connect = IssuerSettings { jwks: key(keys::rsa()), ..Default::default() };
    let verifier = build(
        Config::builder()
            .issuer(ISSUER, connect)
            .issuer(SESSION, session)
            .resource(RESOURCE)
            .now(NOW),
    );
    let session =
        |aud: Value| keys::rsa_next().token(&claims_with(&json!({ "iss": SESSION, "aud": aud })));
    assert_eq!(accepted(&verifier, session(Value::Null), "no aud").resource(), None);
    accepted(&verifier, session(json!("https://other.example")), "another's aud");
    refused(
        &verifier,
        keys::rsa().token(&claims_with(&json!({ "aud": null }))),
        Code::Audience,
        "the other issuer",
    );
}
