//! Responses: what a resource server answers, whole, for a web framework to send as it is.
//!
//! Ask authkit_verifier_well_known() first: it answers what clients read before they have a token. Every
//! other request goes to authkit_verifier_authorize(): on AUTHKIT_OK serve it, else send the response.

use std::ffi::c_char;

use super::claims::authkit_claims;
use super::error::authkit_error;
use super::handle::Handle;
use super::log::authkit_log_line;
use super::outcome::{borrowed, finish, free, measured, plain, produce};
use super::policy::{authkit_policy, by_policy};
use super::status::authkit_status;
use super::text::{self, Text};
use super::verifier::authkit_verifier;
use crate::error::{Code, Error, Result};
use crate::{Decision, Policy, Request, Response, Verifier};

/// An HTTP response as data: status, headers, body; with the claims where a request may go on.
/// Immutable, independent of the verifier that made it, but for authkit_response_take_claims(). The
/// caller's, freed with authkit_response_free().
pub struct authkit_response {
    status: i32,
    headers: Vec<(Text, Text)>,
    body: Text,
    claims: Option<authkit_claims>,
    refusal: Option<Error>,
    error: Option<authkit_error>,
    pub(super) log_line: Option<authkit_log_line>,
}

impl Handle for authkit_response {
    const NAME: &'static str = "response";
}

impl From<&Response> for authkit_response {
    fn from(response: &Response) -> Self {
        let headers = response.headers().iter();
        Self {
            status: i32::from(response.status()),
            headers: headers.map(|(name, value)| (Text::new(name), Text::new(value))).collect(),
            body: Text::new(response.body()),
            claims: None,
            refusal: response.error().cloned(),
            error: response.error().map(authkit_error::from),
            log_line: None,
        }
    }
}

impl From<Decision> for authkit_response {
    fn from(decision: Decision) -> Self {
        let response = Self::from(decision.response());
        let log_line = decision.log_line().map(authkit_log_line::from);
        Self { log_line, claims: decision.into_claims().map(authkit_claims::new), ..response }
    }
}

/// Decides whether a request may go on, by its Authorization header and its query, and says what to answer
/// where it may not: 400, 401, 403 with WWW-Authenticate (RFC 6750, RFC 9728), 500, or 429 or 503
/// with Retry-After. May wait as authkit_verifier_verify() does.
///
/// - No header, an empty one, another scheme than Bearer: 401 that names no error.
/// - `access_token` in the query; two tokens or two headers; no token after Bearer, one longer than 16
///   KiB, or an octet that no token has: 400 invalid_request.
/// - Otherwise the token decides, as by authkit_verifier_verify().
///
/// `nullable_authorization` is the header's value of `authorization_len` bytes, raw; NULL if the
/// request has none. Several such headers are passed joined by commas, and are refused.
/// `nullable_query` is the query of the request's target, `query_len` bytes, still encoded; NULL for none.
/// `nullable_policy` adds demands of this call, and a challenge names all scopes; NULL adds none.
/// `out_response` receives a response that the caller owns, on refusals too; NULL after AUTHKIT_MISUSE and
/// AUTHKIT_INTERNAL, for which a server answers 500.
///
/// Returns AUTHKIT_OK if and only if the request may go on; AUTHKIT_MISUSE if `verifier` or `out_response`
/// is NULL or a length is impossible; AUTHKIT_NO_CREDENTIALS, AUTHKIT_INVALID_REQUEST, or what
/// authkit_verifier_verify() returns. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_authorize(
    verifier: *const authkit_verifier,
    nullable_authorization: *const c_char,
    authorization_len: usize,
    nullable_query: *const c_char,
    query_len: usize,
    nullable_policy: *const authkit_policy,
    out_response: *mut *mut authkit_response,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    // SAFETY: this function's contract is that one's.
    let body = || unsafe {
        decide(
            Verifier::authorize,
            verifier,
            (nullable_authorization, authorization_len),
            (nullable_query, query_len),
            nullable_policy,
        )
        .map(authkit_response::from)
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { answer(out_response, nullable_out_error, body) }
}

/// As authkit_verifier_authorize(), without network and without waiting: where keys must be fetched first
/// it returns AUTHKIT_WOULD_BLOCK, with a 503 for hosts that do not want to wait either.
///
/// Parameters and other results are those of authkit_verifier_authorize(). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_try_authorize(
    verifier: *const authkit_verifier,
    nullable_authorization: *const c_char,
    authorization_len: usize,
    nullable_query: *const c_char,
    query_len: usize,
    nullable_policy: *const authkit_policy,
    out_response: *mut *mut authkit_response,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    // SAFETY: this function's contract is that one's.
    let body = || unsafe {
        decide(
            Verifier::try_authorize,
            verifier,
            (nullable_authorization, authorization_len),
            (nullable_query, query_len),
            nullable_policy,
        )
        .map(authkit_response::from)
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { answer(out_response, nullable_out_error, body) }
}

/// Answers a request for one of this server's well-known documents, open to browsers of any origin:
///
/// - /.well-known/oauth-protected-resource, with and without the resource's path behind it (RFC 9728);
/// - /.well-known/oauth-authorization-server and /.well-known/openid-configuration, likewise, for clients
///   that ask here for the authorization server's metadata (RFC 8414): fetched from the first issuer whose
///   tokens are for this resource, kept like keys, 503 in an outage. May wait as authkit_verifier_verify()
///   does. Not where `jwks` is given, as then nothing is fetched.
///
/// What stands in them is the configuration's: neither a proxy nor a mount changes it.
///
/// `method` is the request's method: GET and HEAD are served, OPTIONS is a preflight, others get 405.
/// `path` is the path of the request's target, `path_len` raw bytes; a query after it is passed
/// over.
/// `out_response` receives a response that the caller owns, and sends whatever is returned; NULL where the
/// path is not one of these.
///
/// Returns AUTHKIT_OK; AUTHKIT_ABSENT if the path is none of these; AUTHKIT_KEYS_UNAVAILABLE with a 503;
/// AUTHKIT_MISUSE if an argument is NULL or `method` is not UTF-8. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_well_known(
    verifier: *const authkit_verifier,
    method: *const c_char,
    path: *const c_char,
    path_len: usize,
    out_response: *mut *mut authkit_response,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    // SAFETY: this function's contract is that one's.
    let body = || unsafe { well_known(Verifier::well_known, verifier, method, (path, path_len)) };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { answer(out_response, nullable_out_error, body) }
}

/// As authkit_verifier_well_known(), without waiting: AUTHKIT_WOULD_BLOCK, with a 503, where the
/// authorization server must be asked first.
///
/// Parameters and other results are those of authkit_verifier_well_known(). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_try_well_known(
    verifier: *const authkit_verifier,
    method: *const c_char,
    path: *const c_char,
    path_len: usize,
    out_response: *mut *mut authkit_response,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    // SAFETY: this function's contract is that one's.
    let body =
        || unsafe { well_known(Verifier::try_well_known, verifier, method, (path, path_len)) };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { answer(out_response, nullable_out_error, body) }
}

/// The protected resource metadata (RFC 9728): the JSON document that authkit_verifier_well_known()
/// serves.
///
/// `nullable_out_len` receives the length, 0 with NULL.
///
/// Returns text borrowed from `verifier`; NULL if no resource is configured or `verifier` is NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_resource_metadata(
    verifier: *const authkit_verifier,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body = || Ok(unsafe { authkit_verifier::lend(verifier) }?.metadata.as_ref());
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// Where clients find the protected resource metadata: the `resource_metadata` of challenges.
///
/// Returns text borrowed from `verifier`; NULL if no resource is configured or `verifier` is NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_resource_metadata_url(
    verifier: *const authkit_verifier,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_verifier::lend(verifier) }?.metadata_url.as_ref()))
}

/// The HTTP status. 200 from authkit_verifier_authorize() means that the request may go on.
///
/// Returns 500 if `response` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_status(response: *const authkit_response) -> i32 {
    // SAFETY: NULL or a live handle, by the header's contract.
    plain(500, || Ok(unsafe { authkit_response::lend(response) }?.status))
}

/// How many headers there are.
///
/// Returns 0 if `response` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_header_count(response: *const authkit_response) -> usize {
    // SAFETY: NULL or a live handle, by the header's contract.
    plain(0, || Ok(unsafe { authkit_response::lend(response) }?.headers.len()))
}

/// A header's name, in lower case. Each name comes once.
///
/// Returns text borrowed from `response`; NULL if `index` is not below authkit_response_header_count()
/// or `response` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_header_name_at(
    response: *const authkit_response,
    index: usize,
) -> *const c_char {
    borrowed(|| {
        // SAFETY: NULL or a live handle, by the header's contract.
        let headers = &unsafe { authkit_response::lend(response) }?.headers;
        Ok(headers.get(index).map(|(name, _)| name))
    })
}

/// A header's value: printable ASCII without line breaks, whatever the request held.
///
/// Returns text borrowed from `response`; NULL if `index` is not below authkit_response_header_count()
/// or `response` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_header_value_at(
    response: *const authkit_response,
    index: usize,
) -> *const c_char {
    borrowed(|| {
        // SAFETY: NULL or a live handle, by the header's contract.
        let headers = &unsafe { authkit_response::lend(response) }?.headers;
        Ok(headers.get(index).map(|(_, value)| value))
    })
}

/// The body: JSON, or empty. Its length is for the server to state.
///
/// `nullable_out_len` receives the length, 0 with NULL.
///
/// Returns text borrowed from `response`; NULL if `response` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_body(
    response: *const authkit_response,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body = || Ok(Some(&unsafe { authkit_response::lend(response) }?.body));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// What the accepted token says.
///
/// Returns claims borrowed from `response`, not to be freed; NULL where the request may not go on, after
/// authkit_response_take_claims(), or if `response` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_claims(
    response: *const authkit_response,
) -> *const authkit_claims {
    plain(std::ptr::null(), || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let response = unsafe { authkit_response::lend(response) }?;
        Ok(response.claims.as_ref().map_or(std::ptr::null(), std::ptr::from_ref))
    })
}

/// Takes what the accepted token says out of the response, to keep it longer.
///
/// Returns claims that the caller owns; NULL where authkit_response_claims() gives none. Nothing that was
/// borrowed from the claims before stays valid. One thread at a time per response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_take_claims(
    response: *mut authkit_response,
) -> *mut authkit_claims {
    plain(std::ptr::null_mut(), || {
        // SAFETY: NULL or a live handle that no other call uses, by the header's contract.
        let response = unsafe { authkit_response::lend_mut(response) }?;
        Ok(response.claims.take().map_or(std::ptr::null_mut(), Handle::hand_out))
    })
}

/// Why this is a refusal, for the server's log: it says more than the body tells the client.
///
/// Returns an error borrowed from `response`, not to be freed; NULL where nothing was refused or `response`
/// is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_error(
    response: *const authkit_response,
) -> *const authkit_error {
    plain(std::ptr::null(), || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let response = unsafe { authkit_response::lend(response) }?;
        Ok(response.error.as_ref().map_or(std::ptr::null(), std::ptr::from_ref))
    })
}

/// Frees a response and all that was borrowed from it. NULL is allowed and does nothing.
///
/// No other thread may be using `response`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_free(response: *mut authkit_response) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(response) }
}

/// Hands a response out, and returns the status of what it refuses.
///
/// # Safety
/// `out_response` and `out_error` are each NULL or writable.
unsafe fn answer(
    out_response: *mut *mut authkit_response,
    out_error: *mut *mut authkit_error,
    body: impl FnOnce() -> Result<authkit_response>,
) -> authkit_status {
    let mut refusal = None;
    let noted = || {
        let response = body()?;
        refusal.clone_from(&response.refusal);
        Ok(response)
    };
    // SAFETY: by this function's contract.
    match unsafe { produce(out_response, out_error, noted) } {
        // SAFETY: by this function's contract.
        authkit_status::AUTHKIT_OK => unsafe { finish(out_error, || refusal.map_or(Ok(()), Err)) },
        failed => failed,
    }
}

/// One decision, by `authorize` or `try_authorize`.
///
/// # Safety
/// The pointers are as the header demands of authkit_verifier_authorize().
pub(super) unsafe fn decide(
    how: fn(&Verifier, &Request<'_>, &Policy) -> Decision,
    verifier: *const authkit_verifier,
    authorization: (*const c_char, usize),
    query: (*const c_char, usize),
    nullable_policy: *const authkit_policy,
) -> Result<Decision> {
    // SAFETY: NULL or a live handle, by this function's contract.
    let verifier = &unsafe { authkit_verifier::lend(verifier) }?.verifier;
    // SAFETY: NULL or readable bytes of these lengths, by this function's contract.
    let request = unsafe { request(authorization, query) }?;
    // SAFETY: NULL or a live handle, by this function's contract.
    unsafe { by_policy(nullable_policy, |policy| how(verifier, &request, policy)) }
}

/// A request, each of its parts with its length; NULL where it has none.
///
/// # Safety
/// Each part is NULL or begins as many readable bytes, which stay alive and unchanged for `'a`.
pub(super) unsafe fn request<'a>(
    authorization: (*const c_char, usize),
    query: (*const c_char, usize),
) -> Result<Request<'a>> {
    let mut request = Request::new();
    if !authorization.0.is_null() {
        let (pointer, len) = authorization;
        // SAFETY: `len` readable bytes, by this function's contract.
        let value = unsafe { text::bytes_argument(pointer, len, "nullable_authorization") }?;
        request = request.authorization(value);
    }
    if !query.0.is_null() {
        // SAFETY: as many readable bytes, by this function's contract.
        let value = unsafe { text::bytes_argument(query.0, query.1, "nullable_query") }?;
        request = request.query(value);
    }
    Ok(request)
}

/// One answer, by `well_known` or `try_well_known`.
///
/// # Safety
/// The pointers are as the header demands of authkit_verifier_well_known().
unsafe fn well_known(
    how: fn(&Verifier, &str, &str) -> Option<Response>,
    verifier: *const authkit_verifier,
    method: *const c_char,
    path: (*const c_char, usize),
) -> Result<authkit_response> {
    // SAFETY: NULL or a live handle, by this function's contract.
    let verifier = &unsafe { authkit_verifier::lend(verifier) }?.verifier;
    // SAFETY: NULL or NUL-terminated, by this function's contract.
    let method = unsafe { text::argument(method, "method") }?;
    // SAFETY: NULL or as many readable bytes, by this function's contract.
    let path = unsafe { text::bytes_argument(path.0, path.1, "path") }?;
    // What is not UTF-8 is a stranger's path, and none of ours.
    let response = std::str::from_utf8(path).ok().and_then(|path| how(verifier, method, path));
    let response = response
        .ok_or_else(|| Error::new(Code::Absent, "the path is none of the well-known places"))?;
    Ok(authkit_response::from(&response))
}
