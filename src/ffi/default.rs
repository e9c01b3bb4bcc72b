//! Default verifier: one per process, from the environment, for programs with one resource.

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

use super::claims::authkit_claims;
use super::error::authkit_error;
use super::handle::Handle;
use super::outcome::{finish, produce};
use super::status::authkit_status;
use super::text;
use super::verifier::authkit_verifier;
use crate::error::{Code, Error, Result};
use crate::{Config, Policy, Verifier};

/// Set once, never freed. Without a lock: two first calls at once build two and keep one, and a fork
/// cannot catch it half made. A failure is not kept, so that each call gets its message anew.
static DEFAULT: OnceBox<authkit_verifier> = OnceBox::new();

/// Whether authkit_set_default() was called with NULL. Then the environment's verifier is not used instead: it
/// may demand less.
static MISSED: AtomicBool = AtomicBool::new(false);

fn default_verifier() -> Result<&'static authkit_verifier> {
    if MISSED.load(Ordering::Acquire) && DEFAULT.get().is_none() {
        return Err(text::null("verifier").of_earlier("set_default"));
    }
    DEFAULT.get_or_try_init(|| {
        let verifier = Verifier::new(Config::from_environment()?)?;
        Ok(Box::new(authkit_verifier::new(verifier)))
    })
}

/// Verifies an access token with the process's default verifier: the front door. May wait for the
/// issuer's keys, at most fetch_timeout (5 seconds). For the reason of a refusal in words, and for policies,
/// use authkit_default_verifier() with authkit_verifier_verify().
///
/// `token` is NUL-terminated, the text after "Bearer " and nothing else.
/// `out_claims` receives claims that the caller owns, NULL unless AUTHKIT_OK is returned.
///
/// Returns AUTHKIT_OK if the token is accepted; AUTHKIT_MISUSE if an argument is NULL; AUTHKIT_CONFIG
/// if the environment configures no verifier (authkit_default_verifier() says what is wrong);
/// otherwise what authkit_verifier_verify() returns. Any thread, as authkit_default_verifier().
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verify(
    token: *const c_char,
    out_claims: *mut *mut authkit_claims,
) -> authkit_status {
    let body = || {
        if token.is_null() {
            return Err(text::null("token"));
        }
        // SAFETY: not NULL, and NUL-terminated by the header's contract.
        let token = unsafe { CStr::from_ptr(token) }.to_bytes();
        default_verifier()?.verifier.verify(token, &Policy::default()).map(authkit_claims::new)
    };
    // SAFETY: NULL or writable by the header's contract; the error is not asked for.
    unsafe { produce(out_claims, std::ptr::null_mut(), body) }
}

/// Lends the process's default verifier, which is made from the environment on first use (see
/// authkit_config_from_environment()) unless authkit_set_default() came before.
///
/// `out_verifier` receives a verifier that is valid for the life of the process and must not be
/// freed; NULL on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `out_verifier` is NULL; AUTHKIT_CONFIG, naming what is
/// missing or wrong. A failure is not remembered: the next call tries again. Any thread, while none
/// changes the environment (setenv, putenv) during the first use.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_default_verifier(
    out_verifier: *mut *const authkit_verifier,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    if !out_verifier.is_null() {
        // SAFETY: not NULL, so writable by the header's contract.
        unsafe { out_verifier.write(std::ptr::null()) };
    }
    let body = || {
        if out_verifier.is_null() {
            return Err(text::null("out_verifier"));
        }
        let lent: *const authkit_verifier = default_verifier()?;
        // SAFETY: not NULL, so writable by the header's contract.
        unsafe { out_verifier.write(lent) };
        Ok(())
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// Makes a verifier the process's default, in place of the environment's. Call it at start, before
/// the default verifier is first used.
///
/// `verifier` stays the caller's and may be freed at any time: the default keeps a reference of its
/// own, with the same keys.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL or a default verifier exists already, which stays.
/// After a NULL, the environment's verifier is not used instead: until a default is set, authkit_verify()
/// and authkit_default_verifier() return AUTHKIT_MISUSE. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_set_default(verifier: *const authkit_verifier) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let verifier = match unsafe { authkit_verifier::lend(verifier) } {
            Ok(verifier) => verifier.verifier.clone(),
            Err(error) => {
                MISSED.store(true, Ordering::Release);
                return Err(error);
            }
        };
        let set = DEFAULT.set(Box::new(authkit_verifier::new(verifier)));
        set.map_err(|_| Error::new(Code::Misuse, "a default verifier exists already"))
    };
    // SAFETY: NULL is no place to write to.
    unsafe { finish(std::ptr::null_mut(), body) }
}
