//! Rows 45 to 52: key admission, each JWK judged alone.

use authkit::{Code, Verifier};
use aws_lc_rs::rsa::KeySize;
use serde_json::{Value, json};

use crate::support::keys::Signer;
use crate::support::{accepted, build, builder, claims, encode, jwks, keys, refused};

const ALL: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// The signer's JWK with members replaced, or by `null` removed.
fn changed(signer: &Signer, changes: &Value) -> Value {
    let mut jwk = signer.jwk();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            jwk.as_object_mut().unwrap().remove(name);
        } else {
            jwk[name] = value.clone();
        }
    }
    jwk
}

/// Whether a set of this one key is refused, and a set with a good neighbour works without it.
#[track_caller]
fn dropped(jwk: &str, what: &str) {
    let alone = builder(format!("{{\"keys\":[{jwk}]}}")).algorithms(ALL).build().unwrap();
    let error = Verifier::new(alone).expect_err(what);
    assert_eq!(error.code(), Code::Config, "{what}");
    assert!(error.reason().is_ascii() && error.reason().len() < 300, "{what}: {error}");
    let beside = format!("{{\"keys\":[{jwk},{}]}}", keys::rsa_next().jwk());
    accepted(&build(builder(beside).algorithms(ALL)), keys::rsa_next().token(&claims()), what);
}

#[track_caller]
fn admitted(signer: &Signer, jwk: &Value, what: &str) {
    let verifier = build(builder(json!({ "keys": [jwk] }).to_string()).algorithms(ALL));
    accepted(&verifier, signer.token(&claims()), what);
}

#[test]
fn r45_one_bad_entry_spoils_no_other() {
    let rsa = keys::rsa();
    let entries = [
        ("null", "null".to_owned()),
        ("number", "5".to_owned()),
        ("string", "\"key\"".to_owned()),
        ("array", "[]".to_owned()),
        ("empty object", "{}".to_owned()),
        ("numeric kid", changed(rsa, &json!({ "kid": 5 })).to_string()),
        ("unknown kty", changed(rsa, &json!({ "kty": "LWE" })).to_string()),
        ("kty with a space", changed(rsa, &json!({ "kty": "RSA " })).to_string()),
        ("numeric kty", changed(rsa, &json!({ "kty": 1 })).to_string()),
        ("bad base64", changed(rsa, &json!({ "n": "!!!!" })).to_string()),
        ("padded base64", changed(rsa, &json!({ "e": "AQAB==" })).to_string()),
        ("numeric n", changed(rsa, &json!({ "n": 5 })).to_string()),
        ("missing n", changed(rsa, &json!({ "n": null })).to_string()),
        ("missing e", changed(rsa, &json!({ "e": null })).to_string()),
        ("empty n", changed(rsa, &json!({ "n": "" })).to_string()),
        ("numeric alg", changed(rsa, &json!({ "alg": 256 })).to_string()),
        ("n twice", rsa.jwk().to_string().replacen('{', "{\"n\":\"AQAB\",", 1)),
    ];
    for (what, entry) in entries {
        dropped(&entry, what);
    }
    let harmless = [
        json!({ "x5c": [] }),
        json!({ "x5c": "text" }),
        json!({ "x5t#S256": "" }),
        json!({ "extra": { "a": [1] } }),
        json!({ "use": null }),
        json!({ "ext": true }),
    ];
    for extra in harmless {
        admitted(rsa, &changed(rsa, &extra), &extra.to_string());
    }
}

#[test]
fn r46_secrets_in_a_public_set_are_dropped() {
    dropped(
        &json!({ "kty": "oct", "kid": "o", "k": encode(b"secret secret secret secret secr") })
            .to_string(),
        "oct",
    );
    for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        dropped(&changed(keys::rsa(), &json!({ secret: "AQAB" })).to_string(), secret);
    }
    dropped(&changed(keys::es256(), &json!({ "d": "AQAB" })).to_string(), "EC private");
    dropped(&changed(keys::ed25519(), &json!({ "d": "AQAB" })).to_string(), "OKP private");
}

#[test]
fn r47_rsa_numbers_are_sound_and_of_a_safe_size() {
    let rsa = |n: Vec<u8>, e: Vec<u8>| {
        json!({ "kty": "RSA", "alg": "RS256", "kid": "k", "n": encode(n), "e": encode(e) })
            .to_string()
    };
    let ones = |octets: usize| vec![0xff; octets];
    let f4 = || vec![1, 0, 1];
    let good = crate::support::decode(keys::rsa().parameters()["n"].as_str().unwrap());
    let mut even = good.clone();
    *even.last_mut().unwrap() &= 0xfe;
    let mut power = vec![0; 257];
    power[0] = 1;
    let cases = [
        ("512 bits", ones(64), f4()),
        ("1024 bits", ones(128), f4()),
        ("2047 bits", [vec![0x7f], ones(255)].concat(), f4()),
        ("8193 bits", [vec![0x01], ones(1024)].concat(), f4()),
        ("65536 bits", ones(8192), f4()),
        ("even modulus", even, f4()),
        ("a power of two", power, f4()),
        ("leading zero", [vec![0], good.clone()].concat(), f4()),
        ("e = 1", good.clone(), vec![1]),
        ("e = 2", good.clone(), vec![2]),
        ("e = 3", good.clone(), vec![3]),
        ("e = 65535", good.clone(), vec![0xff, 0xff]),
        ("e = 65536", good.clone(), vec![1, 0, 0]),
        ("e = 65538", good.clone(), vec![1, 0, 2]),
        ("e with a leading zero", good.clone(), vec![0, 1, 0, 1]),
        ("e of 64 bits", good.clone(), ones(8)),
        ("e of 4096 bits", good.clone(), ones(512)),
        ("e empty", good, vec![]),
    ];
    for (what, n, e) in cases {
        dropped(&rsa(n, e), what);
    }
    let large = Signer::rsa("large", "RS256", KeySize::Rsa3072);
    admitted(&large, &large.jwk(), "3072 bits");
}

#[test]
fn r48_curve_points_are_on_their_curve_and_of_its_width() {
    for signer in [keys::es256(), keys::es384()] {
        let jwk = signer.jwk();
        let x = crate::support::decode(jwk["x"].as_str().unwrap());
        let y = crate::support::decode(jwk["y"].as_str().unwrap());
        let mut off = y.clone();
        *off.last_mut().unwrap() ^= 1;
        let cases = [
            ("off the curve", json!({ "y": encode(off) })),
            ("x and y swapped", json!({ "x": jwk["y"], "y": jwk["x"] })),
            ("the origin", json!({ "x": encode(vec![0; x.len()]), "y": encode(vec![0; y.len()]) })),
            ("x too short", json!({ "x": encode(&x[1..]) })),
            ("x too long", json!({ "x": encode([&[0], &x[..]].concat()) })),
            ("y missing", json!({ "y": null })),
            ("crv missing", json!({ "crv": null })),
            ("crv in lower case", json!({ "crv": jwk["crv"].as_str().unwrap().to_lowercase() })),
            ("crv secp256k1", json!({ "crv": "secp256k1" })),
            (
                "crv of another width",
                json!({ "crv": if signer.alg == "ES256" { "P-384" } else { "P-256" } }),
            ),
        ];
        for (what, changes) in cases {
            dropped(&changed(signer, &changes).to_string(), what);
        }
    }
    let okp = keys::ed25519();
    let x = crate::support::decode(okp.jwk()["x"].as_str().unwrap());
    let cases = [
        ("31 octets", json!({ "x": encode(&x[..31]) })),
        ("33 octets", json!({ "x": encode([&x[..], &[0]].concat()) })),
        ("crv missing", json!({ "crv": null })),
        ("X25519", json!({ "crv": "X25519" })),
        ("a curve of EC", json!({ "crv": "P-256" })),
    ];
    for (what, changes) in cases {
        dropped(&changed(okp, &changes).to_string(), what);
    }
    dropped(
        &changed(keys::es256(), &json!({ "crv": "Ed25519" })).to_string(),
        "EC with a curve of OKP",
    );
}

#[test]
fn r49_a_key_for_something_else_is_dropped() {
    let cases = [
        json!({ "use": "enc" }),
        json!({ "use": "" }),
        json!({ "use": "SIG" }),
        json!({ "use": ["sig"] }),
        json!({ "key_ops": [] }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "key_ops": ["sign"] }),
        json!({ "key_ops": ["verify", "verify"] }),
        json!({ "key_ops": "verify" }),
        json!({ "key_ops": ["verify", 1] }),
        json!({ "alg": "RSA-OAEP" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "none" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "rs256" }),
        json!({ "alg": "" }),
    ];
    for changes in cases {
        dropped(&changed(keys::rsa(), &changes).to_string(), &changes.to_string());
    }
    dropped(
        &changed(keys::es256(), &json!({ "alg": "ES384" })).to_string(),
        "alg of another curve",
    );
    dropped(
        &changed(keys::ed25519(), &json!({ "alg": "RS256" })).to_string(),
        "alg of another type",
    );
    admitted(
        keys::rsa(),
        &changed(keys::rsa(), &json!({ "key_ops": ["sign", "verify"] })),
        "verify among others",
    );
    let narrow =
        builder(json!({ "keys": [changed(keys::rsa(), &json!({ "alg": "RS512" }))] }).to_string())
            .build()
            .unwrap();
    assert_eq!(
        Verifier::new(narrow).unwrap_err().code(),
        Code::Config,
        "alg not in the allow-list"
    );
}

#[test]
fn r50_a_key_without_alg_is_for_one_algorithm() {
    for signer in [keys::rsa(), keys::es256(), keys::es384(), keys::ed25519()] {
        admitted(signer, &changed(signer, &json!({ "alg": null })), signer.alg);
    }
    let nameless = json!({ "keys": [changed(keys::rsa(), &json!({ "alg": null }))] }).to_string();
    let sign = |alg: &str| {
        let header = json!({ "alg": alg, "kid": keys::rsa().kid });
        let input = format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
        format!("{input}.{}", encode(keys::rsa().sign(alg, input.as_bytes())))
    };
    let several = build(builder(nameless.clone()).algorithms(["RS256", "RS512", "PS256"]));
    accepted(&several, sign("RS256"), "RS256");
    refused(&several, sign("RS512"), Code::Algorithm, "RS512");
    refused(&several, sign("PS256"), Code::Algorithm, "PS256");
    // Where one RSA algorithm alone is allowed, there is no choice to make.
    let only = build(builder(nameless).algorithms(["PS256", "ES256"]));
    accepted(&only, sign("PS256"), "PS256");
}

#[test]
fn r51_one_key_id_on_several_keys() {
    let rename = |signer: &Signer| changed(signer, &json!({ "kid": "shared" }));
    let named = |signer: &Signer| signer.token_with_header(&json!({ "kid": "shared" }), &claims());
    let mixed = build(
        builder(json!({ "keys": [rename(keys::rsa()), rename(keys::es256())] }).to_string())
            .algorithms(ALL),
    );
    accepted(&mixed, named(keys::rsa()), "by algorithm");
    accepted(&mixed, named(keys::es256()), "by algorithm");
    let twins = build(builder(
        json!({ "keys": [rename(keys::rsa()), rename(keys::rsa_next())] }).to_string(),
    ));
    accepted(&twins, named(keys::rsa()), "the first");
    accepted(&twins, named(keys::rsa_next()), "the second");
    let crowd: Vec<Value> =
        std::iter::repeat_n(rename(keys::rsa()), 4).chain([rename(keys::rsa_next())]).collect();
    let crowd = build(builder(json!({ "keys": crowd }).to_string()));
    refused(&crowd, named(keys::rsa_next()), Code::Signature, "the fifth is not tried");
}

#[test]
fn r52_a_document_without_a_usable_key_is_refused_and_the_last_good_one_kept() {
    let good = jwks(&[keys::rsa()]);
    let key = keys::rsa().jwk().to_string();
    let many = format!("{{\"keys\":[{}]}}", vec!["{}"; 100].join(",") + "," + &key);
    let fat = format!("{{\"keys\":[{key}],\"pad\":\"{}\"}}", "x".repeat(256 * 1024));
    let documents = [
        ("empty", String::new()),
        ("HTML", "<!DOCTYPE html><html></html>".to_owned()),
        ("truncated", good[..good.len() - 2].to_owned()),
        ("{}", "{}".to_owned()),
        ("null", "null".to_owned()),
        ("array", format!("[{key}]")),
        ("array of arrays", format!("[[{key}]]")),
        ("string", json!(good).to_string()),
        ("bare key", key.clone()),
        ("no keys", "{\"keys\":[]}".to_owned()),
        ("keys an object", format!("{{\"keys\":{key}}}")),
        ("keys twice", format!("{{\"keys\":[],\"keys\":[{key}]}}")),
        ("nested set", format!("{{\"jwks\":{good}}}")),
        ("BOM", format!("\u{feff}{good}")),
        ("NUL after it", format!("{good}\0")),
        ("trailing comma", format!("{{\"keys\":[{key},]}}")),
        ("single quotes", good.replace('"', "'")),
        ("over 100 keys", many),
        ("over 256 KiB", fat),
        ("hostile nesting", format!("{{\"keys\":{}", "[".repeat(200_000))),
    ];
    let verifier = build(builder(good));
    for (what, document) in documents {
        let error = verifier.set_jwks(None, &document).expect_err(what);
        assert!(error.reason().len() < 300, "{what}: {error}");
        accepted(&verifier, keys::rsa().token(&claims()), what);
    }
    let unusable = format!("{{\"keys\":[{}]}}", [r#"{"kty":"oct"}"#; 9].join(","));
    let error = verifier.set_jwks(None, &unusable).unwrap_err();
    let told = "none of the 9 keys of the JWKS is usable: entry 0: a shared secret is published; entry 1: ";
    assert!(error.reason().contains(told) && error.reason().len() < 300, "{error}");
    let hundred = format!("{{\"keys\":[{}{key}]}}", "{},".repeat(99));
    verifier.set_jwks(None, &hundred).unwrap();
    accepted(&verifier, keys::rsa().token(&claims()), "a hundred keys");
}
