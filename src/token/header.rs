//! The JOSE header: what it may say, and what it may not make us do.

use crate::algorithm::Algorithm;
use crate::config::TypePolicy;
use crate::error::{Code, Error, Result, quoted};

use super::compact::{malformed, object};
use super::json::{Document, Value};

/// Longest key id that is looked up, in bytes.
const MAX_KEY_ID_LENGTH: usize = 4096;

/// A header that passed: an allowed algorithm, no extension, an access token's type.
///
/// `jku`, `x5u`, `jwk` and `x5c` are not even read: a token does not choose its key (CVE-2018-0114).
#[derive(Debug)]
pub(crate) struct Header {
    document: Document,
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
}

impl Header {
    pub(crate) fn parse(encoded: &[u8], allowed: &[Algorithm], types: TypePolicy) -> Result<Self> {
        let document = object(encoded, "header")?;
        refuse_extensions(&document)?;
        let algorithm = allowed_algorithm(&document, allowed)?;
        check_type(&document, types)?;
        let key_id = key_id(&document)?;
        Ok(Self { document, algorithm, key_id })
    }

    pub(crate) fn into_document(self) -> Document {
        self.document
    }
}

/// `crit` demands what this library does not do, whatever it lists (RFC 7515 §4.1.11); `b64` and
/// `zip` change what the payload's octets mean (RFC 7797; RFC 7516 §4.1.3).
fn refuse_extensions(header: &Document) -> Result<()> {
    if header.get("crit").is_some() {
        return Err(Error::new(
            Code::CriticalHeader,
            "the header has crit, and no critical extension is supported",
        ));
    }
    if header.get("b64").is_some_and(|b64| b64.as_bool() != Some(true)) {
        return Err(malformed("the header says that the payload is not base64url (b64)"));
    }
    if header.get("zip").is_some() {
        return Err(malformed("the header says that the payload is compressed (zip)"));
    }
    Ok(())
}

fn allowed_algorithm(header: &Document, allowed: &[Algorithm]) -> Result<Algorithm> {
    let refused = |reason: String| Error::new(Code::Algorithm, reason);
    let Some(value) = header.get("alg") else {
        return Err(refused("the header names no algorithm".to_owned()));
    };
    let Some(name) = value.as_str() else {
        return Err(refused("the header's alg is not a string".to_owned()));
    };
    match Algorithm::from_name(&name) {
        Some(algorithm) if allowed.contains(&algorithm) => Ok(algorithm),
        Some(algorithm) => Err(refused(format!(
            "the token is signed with {}, which is not allowed here",
            algorithm.name()
        ))
        .with_hint(format!(
            "add {} to algorithms if the issuer really signs with it",
            algorithm.name()
        ))),
        None => Err(refused(format!("the token's algorithm {} is never accepted", quoted(&name)))),
    }
}

/// A token that says it is another kind of thing is one (RFC 8725 §3.11).
fn check_type(header: &Document, types: TypePolicy) -> Result<()> {
    let Some(value) = header.get("typ") else {
        return match types {
            TypePolicy::Any => Ok(()),
            TypePolicy::Rfc9068 => Err(Error::new(
                Code::Type,
                "the header has no typ, and at+jwt is demanded (RFC 9068)",
            )),
        };
    };
    let name = value.as_str().ok_or_else(|| malformed("the header's typ is not a string"))?;
    // Media types compare without case, and may come without their prefix (RFC 7515 §4.1.9).
    let lower = name.to_ascii_lowercase();
    let fits = match lower.strip_prefix("application/").unwrap_or(&lower) {
        "at+jwt" => true,
        "jwt" => types == TypePolicy::Any,
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Error::new(
            Code::Type,
            format!("the token is of type {}, not an access token", quoted(&name)),
        ))
    }
}

fn key_id(header: &Document) -> Result<Option<String>> {
    let Some(value) = header.get("kid") else { return Ok(None) };
    let key_id = value.as_str().ok_or_else(|| malformed("the header's kid is not a string"))?;
    if key_id.len() > MAX_KEY_ID_LENGTH {
        return Err(Error::new(
            Code::TooLarge,
            format!("the header's kid is {} bytes long", key_id.len()),
        ));
    }
    Ok(Some(key_id.into_owned()))
}

/// A string member, for the claims' view of the header.
pub(crate) fn string_member<'d>(
    header: &'d Document,
    name: &str,
) -> Option<std::borrow::Cow<'d, str>> {
    header.get(name).and_then(Value::as_str)
}
