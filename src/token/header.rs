//! The JOSE header: what it may say, and what it may not make us do.

use crate::algorithm::Algorithm;
use crate::config::TypePolicy;
use crate::error::{Code, Error, Result, quoted};

use super::compact::malformed;
use super::json::{Document, Kept, Value};

/// Longest key id that is looked up, in bytes.
const MAX_KEY_ID_LENGTH: usize = 4096;
/// What a type may be prefixed with.
const MEDIA_TYPE: &str = "application/";

/// A header that passed: an allowed algorithm, no extension, an access token's type.
///
/// `jku`, `x5u`, `jwk` and `x5c` are not even read: a token does not choose its key (CVE-2018-0114).
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    key_id: Option<Kept>,
}

/// The members that decide, found in one pass.
#[derive(Default)]
struct Named<'d> {
    crit: Option<Value<'d>>,
    b64: Option<Value<'d>>,
    zip: Option<Value<'d>>,
    alg: Option<Value<'d>>,
    typ: Option<Value<'d>>,
    kid: Option<Value<'d>>,
}

impl<'d> Named<'d> {
    fn of(header: &'d Document) -> Self {
        let mut named = Self::default();
        header.visit_members(|name, value| {
            let place = match name {
                b"alg" => &mut named.alg,
                b"kid" => &mut named.kid,
                b"typ" => &mut named.typ,
                b"crit" => &mut named.crit,
                b"b64" => &mut named.b64,
                b"zip" => &mut named.zip,
                _ => return,
            };
            *place = Some(value);
        });
        named
    }
}

impl Header {
    pub(crate) fn of(object: &Document, allowed: &[Algorithm], types: TypePolicy) -> Result<Self> {
        let named = Named::of(object);
        refuse_extensions(&named)?;
        let algorithm = allowed_algorithm(named.alg, allowed)?;
        check_type(named.typ, types)?;
        let key_id = key_id(named.kid)?;
        Ok(Self { algorithm, key_id })
    }

    /// The id of the key that signed, as the header names it; the document is the header's, or that after.
    pub(crate) fn key_id<'d>(&'d self, document: &'d Document) -> Option<&'d str> {
        Some(document.kept(self.key_id.as_ref()?))
    }
}

/// `crit` demands what this library does not do, whatever it lists (RFC 7515 §4.1.11); `b64` and
/// `zip` change what the payload's octets mean (RFC 7797; RFC 7516 §4.1.3).
fn refuse_extensions(header: &Named<'_>) -> Result<()> {
    if header.crit.is_some() {
        return Err(Error::new(
            Code::CriticalHeader,
            "the header has crit, and no critical extension is supported",
        ));
    }
    if header.b64.is_some_and(|b64| b64.as_bool() != Some(true)) {
        return Err(malformed("the header says that the payload is not base64url (b64)"));
    }
    if header.zip.is_some() {
        return Err(malformed("the header says that the payload is compressed (zip)"));
    }
    Ok(())
}

fn allowed_algorithm(alg: Option<Value<'_>>, allowed: &[Algorithm]) -> Result<Algorithm> {
    let refused = |reason: String| Error::new(Code::Algorithm, reason);
    let Some(value) = alg else {
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
fn check_type(typ: Option<Value<'_>>, types: TypePolicy) -> Result<()> {
    let Some(value) = typ else {
        return match types {
            TypePolicy::Any => Ok(()),
            TypePolicy::Rfc9068 => Err(Error::new(
                Code::Type,
                "the header has no typ, and at+jwt is demanded (RFC 9068)",
            )
            .with_hint("AuthKit's tokens have none: leave the setting typ out")),
        };
    };
    let name = value.as_str().ok_or_else(|| malformed("the header's typ is not a string"))?;
    // Media types compare without case, and may come without their prefix (RFC 7515 §4.1.9).
    let subtype = match name.split_at_checked(MEDIA_TYPE.len()) {
        Some((prefix, subtype)) if prefix.eq_ignore_ascii_case(MEDIA_TYPE) => subtype,
        _ => &name,
    };
    let is_jwt = || types == TypePolicy::Any && subtype.eq_ignore_ascii_case("jwt");
    if subtype.eq_ignore_ascii_case("at+jwt") || is_jwt() {
        Ok(())
    } else {
        Err(Error::new(
            Code::Type,
            format!("the token is of type {}, not an access token", quoted(&name)),
        )
        .with_hint("send the access token; no setting of this server needs to change"))
    }
}

fn key_id(kid: Option<Value<'_>>) -> Result<Option<Kept>> {
    let Some(value) = kid else { return Ok(None) };
    let key_id = value.as_str().ok_or_else(|| malformed("the header's kid is not a string"))?;
    if key_id.len() > MAX_KEY_ID_LENGTH {
        return Err(Error::new(
            Code::TooLarge,
            format!("the header's kid is {} bytes long", key_id.len()),
        ));
    }
    Ok(value.keep())
}
