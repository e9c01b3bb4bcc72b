//! Identity: what AuthKit says of the caller beyond the registered claims.
//!
//! The lists `roles`, `permissions`, `entitlements` and `feature_flags` are read by these names with
//! authkit_claims_list_count() and authkit_claims_list_at(). Texts are borrowed from the claims, as above.

use std::ffi::c_char;

use super::claims::authkit_claims;
use super::handle::Handle;
use super::outcome::{borrowed, measured, plain};
use super::text::Text;
use crate::{Claims, TokenFamily, TokenKind};

/// Who a token speaks for.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum authkit_kind {
    /// Neither of the two for certain: grant it what both may have.
    AUTHKIT_KIND_UNKNOWN = 0,
    /// A user: `sub` begins with `user_` and is not the client.
    AUTHKIT_KIND_USER = 1,
    /// A machine on its own behalf: `sub` is the client, and nothing speaks of a user or a session.
    AUTHKIT_KIND_MACHINE = 2,
}

/// Which of AuthKit's two families of access tokens a token is of.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum authkit_family {
    /// Asked of NULL.
    AUTHKIT_FAMILY_UNKNOWN = 0,
    /// AuthKit Connect, as MCP clients and machines get them.
    AUTHKIT_FAMILY_CONNECT = 1,
    /// An AuthKit session, as the web application gets them that signed the user in.
    AUTHKIT_FAMILY_SESSION = 2,
}

/// C's copies, made on first demand.
pub(super) struct Identity {
    json: Text,
    org_id: Option<Text>,
    session_id: Option<Text>,
    role: Option<Text>,
    actors: Vec<Text>,
}

impl Identity {
    pub(super) fn of(claims: &Claims) -> Self {
        Self {
            json: Text::new(&claims.identity_json()),
            org_id: claims.org_id().map(|text| Text::new(&text)),
            session_id: claims.session_id().map(|text| Text::new(&text)),
            role: claims.role().map(|text| Text::new(&text)),
            actors: claims.actors().iter().map(|text| Text::new(text)).collect(),
        }
    }
}

/// All that this section tells as one JSON object, for bindings that copy it out: org_id, session_id,
/// role, actor (text or null), actors, roles, permissions, entitlements, feature_flags (lists of strings),
/// is_impersonated, is_machine, kind ("user", "machine" or "unknown"), family ("connect" or "session").
/// Later releases may add members.
///
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns borrowed text; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_identity_json(
    claims: *const authkit_claims,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body = || Ok(Some(&unsafe { authkit_claims::lend(claims) }?.identity().json));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// `org_id`: the organization that the user signed in to.
///
/// Returns borrowed text; NULL if the token names none or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_org_id(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.identity().org_id.as_ref()))
}

/// `sid`: the session that the token belongs to; a machine's has none.
///
/// Returns borrowed text; NULL if the token names none or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_session_id(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.identity().session_id.as_ref()))
}

/// `role`: the user's role in the organization.
///
/// Returns borrowed text; NULL if the token names none or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_role(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.identity().role.as_ref()))
}

/// `act.sub`: who acts for the subject now (RFC 8693 section 4.1), the first of the chain. If
/// authkit_claims_is_impersonated(), it is a person who impersonates the user. Otherwise it is an application
/// or agent to which the subject delegated its rights.
///
/// Returns borrowed text; NULL if the token names no actor or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_actor(claims: *const authkit_claims) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.identity().actors.first()))
}

/// How many actors the token names, 0 to 8. Of a longer chain only the outermost 8 count.
///
/// Returns 0 if it names none or `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_actor_count(claims: *const authkit_claims) -> usize {
    // SAFETY: NULL or a live handle, by the header's contract.
    plain(0, || Ok(unsafe { authkit_claims::lend(claims) }?.identity().actors.len()))
}

/// One of the chain of actors, outermost first; `index` counts from 0. The first acts now; the others
/// acted before it, and are only for the record (RFC 8693 section 4.1). An actor without a `sub` that is
/// a string ends the list.
///
/// Returns borrowed text; NULL if `index` is not below authkit_claims_actor_count(). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_actor_at(
    claims: *const authkit_claims,
    index: usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_claims::lend(claims) }?.identity().actors.get(index)))
}

/// Whether a person acts as the user: a *session* token has an `act` that is not null, even one that names
/// nobody. False if a `sub_profile`, of the token or the `act`, says that the actor is an agent. Any other
/// `act` is a delegation.
///
/// Returns true also if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_is_impersonated(claims: *const authkit_claims) -> bool {
    // SAFETY: NULL or a live handle, by the header's contract.
    plain(true, || Ok(unsafe { authkit_claims::lend(claims) }?.claims.is_impersonated()))
}

/// Who the token speaks for. A user's: `sub` begins with `user_` and is not the client. A machine's:
/// `sub` is the client (`client_id`, else `azp`; where the token has neither, `sub` begins with
/// `client_`), does not begin with `user_`, and there is neither `sid` nor `act`.
///
/// Returns AUTHKIT_KIND_UNKNOWN for everything else, and if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_kind(claims: *const authkit_claims) -> authkit_kind {
    plain(authkit_kind::AUTHKIT_KIND_UNKNOWN, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        Ok(match unsafe { authkit_claims::lend(claims) }?.claims.kind() {
            TokenKind::User => authkit_kind::AUTHKIT_KIND_USER,
            TokenKind::Machine => authkit_kind::AUTHKIT_KIND_MACHINE,
            TokenKind::Unknown => authkit_kind::AUTHKIT_KIND_UNKNOWN,
        })
    })
}

/// Which family the token is of: by the configured issuer that vouched for it, never by what the token
/// says of itself.
///
/// Returns AUTHKIT_FAMILY_UNKNOWN only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_family(claims: *const authkit_claims) -> authkit_family {
    plain(authkit_family::AUTHKIT_FAMILY_UNKNOWN, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        Ok(match unsafe { authkit_claims::lend(claims) }?.claims.family() {
            TokenFamily::Connect => authkit_family::AUTHKIT_FAMILY_CONNECT,
            TokenFamily::Session => authkit_family::AUTHKIT_FAMILY_SESSION,
        })
    })
}
