//! jsonwebtoken with every check it has switched on: it must accept whatever we accept, and what it
//! refuses of well-formed tokens, we refuse too.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation, decode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, RESOURCE, build, builder, claims_with, jwks, keys, verdict};

fn oracle_accepts(signer: &keys::Signer, token: &str) -> bool {
    let mut rules = Validation::new(signer.alg.parse().unwrap());
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[RESOURCE]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // It has no clock to set: times are judged by hand below.
    rules.validate_exp = false;
    let jwk: Jwk = serde_json::from_value(signer.jwk()).unwrap();
    let Ok(data) = decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &rules) else {
        return false;
    };
    let exp = data.claims["exp"].as_f64();
    let nbf = data.claims.get("nbf").map_or(Some(0.0), Value::as_f64);
    exp.is_some_and(|exp| exp > NOW as f64 - 60.0)
        && nbf.is_some_and(|nbf| nbf <= NOW as f64 + 60.0)
}

fn any_claim() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-10_i64..10).prop_map(|offset| json!(NOW + offset * 20)),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(ISSUER)),
        Just(json!(RESOURCE)),
        Just(json!([RESOURCE, "x"])),
        Just(json!([])),
        ".{0,12}".prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_accepted_here_is_accepted_there(
        name in prop::sample::select(vec!["exp", "nbf", "iat", "iss", "aud", "sub", "scope", "client_id", "other"]),
        value in any_claim(),
        signer in 0_usize..3,
    ) {
        let signer = [keys::rsa(), keys::es256(), keys::ed25519()][signer];
        let verifier = build(builder(jwks(&[signer])).algorithms([signer.alg]));
        let token = signer.token(&claims_with(&json!({ name: value })));
        if verdict(&verifier, &token).is_ok() {
            prop_assert!(oracle_accepts(signer, &token), "{name}");
        }
    }

    #[test]
    fn ordinary_tokens_are_accepted_by_both(sub in "[a-z_0-9]{1,30}", extra in "\\PC{0,40}", lifetime in 1_i64..100_000) {
        let token = keys::rsa().token(&claims_with(&json!({ "sub": sub, "extra": extra, "exp": NOW + lifetime })));
        let verifier = build(builder(jwks(&[keys::rsa()])));
        prop_assert!(verdict(&verifier, &token).is_ok());
        prop_assert!(oracle_accepts(keys::rsa(), &token));
    }
}
