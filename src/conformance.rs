//! Signature checks alone, for published test vectors whose payloads are no claims.
//!
//! Behind a feature that the libraries are built without: it is no way around the claims.

use crate::algorithm::Algorithm;
use crate::config::TypePolicy;
use crate::error::{Code, Error, Result};
use crate::jwks::keyset::KeySet;
use crate::token::base64url;
use crate::token::compact::{Compact, malformed};
use crate::token::header::Header;

/// Whether a token's signature is by a key of the set; its payload may be any octets.
///
/// # Errors
/// As a verifier's for form, header, key and signature.
pub fn verify_jws(jwks: &str, token: &[u8], algorithms: &[&str]) -> Result<()> {
    let allowed: Vec<Algorithm> =
        algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect();
    let parts = Compact::split(token)?;
    let header = Header::parse(parts.header, &allowed, TypePolicy::Any)?;
    base64url::decode(parts.payload).ok_or_else(|| malformed("the payload is not base64url"))?;
    let signature = base64url::decode(parts.signature)
        .ok_or_else(|| malformed("the signature is not base64url"))?;
    check(jwks, header.key_id.as_deref(), header.algorithm, parts.signing_input, &signature)
}

/// Whether a signature over a message is by a key of the set.
///
/// # Errors
/// [`Code::Algorithm`], [`Code::UnknownKey`] or [`Code::Signature`].
pub fn verify_raw(jwks: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<()> {
    let algorithm = Algorithm::from_name(algorithm)
        .ok_or_else(|| Error::new(Code::Algorithm, "not supported"))?;
    check(jwks, None, algorithm, message, signature)
}

fn check(
    jwks: &str,
    key_id: Option<&str>,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<()> {
    let keys = KeySet::parse(jwks.as_bytes(), &[algorithm])
        .map_err(|reason| Error::new(Code::KeysUnavailable, reason))?;
    let candidates = keys.candidates(key_id, algorithm);
    let mut candidates =
        candidates.map_err(|_| Error::new(Code::UnknownKey, "no key of the set fits"))?;
    if candidates.any(|key| key.public.verifies(message, signature)) {
        return Ok(());
    }
    Err(Error::new(Code::Signature, "the signature does not fit"))
}
