//! Claims: who an accepted token speaks for, and what it allows.
//!
//! Texts are borrowed from the claims, UTF-8 and NUL-terminated, valid until authkit_claims_free().
//! None reads shorter than it was signed: a token whose claims, their names or the strings in their
//! lists hold a U+0000 is refused (AUTHKIT_CLAIM).

use std::ffi::c_char;

use once_cell::race::OnceBox;

use super::handle::Handle;
use super::identity::Identity;
use super::outcome::{borrowed, free, measured, plain, scalar};
use super::status::authkit_status;
use super::text::{self, Text};
use super::values::Members;
use crate::Claims;
use crate::lane::Gap;
use crate::token::facts::whole_seconds;

/// What an accepted token says. Immutable, independent of the verifier that made it. The caller's,
/// freed with authkit_claims_free().
pub struct authkit_claims {
    pub(super) claims: Claims,
    // C's copies are made on first demand, each at most once. Race-once, not lock-once: any number of
    // threads may read at once, and a fork cannot leave a lock behind.
    json: OnceBox<Text>,
    header_json: OnceBox<Text>,
    names: OnceBox<Names>,
    members: OnceBox<Members>,
    identity: OnceBox<Identity>,
    record: OnceBox<Text>,
    // What is written for one call is on no cache line that another thread writes to.
    _gap: Gap,
}

/// C's copies of the claims that have getters of their own.
struct Names {
    issuer: Text,
    subject: Text,
    resource: Option<Text>,
    client_id: Text,
    key_id: Option<Text>,
    algorithm: Text,
    scopes: Vec<Text>,
    audience: Vec<Text>,
}

impl Names {
    fn of(claims: &Claims) -> Self {
        Self {
            issuer: Text::new(claims.issuer()),
            subject: Text::new(claims.subject()),
            resource: claims.resource().map(Text::new),
            client_id: Text::new(&claims.client_id()),
            key_id: claims.key_id().map(Text::new),
            algorithm: Text::new(claims.algorithm()),
            scopes: claims.granted().map(Text::new).collect(),
            audience: claims.audience().iter().map(|audience| Text::new(audience)).collect(),
        }
    }
}

impl authkit_claims {
    pub(super) fn new(claims: Claims) -> Self {
        let (json, header_json) = (OnceBox::new(), OnceBox::new());
        let (names, members, identity) = (OnceBox::new(), OnceBox::new(), OnceBox::new());
        let (record, _gap) = (OnceBox::new(), Gap::new());
        Self { claims, json, header_json, names, members, identity, record, _gap }
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| Box::new(Names::of(&self.claims)))
    }

    pub(super) fn identity(&self) -> &Identity {
        self.identity.get_or_init(|| Box::new(Identity::of(&self.claims)))
    }

    pub(super) fn record(&self) -> &Text {
        self.record.get_or_init(|| Box::new(Text::of(self.claims.record())))
    }

    pub(super) fn members(&self) -> &Members {
        self.members.get_or_init(|| Box::new(Members::of(&self.claims)))
    }
}

impl Handle for authkit_claims {
    const NAME: &'static str = "claims";
}

/// The claims as they were signed: one JSON object, byte for byte the token's payload.
///
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns borrowed text; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_json(
    claims: *const authkit_claims,
    nullable_out_len: *mut usize,
) -> *const c_char {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let claims = unsafe { authkit_claims::lend(claims) }?;
        Ok(Some(claims.json.get_or_init(|| Box::new(Text::new(claims.claims.json())))))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// The token's header as it was signed: one JSON object.
///
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns borrowed text; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_header_json(
    claims: *const authkit_claims,
    nullable_out_len: *mut usize,
) -> *const c_char {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let claims = unsafe { authkit_claims::lend(claims) }?;
        Ok(Some(
            claims.header_json.get_or_init(|| Box::new(Text::new(claims.claims.header_json()))),
        ))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// `iss`: who issued the token; one of the configured issuers.
///
/// Returns borrowed text; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_issuer(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(Some(&unsafe { authkit_claims::lend(claims) }?.names().issuer)))
}

/// `sub`: the user, or for a machine's token the client. Never empty. Unique within the issuer only.
///
/// Returns borrowed text; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_subject(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(Some(&unsafe { authkit_claims::lend(claims) }?.names().subject)))
}

/// The configured audience that the token's `aud` matched: as a rule the resource.
///
/// Returns borrowed text; NULL if the issuer's audience is not checked or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_resource(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.names().resource.as_ref()))
}

/// The client that the token was issued to: `client_id`, else `azp`, else `sub`.
///
/// Returns borrowed text; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_client_id(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(Some(&unsafe { authkit_claims::lend(claims) }?.names().client_id)))
}

/// `kid` of the header: the id of the key that signed the token.
///
/// Returns borrowed text; NULL if the token names no key or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_key_id(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.names().key_id.as_ref()))
}

/// `alg` of the header: the algorithm of the signature, such as "RS256".
///
/// Returns borrowed text; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_algorithm(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(Some(&unsafe { authkit_claims::lend(claims) }?.names().algorithm)))
}

/// `exp`: when the token ends, in seconds since 1970-01-01T00:00:00Z, a fraction dropped. It was
/// accepted up to `leeway` seconds later.
///
/// `out` receives the time, 0 on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_claims_expires_at(
    claims: *const authkit_claims,
    out: *mut i64,
) -> authkit_status {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body =
        || Ok(Some(whole_seconds(unsafe { authkit_claims::lend(claims) }?.claims.expires_at())));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { scalar(out, body) }
}

/// `iat`: when the token was issued, in seconds since 1970-01-01T00:00:00Z, a fraction dropped.
///
/// `out` receives the time, 0 on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL; AUTHKIT_ABSENT if the token does not
/// say. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_claims_issued_at(
    claims: *const authkit_claims,
    out: *mut i64,
) -> authkit_status {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body =
        || Ok(unsafe { authkit_claims::lend(claims) }?.claims.issued_at().map(whole_seconds));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { scalar(out, body) }
}

/// `nbf`: when the token begins to hold, in seconds since 1970-01-01T00:00:00Z, a fraction dropped.
///
/// `out` receives the time, 0 on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL; AUTHKIT_ABSENT if the token does not
/// say. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_claims_not_before(
    claims: *const authkit_claims,
    out: *mut i64,
) -> authkit_status {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body =
        || Ok(unsafe { authkit_claims::lend(claims) }?.claims.not_before().map(whole_seconds));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { scalar(out, body) }
}

/// How many scopes the token carries.
///
/// Returns 0 if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_scope_count(claims: *const authkit_claims) -> usize {
    // SAFETY: NULL or a live handle, by the header's contract.
    plain(0, || Ok(unsafe { authkit_claims::lend(claims) }?.claims.granted().count()))
}

/// One of the token's scopes, in the token's order; `index` counts from 0.
///
/// Returns borrowed text; NULL if `index` is not below authkit_claims_scope_count(). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_scope_at(
    claims: *const authkit_claims,
    index: usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.names().scopes.get(index)))
}

/// Whether the token names a scope. Compared exactly; scope_hierarchy is not applied here (a policy
/// with authkit_policy_require_scope() applies it).
///
/// `scope` is one scope.
///
/// Returns false also if an argument is NULL or `scope` is not UTF-8. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_has_scope(
    claims: *const authkit_claims,
    scope: *const c_char,
) -> bool {
    plain(false, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let claims = unsafe { authkit_claims::lend(claims) }?;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        Ok(claims.claims.has_scope(unsafe { text::argument(scope, "scope") }?))
    })
}

/// How many audiences the token names: 1 for a single `aud`.
///
/// Returns 0 if it names none or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_audience_count(claims: *const authkit_claims) -> usize {
    // SAFETY: NULL or a live handle, by the header's contract.
    plain(0, || Ok(unsafe { authkit_claims::lend(claims) }?.names().audience.len()))
}

/// One of the token's audiences, in the token's order; `index` counts from 0. Which of them is
/// meant here is authkit_claims_resource().
///
/// Returns borrowed text; NULL if `index` is not below authkit_claims_audience_count(). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_audience_at(
    claims: *const authkit_claims,
    index: usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.names().audience.get(index)))
}

/// Frees claims and the texts borrowed from them. NULL is allowed and does nothing.
///
/// No other thread may be using `claims`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_free(claims: *mut authkit_claims) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(claims) }
}

// A handle is read by many threads at once: C is promised it, so the compiler must agree.
const fn shared<T: Send + Sync>() {}
const _: () = {
    shared::<authkit_claims>();
    shared::<super::verifier::authkit_verifier>();
    shared::<super::config::authkit_config>();
    shared::<super::policy::authkit_policy>();
    shared::<super::error::authkit_error>();
};
