//! Verifier: from a token to claims, or to a precise refusal.

use std::ffi::c_char;
use std::time::Duration;

use once_cell::race::OnceBox;

use super::claims::authkit_claims;
use super::config::authkit_config;
use super::error::authkit_error;
use super::handle::Handle;
use super::outcome::{borrowed, finish, free, measured, plain, produce};
use super::policy::{authkit_policy, by_policy};
use super::status::authkit_status;
use super::text::{self, Text};
use crate::error::{Code, Error, Result};
use crate::{Claims, Policy, Verifier};

/// Verifies tokens by one configuration and keeps the issuers' keys. Make one per resource at start
/// and share it by all threads. The caller's, freed with authkit_verifier_free().
pub struct authkit_verifier {
    pub(super) verifier: Verifier,
    resource: Option<Text>,
    description: OnceBox<Text>,
    pub(super) metadata: Option<Text>,
    pub(super) metadata_url: Option<Text>,
}

impl authkit_verifier {
    pub(super) fn new(verifier: Verifier) -> Self {
        let resource = verifier.config().resource().map(Text::new);
        let metadata = verifier.resource_metadata().map(Text::new);
        let metadata_url = verifier.resource_metadata_url().map(Text::new);
        Self { verifier, resource, metadata, metadata_url, description: OnceBox::new() }
    }
}

impl Handle for authkit_verifier {
    const NAME: &'static str = "verifier";
}

/// Makes a verifier. Checks every setting and reads the certificate files that settings, SSL_CERT_FILE and
/// SSL_CERT_DIR name. Opens no connection: keys are fetched when the first token needs them, or by
/// authkit_verifier_refresh().
///
/// `config` is read and stays the caller's.
/// `out_verifier` receives a verifier that the caller owns, NULL on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `config` or `out_verifier` is NULL; AUTHKIT_CONFIG if a setting is
/// missing or wrong: the reason names it, the hint says how to correct it. After a failed authkit_config_set()
/// it returns that status and reason, whatever was set since. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_new(
    config: *const authkit_config,
    out_verifier: *mut *mut authkit_verifier,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let builder = unsafe { authkit_config::lend(config) }?.builder.clone();
        Ok(authkit_verifier::new(Verifier::new(builder.build()?)?))
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_verifier, nullable_out_error, body) }
}

/// Verifies an access token: signature, issuer, audience, times, scopes. May wait for the issuer's
/// keys, at most fetch_timeout (5 seconds); on an event loop call authkit_verifier_try_verify() first.
///
/// `token` is `len` bytes, the text after "Bearer " and nothing else; a NUL at the end is not needed.
/// `nullable_policy` adds demands of this call. NULL adds none, so do not pass NULL for a policy that could
/// not be made.
/// `out_claims` receives claims that the caller owns, NULL unless AUTHKIT_OK is returned.
///
/// Returns AUTHKIT_OK if the token is accepted; AUTHKIT_MISUSE if `verifier`, `token` or `out_claims`
/// is NULL, `len` is no length, or a demand of the policy has failed; AUTHKIT_SCOPE (403);
/// AUTHKIT_KEYS_UNAVAILABLE (503); AUTHKIT_KEY_UNCONFIRMED (429); otherwise the reason to answer 401:
/// AUTHKIT_MALFORMED to AUTHKIT_AUDIENCE.
/// authkit_status_http_status() tells the HTTP status of each. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_verify(
    verifier: *const authkit_verifier,
    token: *const c_char,
    len: usize,
    nullable_policy: *const authkit_policy,
    out_claims: *mut *mut authkit_claims,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    // SAFETY: this function's contract is that one's.
    let body = || unsafe {
        judge(|it, token, policy| it.verify(token, policy), verifier, token, len, nullable_policy)
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_claims, nullable_out_error, body) }
}

/// As authkit_verifier_verify(), without network and without waiting. If keys must be fetched first, it
/// starts the fetch in the background and returns AUTHKIT_WOULD_BLOCK. Then let another thread wait in
/// authkit_verifier_wait() and try again. In the refresh mode inline it starts nothing and returns
/// AUTHKIT_FETCH_NEEDED: let another thread call authkit_verifier_verify().
///
/// Parameters and other results are those of authkit_verifier_verify(). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_try_verify(
    verifier: *const authkit_verifier,
    token: *const c_char,
    len: usize,
    nullable_policy: *const authkit_policy,
    out_claims: *mut *mut authkit_claims,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    // SAFETY: this function's contract is that one's.
    let body = || unsafe {
        judge(
            |it, token, policy| it.try_verify(token, policy),
            verifier,
            token,
            len,
            nullable_policy,
        )
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_claims, nullable_out_error, body) }
}

/// Fetches the keys of every issuer now, to warm up before the first token or to try again after an outage.
/// Waits for them, at most fetch_timeout (5 seconds); if the refresh mode allows no threads, that long for
/// each issuer. Issuers configured with keys of their own (`jwks`) are skipped; for others, fetched keys
/// replace those of authkit_verifier_set_jwks().
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL; AUTHKIT_KEYS_UNAVAILABLE if an issuer's
/// keys could not be had, in which case keys fetched earlier stay in use. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_refresh(
    verifier: *const authkit_verifier,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        unsafe { authkit_verifier::lend(verifier) }?.verifier.refresh()
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// Starts to fetch the keys of every issuer and returns at once; authkit_verifier_wait() tells when a
/// fetch ended. An issuer whose keys are being fetched already is passed over, as is one configured
/// with keys of its own.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL, or its refresh mode is not background. Any
/// thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_start_refresh(
    verifier: *const authkit_verifier,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        unsafe { authkit_verifier::lend(verifier) }?.verifier.start_refresh()
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// How many fetches of keys have ended in this process, good or bad: to be read before
/// authkit_verifier_try_verify() and given to authkit_verifier_wait().
///
/// Returns 0 if `verifier` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_fetches_ended(verifier: *const authkit_verifier) -> u64 {
    plain(0, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        Ok(unsafe { authkit_verifier::lend(verifier) }?.verifier.fetches_ended())
    })
}

/// The setting fetch_timeout, for a host that waits for keys itself: how long one call may wait in all.
///
/// Returns seconds, 1 to 30; 0 if `verifier` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_fetch_timeout(verifier: *const authkit_verifier) -> u32 {
    plain(0, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let seconds =
            unsafe { authkit_verifier::lend(verifier) }?.verifier.config().fetch_timeout();
        Ok(u32::try_from(seconds.as_secs()).unwrap_or(u32::MAX))
    })
}

/// Waits until a fetch of keys has ended since `seen` was read. For the worker thread of a host with an
/// event loop. On the loop, read `seen` by authkit_verifier_fetches_ended() and call
/// authkit_verifier_try_verify(). On AUTHKIT_WOULD_BLOCK let one worker thread wait here, for all waiting
/// requests, then try each of them again. Wait at most one second per step, since after that long a try
/// uses stale keys. Wait at most authkit_verifier_fetch_timeout() in all.
///
/// `seen` is what authkit_verifier_fetches_ended() returned.
/// `timeout_ms` is in milliseconds; 0 looks without waiting.
///
/// Returns AUTHKIT_OK if a fetch has ended since; AUTHKIT_WOULD_BLOCK if no fetch has ended before the
/// timeout, or if none was under way for a second; AUTHKIT_MISUSE if `verifier` is NULL. Any thread; the
/// verifier must not be freed meanwhile.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_wait(
    verifier: *const authkit_verifier,
    seen: u64,
    timeout_ms: u32,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let verifier = &unsafe { authkit_verifier::lend(verifier) }?.verifier;
        match verifier.wait(seen, Duration::from_millis(timeout_ms.into())) {
            true => Ok(()),
            false => Err(Error::new(Code::WouldBlock, "no fetch has ended")),
        }
    };
    // SAFETY: NULL is no place to write to.
    unsafe { finish(std::ptr::null_mut(), body) }
}

/// Waits until every issuer has keys to verify with, fetching those that are missing, again and again
/// where a fetch fails: for the start of a server, or its readiness check. At once where all are there.
/// In the refresh mode manual it waits for the host's authkit_verifier_refresh() on another thread.
///
/// `timeout_ms` is in milliseconds; with 0 it starts what is missing and looks.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL; after the timeout AUTHKIT_KEYS_UNAVAILABLE with
/// the reason of the first issuer without keys, or AUTHKIT_WOULD_BLOCK if its first fetch is under way. Any
/// thread; the verifier must not be freed meanwhile.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_wait_ready(
    verifier: *const authkit_verifier,
    timeout_ms: u32,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let verifier = &unsafe { authkit_verifier::lend(verifier) }?.verifier;
        verifier.wait_ready(Duration::from_millis(timeout_ms.into()))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// Gives an issuer's keys as a JWKS document (RFC 7517). They do not age, and nothing is fetched for
/// this issuer until authkit_verifier_refresh() is called. The spellings of the session issuer
/// (session_client_id) share their keys. Calls that are verifying meanwhile see the
/// old keys or the new, never a mixture.
///
/// `nullable_issuer` is a configured issuer; NULL means the only one. Copied.
/// `json` is `len` bytes of UTF-8. Copied.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` or `json` is NULL or a text is not UTF-8;
/// AUTHKIT_CONFIG if the issuer is not configured, or NULL while there are several, or the document
/// holds no usable key; then the old keys stay. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_set_jwks(
    verifier: *const authkit_verifier,
    nullable_issuer: *const c_char,
    json: *const c_char,
    len: usize,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let verifier = unsafe { authkit_verifier::lend(verifier) }?;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        let issuer = unsafe { text::nullable_argument(nullable_issuer, "nullable_issuer") }?;
        // SAFETY: NULL or `len` readable bytes, by the header's contract.
        let json = text::utf8(unsafe { text::bytes_argument(json, len, "json") }?, "json")?;
        verifier.verifier.set_jwks(issuer, json)
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// The resource that tokens must be meant for: what to enter as resource indicator (RFC 8707) in the
/// AuthKit dashboard, and to announce as protected resource metadata (RFC 9728).
///
/// Returns text borrowed from `verifier`; NULL if none is configured or `verifier` is NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_resource(
    verifier: *const authkit_verifier,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_verifier::lend(verifier) }?.resource.as_ref()))
}

/// The configuration in force, for a log or a person: the first line is what to paste into the AuthKit
/// dashboard, `resource indicator: https://.../mcp`; then a line for each issuer and each setting, its
/// value as JSON. Holds no secret: of a proxy its host and port, of given keys their ids.
///
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns text borrowed from `verifier`; NULL only if `verifier` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_describe(
    verifier: *const authkit_verifier,
    nullable_out_len: *mut usize,
) -> *const c_char {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let verifier = unsafe { authkit_verifier::lend(verifier) }?;
        let description = || Box::new(Text::new(&verifier.verifier.config().describe()));
        Ok(Some(verifier.description.get_or_init(description)))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// Frees a verifier. Claims and errors that it made stay valid. A fetch in the background ends by
/// itself. NULL is allowed and does nothing; what authkit_default_verifier() lent must not be freed.
///
/// No call may be using `verifier`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_free(verifier: *mut authkit_verifier) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(verifier) }
}

/// One judgement, by `verify` or `try_verify`.
///
/// # Safety
/// The pointers are as the header demands of authkit_verifier_verify().
unsafe fn judge(
    how: fn(&Verifier, &[u8], &Policy) -> Result<Claims>,
    verifier: *const authkit_verifier,
    token: *const c_char,
    len: usize,
    nullable_policy: *const authkit_policy,
) -> Result<authkit_claims> {
    // SAFETY: NULL or a live handle, by this function's contract.
    let verifier = unsafe { authkit_verifier::lend(verifier) }?;
    // SAFETY: NULL or `len` readable bytes, by this function's contract.
    let token = unsafe { text::bytes_argument(token, len, "token") }?;
    let judge = |policy: &Policy| how(&verifier.verifier, token, policy);
    // SAFETY: NULL or a live handle, by this function's contract.
    unsafe { by_policy(nullable_policy, judge) }?.map(authkit_claims::new)
}
