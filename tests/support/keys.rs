//! Test keys, made once per process, and tokens signed with them.

use std::sync::LazyLock;

use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding};
use serde_json::{Value, json};

use super::encode;

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A private key with the name it is published under.
pub struct Signer {
    pub kid: &'static str,
    pub alg: &'static str,
    pair: Pair,
}

static RSA: LazyLock<Signer> =
    LazyLock::new(|| Signer::rsa("sso_oidc_key_pair_main", "RS256", KeySize::Rsa2048));
static RSA_NEXT: LazyLock<Signer> =
    LazyLock::new(|| Signer::rsa("sso_oidc_key_pair_next", "RS256", KeySize::Rsa2048));
static ES256: LazyLock<Signer> = LazyLock::new(|| Signer::ec("es256", "ES256"));
static ES384: LazyLock<Signer> = LazyLock::new(|| Signer::ec("es384", "ES384"));
static ED25519: LazyLock<Signer> = LazyLock::new(Signer::ed);

pub fn rsa() -> &'static Signer {
    &RSA
}

pub fn rsa_next() -> &'static Signer {
    &RSA_NEXT
}

pub fn es256() -> &'static Signer {
    &ES256
}

pub fn es384() -> &'static Signer {
    &ES384
}

pub fn ed25519() -> &'static Signer {
    &ED25519
}

impl Signer {
    pub fn rsa(kid: &'static str, alg: &'static str, size: KeySize) -> Self {
        Self { kid, alg, pair: Pair::Rsa(RsaKeyPair::generate(size).unwrap()) }
    }

    pub fn ec(kid: &'static str, alg: &'static str) -> Self {
        let parameters = if alg == "ES256" {
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING
        } else {
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING
        };
        Self { kid, alg, pair: Pair::Ec(EcdsaKeyPair::generate(parameters).unwrap()) }
    }

    fn ed() -> Self {
        Self { kid: "ed25519", alg: "EdDSA", pair: Pair::Ed(Ed25519KeyPair::generate().unwrap()) }
    }

    /// The public key as AuthKit publishes its own.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.parameters();
        for (name, value) in [("kid", self.kid), ("alg", self.alg), ("use", "sig")] {
            jwk[name] = json!(value);
        }
        jwk
    }

    /// The public key's own members: `kty` and its numbers.
    pub fn parameters(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                let number = |octets: &[u8]| encode(octets);
                json!({ "kty": "RSA", "n": number(key.modulus().big_endian_without_leading_zero()),
                        "e": number(key.exponent().big_endian_without_leading_zero()) })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                let curve = if self.alg == "ES256" { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        }
    }

    /// The header AuthKit sends: algorithm and key id, no type.
    pub fn header(&self) -> Value {
        json!({ "alg": self.alg, "kid": self.kid })
    }

    /// A token over these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_of(self.header().to_string(), claims.to_string())
    }

    /// A token with members added to the header, or by `null` removed.
    pub fn token_with_header(&self, changes: &Value, claims: &Value) -> String {
        let mut header = self.header();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                header.as_object_mut().unwrap().remove(name);
            } else {
                header[name] = value.clone();
            }
        }
        self.token_of(header.to_string(), claims.to_string())
    }

    /// A token over exactly these octets.
    pub fn token_of(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_input(format!("{}.{}", encode(header), encode(payload)))
    }

    /// A token over a signing input as it stands.
    pub fn sign_input(&self, input: String) -> String {
        let signature = encode(self.sign(self.alg, input.as_bytes()));
        format!("{input}.{signature}")
    }

    /// A signature of the given algorithm; RSA keys can make all of theirs.
    pub fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match alg {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => panic!("{alg} is not for RSA"),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The private key in PKCS #8, for other libraries to sign with.
    pub fn pkcs8(&self) -> Vec<u8> {
        use aws_lc_rs::encoding::AsDer;
        match &self.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der>::as_der(pair).unwrap().as_ref().to_vec(),
            _ => panic!("only RSA is asked for"),
        }
    }

    /// The public key as a SubjectPublicKeyInfo in DER.
    pub fn spki(&self) -> Vec<u8> {
        use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
        match &self.pair {
            Pair::Rsa(pair) => {
                AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref().to_vec()
            }
            _ => panic!("only RSA is asked for"),
        }
    }
}
