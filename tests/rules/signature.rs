//! Rows 25 to 29: the signature.

use authkit::{Code, Config, IssuerSettings};
use serde_json::json;

use crate::support::keys::Signer;
use crate::support::{
    ISSUER, NOW, RESOURCE, accepted, build, builder, claims, claims_with, decode, encode, jwks,
    keys, refused, verifier,
};

/// The token with its signature replaced.
fn with_signature(token: &str, signature: &[u8]) -> String {
    format!("{}.{}", &token[..token.rfind('.').unwrap()], encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    decode(&token[token.rfind('.').unwrap() + 1..])
}

/// Big-endian addition, one octet longer if need be.
fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut sum, mut carry) = (Vec::new(), 0u16);
    for index in 0..a.len().max(b.len()) {
        let octet = |number: &[u8]| {
            number.len().checked_sub(index + 1).map_or(0, |at| u16::from(number[at]))
        };
        carry += octet(a) + octet(b);
        sum.push((carry & 0xff) as u8);
        carry >>= 8;
    }
    if carry > 0 {
        sum.push(carry as u8);
    }
    sum.reverse();
    sum
}

fn algorithms_verifier(signer: &Signer) -> authkit::Verifier {
    build(builder(jwks(&[signer])).algorithms([signer.alg]))
}

#[test]
fn r25_any_change_to_the_signature_is_refused() {
    for signer in [keys::rsa(), keys::es256(), keys::es384(), keys::ed25519()] {
        let verifier = algorithms_verifier(signer);
        let token = signer.token(&claims());
        let signature = signature_of(&token);
        accepted(&verifier, &token, signer.alg);
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(
                &verifier,
                with_signature(&token, &flipped),
                Code::Signature,
                &format!("{} bit {bit}", signer.alg),
            );
        }
        let shapes = [
            ("empty", Vec::new()),
            ("one octet", vec![1]),
            ("truncated", signature[..signature.len() - 1].to_vec()),
            ("half", signature[..signature.len() / 2].to_vec()),
            ("extended", [&signature[..], &[0]].concat()),
            ("with a zero in front", [&[0], &signature[..]].concat()),
            ("doubled", signature.repeat(2)),
            ("zeros", vec![0; signature.len()]),
            ("ones", vec![0xff; signature.len()]),
        ];
        for (what, changed) in shapes {
            refused(
                &verifier,
                with_signature(&token, &changed),
                Code::Signature,
                &format!("{} {what}", signer.alg),
            );
        }
        let other = signer.token(&claims_with(&json!({ "sub": "user_other" })));
        refused(
            &verifier,
            with_signature(&token, &signature_of(&other)),
            Code::Signature,
            "another token's signature",
        );
    }
}

#[test]
fn r25_any_change_to_what_is_signed_is_refused() {
    let token = keys::rsa().token(&claims());
    let payload = claims_with(&json!({ "sub": "user_admin" })).to_string();
    let parts: Vec<&str> = token.split('.').collect();
    refused(
        &verifier(),
        format!("{}.{}.{}", parts[0], encode(payload), parts[2]),
        Code::Signature,
        "payload",
    );
    let header = json!({ "alg": "RS256", "kid": keys::rsa().kid, "x": 1 }).to_string();
    refused(
        &verifier(),
        format!("{}.{}.{}", encode(header), parts[1], parts[2]),
        Code::Signature,
        "header",
    );
    refused(
        &verifier(),
        keys::rsa_next().token_with_header(&json!({ "kid": keys::rsa().kid }), &claims()),
        Code::Signature,
        "another key",
    );
}

#[test]
fn r26_an_rsa_signature_is_one_number_below_the_modulus_of_its_length() {
    let token = keys::rsa().token(&claims());
    let signature = signature_of(&token);
    let modulus = decode(keys::rsa().parameters()["n"].as_str().unwrap());
    let cases = [
        ("the modulus", modulus.clone()),
        ("signature plus modulus", add(&signature, &modulus)),
        ("a leading zero", [&[0], &signature[..]].concat()),
        ("without its last octet", signature[..255].to_vec()),
    ];
    for (what, changed) in cases {
        refused(&verifier(), with_signature(&token, &changed), Code::Signature, what);
    }
}

#[test]
fn r27_ecdsa_numbers_are_in_range_and_fixed_width() {
    const N256: &str = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
    let n = decode(N256);
    let signer = keys::es256();
    let verifier = algorithms_verifier(signer);
    let token = signer.token(&claims());
    let good = signature_of(&token);
    let (r, s) = good.split_at(32);
    let zero = [0; 32];
    let mut one = [0; 32];
    one[31] = 1;
    let integer = |number: &[u8]| {
        let sign = if number[0] > 0x7f { vec![0] } else { vec![] };
        [vec![0x02, (number.len() + sign.len()) as u8], sign, number.to_vec()].concat()
    };
    let body = [integer(r), integer(s)].concat();
    let der = [vec![0x30, body.len() as u8], body].concat();
    let cases = [
        ("r and s zero (CVE-2022-21449)", [zero, zero].concat()),
        ("r zero", [&zero[..], s].concat()),
        ("s zero", [r, &zero[..]].concat()),
        ("r = s = 1", [one, one].concat()),
        ("r = n", [&n[..], s].concat()),
        ("s = n", [r, &n[..]].concat()),
        ("r and s = n", [&n[..], &n[..]].concat()),
        ("DER", der),
        ("63 octets", good[..63].to_vec()),
        ("65 octets", [&[0], &good[..]].concat()),
        ("s before r", [s, r].concat()),
    ];
    for (what, changed) in cases {
        refused(&verifier, with_signature(&token, &changed), Code::Signature, what);
    }
}

#[test]
fn r28_ed25519_signatures_have_one_length_and_one_s() {
    // The group order L, little-endian.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let signer = keys::ed25519();
    let verifier = algorithms_verifier(signer);
    let token = signer.token(&claims());
    let good = signature_of(&token);
    let reversed = |octets: &[u8]| octets.iter().rev().copied().collect::<Vec<_>>();
    let s_plus_l = reversed(&add(&reversed(&good[32..]), &reversed(&L)));
    refused(
        &verifier,
        with_signature(&token, &[&good[..32], &s_plus_l].concat()),
        Code::Signature,
        "S + L (RFC 8032 5.1.7)",
    );
    for length in [0, 32, 63] {
        refused(
            &verifier,
            with_signature(&token, &good[..length]),
            Code::Signature,
            &length.to_string(),
        );
    }
    refused(&verifier, with_signature(&token, &[&good[..], &[0]].concat()), Code::Signature, "65");
}

#[test]
fn r28_an_ed25519_key_of_small_order_is_not_admitted() {
    let point = |text: &str| {
        (0..32)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect::<Vec<u8>>()
    };
    let zeros = "00".repeat(31);
    let middle = "ff".repeat(30);
    let low = [
        format!("00{zeros}"),
        format!("01{zeros}"),
        format!("{}80", &format!("00{zeros}")[..62]),
        format!("{}80", &format!("01{zeros}")[..62]),
        format!("ec{middle}7f"),
        format!("ed{middle}7f"),
        format!("ee{middle}7f"),
        format!("ec{middle}ff"),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa".to_owned(),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85".to_owned(),
    ];
    for text in &low {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "low", "x": encode(point(text)) });
        let config =
            builder(json!({ "keys": [jwk] }).to_string()).algorithms(["EdDSA"]).build().unwrap();
        assert_eq!(authkit::Verifier::new(config).unwrap_err().code(), Code::Config, "{text}");
    }
}

#[test]
fn r29_a_key_verifies_its_own_issuers_tokens_only() {
    const OTHER: &str = "https://other.authkit.app";
    // Both publish a key under the same id.
    let mut theirs = keys::rsa_next().jwk();
    theirs["kid"] = json!(keys::rsa().kid);
    let settings = |jwk: serde_json::Value| IssuerSettings {
        jwks: Some(json!({ "keys": [jwk] }).to_string()),
        ..Default::default()
    };
    let verifier = build(
        Config::builder()
            .issuer(ISSUER, settings(keys::rsa().jwk()))
            .issuer(OTHER, settings(theirs))
            .resource(RESOURCE)
            .now(NOW),
    );
    let from = |issuer: &str| claims_with(&json!({ "iss": issuer }));
    let by_next = |issuer: &str| {
        keys::rsa_next().token_with_header(&json!({ "kid": keys::rsa().kid }), &from(issuer))
    };
    accepted(&verifier, keys::rsa().token(&from(ISSUER)), "ours by ours");
    accepted(&verifier, by_next(OTHER), "theirs by theirs");
    refused(&verifier, keys::rsa().token(&from(OTHER)), Code::Signature, "theirs by ours");
    refused(&verifier, by_next(ISSUER), Code::Signature, "ours by theirs");
}
