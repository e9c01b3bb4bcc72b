//! Rows 11 to 24: the JOSE header.

use authkit::{Code, TypePolicy};
use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::{
    accepted, build, builder, claims, claims_with, encode, jwks, keys, refused, verifier,
};

/// A token whose HMAC is keyed with something public.
fn hmac_token(alg: &str, secret: &[u8]) -> String {
    let algorithm = match alg {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let header = json!({ "alg": alg, "kid": keys::rsa().kid });
    let input = format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), input.as_bytes());
    format!("{input}.{}", encode(tag.as_ref()))
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

#[test]
fn r11_none_and_hmac_over_the_public_key_are_refused() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let input = format!(
            "{}.{}",
            encode(json!({ "alg": alg }).to_string()),
            encode(claims().to_string())
        );
        refused(&verifier(), format!("{input}."), Code::Algorithm, alg);
        refused(&verifier(), keys::rsa().sign_input(input), Code::Algorithm, alg);
    }
    let spki = keys::rsa().spki();
    let secrets: [(&str, Vec<u8>); 4] = [
        ("PEM", pem(&spki).into_bytes()),
        ("PEM without its last line break", pem(&spki).trim_end().as_bytes().to_vec()),
        ("DER", spki),
        ("JWK", keys::rsa().jwk().to_string().into_bytes()),
    ];
    for (what, secret) in &secrets {
        for alg in ["HS256", "HS384", "HS512"] {
            refused(
                &verifier(),
                hmac_token(alg, secret),
                Code::Algorithm,
                &format!("{alg} over {what}"),
            );
        }
    }
}

#[test]
fn r12_an_algorithm_that_is_not_listed_is_refused() {
    for alg in [
        json!(null),
        json!(256),
        json!(true),
        json!(["RS256"]),
        json!("rs256"),
        json!("RS256 "),
        json!(""),
        json!("ES512"),
        json!("A128KW"),
    ] {
        let token = keys::rsa().token_with_header(&json!({ "alg": alg }), &claims());
        refused(&verifier(), token, Code::Algorithm, &alg.to_string());
    }
    for signer in [keys::es256(), keys::es384(), keys::ed25519()] {
        let verifier = build(builder(jwks(&[keys::rsa(), signer])));
        refused(&verifier, signer.token(&claims()), Code::Algorithm, signer.alg);
    }
    let everything =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
    let verifier = build(
        builder(jwks(&[keys::rsa(), keys::es256(), keys::es384(), keys::ed25519()]))
            .algorithms(everything),
    );
    for signer in [keys::rsa(), keys::es256(), keys::es384(), keys::ed25519()] {
        assert_eq!(
            accepted(&verifier, signer.token(&claims()), signer.alg).algorithm(),
            signer.alg
        );
    }
}

#[test]
fn r12_each_rsa_algorithm_verifies_where_it_is_listed() {
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let mut jwk = keys::rsa().jwk();
        jwk["alg"] = json!(alg);
        let verifier = build(builder(json!({ "keys": [jwk] }).to_string()).algorithms([alg]));
        let header = json!({ "alg": alg, "kid": keys::rsa().kid });
        let input = format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
        let signature = keys::rsa().sign(alg, input.as_bytes());
        accepted(&verifier, format!("{input}.{}", encode(signature)), alg);
    }
}

#[test]
fn r13_hmac_against_an_rsa_key_without_alg_is_refused() {
    let mut jwk = keys::rsa().jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    let verifier = build(builder(json!({ "keys": [jwk] }).to_string()));
    refused(&verifier, hmac_token("HS256", &keys::rsa().spki()), Code::Algorithm, "CVE-2026-44699");
}

#[test]
fn r14_a_key_serves_its_own_algorithm_only() {
    let all = ["RS256", "RS512", "PS256", "ES256", "EdDSA"];
    let verifier =
        build(builder(jwks(&[keys::rsa(), keys::es256(), keys::ed25519()])).algorithms(all));
    for alg in ["RS512", "PS256"] {
        let header = json!({ "alg": alg, "kid": keys::rsa().kid });
        let input = format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
        let signature = keys::rsa().sign(alg, input.as_bytes());
        refused(&verifier, format!("{input}.{}", encode(signature)), Code::Algorithm, alg);
    }
    for (signer, other) in [
        (keys::es256(), keys::rsa()),
        (keys::rsa(), keys::es256()),
        (keys::es256(), keys::ed25519()),
    ] {
        let token = signer.token_with_header(&json!({ "kid": other.kid }), &claims());
        refused(&verifier, token, Code::Algorithm, &format!("{} naming {}", signer.alg, other.kid));
    }
}

#[test]
fn r15_crit_of_any_content_is_refused() {
    for crit in [
        json!(["exp"]),
        json!([]),
        json!("exp"),
        json!(["x", "x"]),
        json!(["alg"]),
        json!(["b64"]),
        json!(["not-there"]),
        json!(1),
        json!({}),
        json!(false),
    ] {
        let token = keys::rsa().token_with_header(&json!({ "crit": crit, "exp": 1 }), &claims());
        refused(&verifier(), token, Code::CriticalHeader, &crit.to_string());
    }
    let header = format!(r#"{{"alg":"RS256","kid":"{}","crit":null}}"#, keys::rsa().kid);
    refused(
        &verifier(),
        keys::rsa().token_of(header, claims().to_string()),
        Code::CriticalHeader,
        "null",
    );
}

#[test]
fn r16_unencoded_and_compressed_payloads_are_refused() {
    let cases = [
        (json!({ "b64": false, "crit": ["b64"] }), Code::CriticalHeader),
        (json!({ "b64": false }), Code::Malformed),
        (json!({ "b64": "true" }), Code::Malformed),
        (json!({ "zip": "DEF" }), Code::Malformed),
        (json!({ "zip": "none" }), Code::Malformed),
    ];
    for (header, code) in cases {
        refused(
            &verifier(),
            keys::rsa().token_with_header(&header, &claims()),
            code,
            &header.to_string(),
        );
    }
    let input = format!(
        "{}.{}",
        encode(
            json!({ "alg": "RS256", "kid": keys::rsa().kid, "b64": false, "crit": ["b64"] })
                .to_string()
        ),
        claims()
    );
    refused(
        &verifier(),
        keys::rsa().sign_input(input),
        Code::Malformed,
        "claims unencoded, dots and all",
    );
}

#[test]
fn r17_the_types_of_an_access_token_are_accepted() {
    accepted(&verifier(), keys::rsa().token(&claims()), "no typ");
    for typ in [
        "JWT",
        "jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+jwt",
        "application/jwt",
    ] {
        accepted(
            &verifier(),
            keys::rsa().token_with_header(&json!({ "typ": typ }), &claims()),
            typ,
        );
    }
}

#[test]
fn r18_other_types_are_refused() {
    for typ in [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "rt+jwt",
        "JWS",
        "at+jwtx",
        "xat+jwt",
        "application/json",
        "application/application/jwt",
        "",
        " jwt",
        "jwt\0",
    ] {
        refused(
            &verifier(),
            keys::rsa().token_with_header(&json!({ "typ": typ }), &claims()),
            Code::Type,
            typ,
        );
    }
    for typ in [json!(1), json!(["JWT"]), json!({}), json!(true)] {
        refused(
            &verifier(),
            keys::rsa().token_with_header(&json!({ "typ": typ }), &claims()),
            Code::Malformed,
            &typ.to_string(),
        );
    }
}

#[test]
fn r19_the_rfc9068_policy_demands_type_and_claims() {
    let verifier = build(builder(jwks(&[keys::rsa()])).typ(TypePolicy::Rfc9068));
    let token = |typ: Value, changes: Value| {
        keys::rsa().token_with_header(&json!({ "typ": typ }), &claims_with(&changes))
    };
    accepted(&verifier, token(json!("at+jwt"), json!({})), "at+jwt");
    accepted(&verifier, token(json!("application/AT+JWT"), json!({})), "long form");
    for typ in [json!("JWT"), Value::Null] {
        refused(&verifier, token(typ.clone(), json!({})), Code::Type, &typ.to_string());
    }
    for claim in ["client_id", "iat", "jti"] {
        refused(&verifier, token(json!("at+jwt"), json!({ claim: null })), Code::Claim, claim);
    }
    refused(&verifier, token(json!("at+jwt"), json!({ "jti": 5 })), Code::Claim, "jti a number");
}

#[test]
fn r20_a_key_offered_by_the_token_is_never_used() {
    let offers = [
        json!({ "jwk": keys::rsa_next().jwk() }),
        json!({ "x5c": ["MIIB"], "x5t": "x" }),
        json!({ "jku": "http://169.254.169.254/latest/meta-data/" }),
        json!({ "x5u": "https://evil.example/cert" }),
    ];
    for offer in &offers {
        let mut header = offer.clone();
        header["kid"] = json!(keys::rsa().kid);
        refused(
            &verifier(),
            keys::rsa_next().token_with_header(&header, &claims()),
            Code::Signature,
            &offer.to_string(),
        );
        accepted(
            &verifier(),
            keys::rsa().token_with_header(offer, &claims()),
            "a good token with an offer nobody takes",
        );
    }
}

#[test]
fn r21_the_key_id_is_a_string_of_bounded_length() {
    let kid = |kid: Value| keys::rsa().token_with_header(&json!({ "kid": kid }), &claims());
    refused(&verifier(), kid(json!("k".repeat(10_000))), Code::TooLarge, "10 KB");
    for value in [json!(1), json!(true), json!(["x"]), json!({})] {
        refused(&verifier(), kid(value.clone()), Code::Malformed, &value.to_string());
    }
    let header = r#"{"alg":"RS256","kid":null}"#;
    refused(
        &verifier(),
        keys::rsa().token_of(header, claims().to_string()),
        Code::Malformed,
        "null",
    );
}

#[test]
fn r22_hostile_key_ids_are_unknown_and_never_repeated_raw() {
    for kid in [
        "../../etc/passwd",
        "x\r\nSet-Cookie: a=b",
        "' OR 1=1 --",
        "ключ",
        "a\0b",
        "{{7*7}}",
        "%s%n",
        "http://127.0.0.1/",
        "",
    ] {
        let error = refused(
            &verifier(),
            keys::rsa().token_with_header(&json!({ "kid": kid }), &claims()),
            Code::UnknownKey,
            kid,
        );
        let text = format!("{error}");
        assert!(text.is_ascii() && !text.contains(['\r', '\n', '\0']), "{text:?}");
    }
}

#[test]
fn r23_key_ids_compare_exactly() {
    for kid in [
        keys::rsa().kid.to_uppercase(),
        format!("{} ", keys::rsa().kid),
        format!("{}\0", keys::rsa().kid),
        keys::rsa().kid[1..].to_owned(),
    ] {
        refused(
            &verifier(),
            keys::rsa().token_with_header(&json!({ "kid": kid }), &claims()),
            Code::UnknownKey,
            &kid,
        );
    }
}

#[test]
fn r24_without_a_key_id_exactly_one_key_must_do() {
    let nameless = keys::rsa().token_with_header(&json!({ "kid": null }), &claims());
    accepted(&verifier(), &nameless, "one key");
    let mixed = build(builder(jwks(&[keys::rsa(), keys::es256()])).algorithms(["RS256", "ES256"]));
    accepted(&mixed, &nameless, "one key of the algorithm");
    let two = build(builder(jwks(&[keys::rsa(), keys::rsa_next()])));
    refused(&two, &nameless, Code::UnknownKey, "two keys");
}
