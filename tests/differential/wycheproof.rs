//! Wycheproof's vectors for every algorithm we verify, against the signature check alone.

use authkit::conformance::verify_raw;
use serde_json::{Value, json};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

use crate::support::encode;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// Big-endian octets without the sign octet that hexadecimal numbers are written with.
fn number(hex: &Value) -> String {
    let padded = unhex(&format!(
        "{:0>width$}",
        hex.as_str().unwrap(),
        width = hex.as_str().unwrap().len().next_multiple_of(2)
    ));
    let start = padded.iter().position(|octet| *octet != 0).unwrap_or(0);
    encode(&padded[start..])
}

fn jwk(group: &Value) -> Value {
    let key = &group["publicKey"];
    if key.get("modulus").is_some() {
        return json!({ "kty": "RSA", "n": number(&key["modulus"]), "e": number(&key["publicExponent"]) });
    }
    if let Some(jwk) = group.get("publicKeyJwk") {
        let mut jwk = jwk.clone();
        // Named or not, the key is asked for by its curve.
        jwk.as_object_mut().unwrap().remove("kid");
        return jwk;
    }
    let (curve, width) = if key["curve"] == "secp256r1" { ("P-256", 32) } else { ("P-384", 48) };
    let coordinate = |name: &str| encode(fixed_width(key[name].as_str().unwrap(), width));
    json!({ "kty": "EC", "crv": curve, "x": coordinate("wx"), "y": coordinate("wy") })
}

fn fixed_width(hex: &str, octets: usize) -> Vec<u8> {
    let digits = hex.trim_start_matches('0');
    unhex(&format!("{digits:0>width$}", width = 2 * octets))
}

/// Judges a whole set; answers how many vectors were valid and how many were not.
fn check(algorithm: &str, document: &str) -> (usize, usize) {
    let set: Value = serde_json::from_str(document).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set["testGroups"].as_array().unwrap() {
        let jwks = json!({ "keys": [jwk(group)] }).to_string();
        for test in group["tests"].as_array().unwrap() {
            let message = unhex(test["msg"].as_str().unwrap());
            let signature = unhex(test["sig"].as_str().unwrap());
            let accepted = verify_raw(&jwks, algorithm, &message, &signature).is_ok();
            let what = format!("{algorithm} tcId {}: {}", test["tcId"], test["comment"]);
            match test["result"].as_str().unwrap() {
                "valid" => {
                    assert!(accepted, "{what}");
                    valid += 1;
                }
                "invalid" => {
                    assert!(!accepted, "{what}");
                    invalid += 1;
                }
                // "acceptable": a matter of policy; neither answer is wrong.
                _ => {}
            }
        }
    }
    (valid, invalid)
}

#[track_caller]
fn check_all(sets: &[(&str, &str)]) {
    for (algorithm, document) in sets {
        let (valid, invalid) = check(algorithm, document);
        assert!(valid > 0 && invalid > 0, "{algorithm}: {valid} valid, {invalid} invalid");
    }
}

#[test]
fn ecdsa_vectors() {
    check_all(&[
        ("ES256", ecdsa::TestName::EcdsaSecp256r1Sha256P1363.json_data()),
        ("ES384", ecdsa::TestName::EcdsaSecp384r1Sha384P1363.json_data()),
    ]);
}

#[test]
fn eddsa_vectors() {
    check_all(&[("EdDSA", eddsa::TestName::Ed25519.json_data())]);
}

#[test]
fn rsa_pkcs1_vectors() {
    check_all(&[
        ("RS256", pkcs1::TestName::Rsa2048Sha256.json_data()),
        ("RS384", pkcs1::TestName::Rsa2048Sha384.json_data()),
        ("RS512", pkcs1::TestName::Rsa2048Sha512.json_data()),
        ("RS256", pkcs1::TestName::Rsa3072Sha256.json_data()),
        ("RS256", pkcs1::TestName::Rsa4096Sha256.json_data()),
        ("RS256", pkcs1::TestName::Rsa8192Sha256.json_data()),
    ]);
}

#[test]
fn rsa_pss_vectors_with_the_salt_that_jose_fixes() {
    check_all(&[
        ("PS256", pss::TestName::RsaPss2048Sha256Mgf1SaltLen32.json_data()),
        ("PS384", pss::TestName::RsaPss2048Sha384Mgf1SaltLen48.json_data()),
        ("PS512", pss::TestName::RsaPss4096Sha512Mgf1SaltLen64.json_data()),
    ]);
    // Another salt length than the hash's is no JOSE signature (RFC 7518 §3.5).
    for document in [
        pss::TestName::RsaPss2048Sha256Mgf1SaltLen0.json_data(),
        pss::TestName::RsaPss2048Sha256Mgf1Sha1_20.json_data(),
    ] {
        let set: Value = serde_json::from_str(document).unwrap();
        for group in set["testGroups"].as_array().unwrap() {
            let jwks = json!({ "keys": [jwk(group)] }).to_string();
            let tests = group["tests"].as_array().unwrap();
            for test in tests.iter().filter(|test| test["result"] == "valid") {
                let signature = unhex(test["sig"].as_str().unwrap());
                assert!(
                    verify_raw(&jwks, "PS256", &unhex(test["msg"].as_str().unwrap()), &signature)
                        .is_err(),
                    "tcId {}",
                    test["tcId"]
                );
            }
        }
    }
}
