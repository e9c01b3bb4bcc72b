//! Whether one JWK is admitted as a verification key, each judged alone (RFC 7517 §4, §5).

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::algorithm::Algorithm;
use crate::token::base64url;
use crate::token::json::Document;
use crate::token::signature::{PublicKey, Unusable};

/// Members that only a private or a shared key has (RFC 7518 §6.3.2, §6.2.2, §6.4.1). Who finds
/// one in a public set must take the key for compromised.
const SECRET_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key that may verify tokens, for one algorithm only.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) public: PublicKey,
    /// Tells key material apart where two keys have one id; not for security.
    material: u64,
}

impl Key {
    /// Whether the other is this very key, under the same id.
    pub(crate) fn is(&self, other: &Key) -> bool {
        (&self.id, self.algorithm, self.material) == (&other.id, other.algorithm, other.material)
    }
}

/// Judges one JWK, given as its JSON text.
pub(crate) fn admit(jwk: &str, allowed: &[Algorithm]) -> Result<Key, Unusable> {
    let jwk = Document::parse(jwk.as_bytes().to_vec())?;
    let id = optional_string(&jwk, "kid")?.map(Cow::into_owned);
    check_purpose(&jwk)?;
    let algorithm = algorithm(&jwk, allowed)?;
    if SECRET_MEMBERS.iter().any(|name| jwk.get(name).is_some()) {
        return Err("private or shared key material is published");
    }
    let (public, parameters) = match required_string(&jwk, "kty")?.as_ref() {
        "RSA" => {
            let (n, e) = (octets(&jwk, "n")?, octets(&jwk, "e")?);
            (PublicKey::rsa(algorithm, &n, &e), [n, e])
        }
        "EC" => {
            let (x, y) = (octets(&jwk, "x")?, octets(&jwk, "y")?);
            (PublicKey::elliptic(algorithm, &x, &y), [x, y])
        }
        _ => {
            let x = octets(&jwk, "x")?;
            (PublicKey::ed25519(&x), [x, Vec::new()])
        }
    };
    let mut material = DefaultHasher::new();
    parameters.hash(&mut material);
    Ok(Key { id, algorithm, public: public?, material: material.finish() })
}

/// `use` and `key_ops` must allow verifying where they are there at all (RFC 7517 §4.2, §4.3).
fn check_purpose(jwk: &Document) -> Result<(), Unusable> {
    if optional_string(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err("use is not sig");
    }
    let Some(operations) = jwk.get("key_ops") else { return Ok(()) };
    let operations: Option<Vec<_>> =
        operations.items().and_then(|items| items.map(|item| item.as_str()).collect());
    let mut operations = operations.ok_or("key_ops is not a list of strings")?;
    if !operations.iter().any(|operation| operation == "verify") {
        return Err("key_ops does not hold verify");
    }
    operations.sort_unstable();
    if operations.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err("key_ops repeats an operation");
    }
    Ok(())
}

/// The one algorithm the key is for (RFC 8725 §3.1): what it says, or what its type implies.
fn algorithm(jwk: &Document, allowed: &[Algorithm]) -> Result<Algorithm, Unusable> {
    let implied = match required_string(jwk, "kty")?.as_ref() {
        "RSA" => None,
        "EC" | "OKP" => Some(match required_string(jwk, "crv")?.as_ref() {
            "P-256" => Algorithm::Es256,
            "P-384" => Algorithm::Es384,
            "Ed25519" => Algorithm::EdDsa,
            _ => return Err("the curve is not supported"),
        }),
        "oct" => return Err("a shared secret is published"),
        _ => return Err("the key type is not supported"),
    };
    let is_okp = jwk.get("kty").is_some_and(|kty| kty.is_string("OKP"));
    if implied.is_some_and(|algorithm| (algorithm == Algorithm::EdDsa) != is_okp) {
        return Err("the curve is not of the key's type");
    }
    let named = match optional_string(jwk, "alg")? {
        Some(name) => Some(Algorithm::from_name(&name).ok_or("alg is not supported")?),
        None => None,
    };
    let algorithm = match (named, implied) {
        (Some(named), Some(implied)) if named != implied => {
            return Err("alg does not fit the curve");
        }
        (Some(named), None) if !named.is_rsa() => return Err("alg does not fit an RSA key"),
        (Some(named), _) => named,
        (None, Some(implied)) => implied,
        (None, None) => rsa_default(allowed),
    };
    if allowed.contains(&algorithm) { Ok(algorithm) } else { Err("alg is not allowed here") }
}

/// What an RSA key without `alg` is for: the one RSA algorithm that is allowed, else RS256. Never
/// several, so that no token chooses.
fn rsa_default(allowed: &[Algorithm]) -> Algorithm {
    let mut candidates = allowed.iter().copied().filter(|algorithm| algorithm.is_rsa());
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => only,
        _ => Algorithm::Rs256,
    }
}

fn optional_string<'d>(jwk: &'d Document, name: &str) -> Result<Option<Cow<'d, str>>, Unusable> {
    match jwk.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or("kid, use or alg is not a string"),
    }
}

fn required_string<'d>(jwk: &'d Document, name: &str) -> Result<Cow<'d, str>, Unusable> {
    jwk.get(name).and_then(|value| value.as_str()).ok_or("kty or crv is missing or not a string")
}

fn octets(jwk: &Document, name: &str) -> Result<Vec<u8>, Unusable> {
    let text = jwk
        .get(name)
        .and_then(|value| value.as_str())
        .ok_or("a key parameter is missing or not a string")?;
    base64url::decode(text.as_bytes()).ok_or("a key parameter is not base64url")
}
