//! Rows 56 to 59 as far as Rust can show them; the C tests show the rest.

use authkit::{Code, Policy, Verifier};
use serde_json::json;

use crate::support::{
    NOW, accepted, build, builder, claims, claims_with, jwks, keys, refused, verifier,
};

#[test]
fn r58_an_accepted_token_is_judged_anew_each_time() {
    let verifier = verifier();
    let token = keys::rsa().token(&claims());
    let at = |now: i64| {
        let mut policy = Policy::new();
        policy.set_now(now);
        verifier.verify(&token, &policy).map(drop).map_err(|error| error.code())
    };
    assert_eq!(at(NOW), Ok(()));
    assert_eq!(at(NOW + 359), Ok(()));
    assert_eq!(at(NOW + 360), Err(Code::Expired));
    assert_eq!(at(NOW), Ok(()));
    assert_eq!(at(NOW - 200), Err(Code::NotYetValid));

    verifier.set_jwks(None, &jwks(&[keys::rsa_next()])).unwrap();
    assert_eq!(at(NOW), Err(Code::UnknownKey), "its key was removed");

    let elsewhere = build(builder(jwks(&[keys::rsa()])).audiences(["https://other.example/mcp"]));
    refused(&elsewhere, &token, Code::Audience, "another verifier's audience");
}

#[test]
fn r59_keys_are_replaced_under_running_verifications() {
    let verifier = build(builder(jwks(&[keys::rsa()])));
    let token = keys::rsa().token(&claims());
    let next = keys::rsa_next().token(&claims());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    // One of the two sets is in force at any time, and never anything else.
                    for token in [&token, &next] {
                        if let Err(error) = verifier.verify(token, &Policy::new()) {
                            assert_eq!(error.code(), Code::UnknownKey, "{error}");
                        }
                    }
                }
            });
        }
        for round in 0..200 {
            let signer = if round % 2 == 0 { keys::rsa_next() } else { keys::rsa() };
            verifier.set_jwks(None, &jwks(&[signer])).unwrap();
        }
    });
    accepted(&verifier, &token, "the last set installed");
    drop::<Verifier>(verifier);
}

#[test]
fn claims_are_the_payload_that_was_signed() {
    let payload = claims_with(
        &json!({ "org_id": "org\u{e9}", "roles": ["a", "b"], "act": { "sub": "admin" }, "n": 5, "esc\"aped": "\n" }),
    );
    let token = keys::rsa().token(&payload);
    let claims = accepted(&verifier(), &token, "good");
    assert_eq!(claims.json(), payload.to_string());
    assert_eq!(claims.header_json(), keys::rsa().header().to_string());
    assert_eq!(claims.subject(), "user_01H");
    assert_eq!(claims.client_id(), "client_01H");
    assert_eq!(claims.key_id(), Some(keys::rsa().kid));
    assert_eq!(
        (claims.expires_at(), claims.issued_at(), claims.not_before()),
        ((NOW + 300) as f64, Some((NOW - 60) as f64), None)
    );
    assert_eq!(
        claims
            .get("roles")
            .unwrap()
            .items()
            .unwrap()
            .filter_map(|role| role.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(claims.get("act").unwrap().get("sub").unwrap().as_str().as_deref(), Some("admin"));
    assert_eq!(claims.get("n").unwrap().as_i64(), Some(5));
    assert!(claims.get("absent").is_none());
    assert_eq!(claims.iter().count(), payload.as_object().unwrap().len());
    assert!(!format!("{claims:?}").contains("user_01H"), "no claim in a debug print");
    for (changes, client) in [
        (json!({ "client_id": null, "azp": "azp_x" }), "azp_x"),
        (json!({ "client_id": null }), "user_01H"),
    ] {
        assert_eq!(
            accepted(&verifier(), keys::rsa().token(&claims_with(&changes)), client).client_id(),
            client
        );
    }
}

#[test]
fn a_policy_that_lacks_a_demand_refuses_every_token() {
    let verifier = verifier();
    let token = keys::rsa().token(&claims());
    for _ in 0..2 {
        verifier.verify(&token, &Policy::new()).unwrap(); // and is kept
    }
    type Demand = fn(&mut Policy) -> authkit::Result<()>;
    let failing: [(Demand, &str); 6] = [
        (|policy| policy.require_scope("two scopes"), "policy_require_scope failed: 'two scopes'"),
        (|policy| policy.require_scope(""), "policy_require_scope failed: ''"),
        (|policy| policy.require_any_scope(["a", "b c"]), "policy_require_any_scope failed: 'b c'"),
        (|policy| policy.require_any_scope(["a", ""]), "policy_require_any_scope failed: ''"),
        (|policy| policy.require_any_scope([""; 0]), "policy_require_any_scope failed: one"),
        (|policy| policy.require_any_scope(["é"]), "policy_require_any_scope failed: "),
    ];
    for (demand, reason) in failing {
        let mut policy = Policy::new();
        assert_eq!(demand(&mut policy).map_err(|error| error.code()), Err(Code::Misuse));
        // What is demanded later mends nothing, and the first failure is the one that is told.
        policy.require_scope("openid").unwrap();
        policy.set_now(NOW);
        assert!(policy.require_scope(" ").is_err());
        let policy = policy.clone();
        let header = format!("Bearer {token}");
        let request = authkit::Request::new().authorization(header.as_bytes());
        let without = authkit::Request::new();
        let refusals = [
            verifier.verify(&token, &policy).unwrap_err(),
            verifier.try_verify(&token, &policy).unwrap_err(),
            verifier.verify("no token", &policy).unwrap_err(),
            verifier.authorize(&request, &policy).error().unwrap().clone(),
            verifier.try_authorize(&request, &policy).error().unwrap().clone(),
            verifier.authorize(&without, &policy).error().unwrap().clone(),
        ];
        for refusal in refusals {
            assert_eq!(refusal.code(), Code::Misuse);
            assert!(refusal.reason().contains(reason), "{refusal} without {reason}");
        }
        assert_eq!(verifier.authorize(&request, &policy).response().status(), 500);
    }
    accepted(&verifier, &token, "by a policy that is whole");
}

#[test]
fn times_of_any_size_are_judged() {
    const SIZES: [i64; 7] = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for age in [0, 1, u64::MAX] {
        for now in SIZES {
            let settings = builder(jwks(&[keys::rsa()])).max_token_age(age).leeway(300);
            let verifier = build(settings.clone().now(now));
            let by_policy = build(settings);
            for time in [-1e308, -1.5, 0.0, 1e15, 9.007_199_254_740_993e15, 1e308] {
                let token = keys::rsa()
                    .token(&claims_with(&json!({"exp": time, "iat": time, "nbf": time})));
                let mut policy = Policy::new();
                policy.set_now(now);
                let verdict = verifier.verify(&token, &Policy::new()).map(drop);
                assert_eq!(by_policy.verify(&token, &policy).map(drop).is_ok(), verdict.is_ok());
                if let Err(error) = verdict {
                    let code = error.code();
                    assert!(
                        matches!(code, Code::Expired | Code::NotYetValid | Code::Claim),
                        "{now} {time}: {error}"
                    );
                }
            }
            assert!(verifier.config().describe().contains(&now.to_string()));
        }
    }
}
