//! Errors: why a call failed, in words that are safe to log and say what to do.

use std::ffi::c_char;

use super::handle::Handle;
use super::outcome::{borrowed, free, plain};
use super::status::authkit_status;
use super::text::Text;
use crate::error::Error;

/// Why a call failed: status, one sentence of reason, perhaps a hint. Immutable. Made by any function
/// with an `authkit_error **` parameter when it fails; the caller's, freed with authkit_error_free().
#[derive(Clone)]
pub struct authkit_error {
    status: authkit_status,
    reason: Text,
    hint: Option<Text>,
    retry_after: Option<u32>,
}

impl Handle for authkit_error {
    const NAME: &'static str = "error";
}

impl From<&Error> for authkit_error {
    fn from(error: &Error) -> Self {
        Self {
            status: error.code().into(),
            reason: Text::new(error.reason()),
            hint: error.hint().map(Text::new),
            retry_after: error.retry_after(),
        }
    }
}

/// The status that the failed call returned.
///
/// Returns AUTHKIT_MISUSE if `error` is NULL. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_error_status(error: *const authkit_error) -> authkit_status {
    plain(authkit_status::AUTHKIT_MISUSE, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        Ok(unsafe { authkit_error::lend(error) }?.status)
    })
}

/// One sentence that says what was wrong, for a log or a person. It never holds the token or a
/// secret; what a stranger chose in it is quoted, escaped to printable ASCII and cut short.
///
/// Returns text borrowed from `error`; NULL only if `error` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_error_reason(error: *const authkit_error) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(Some(&unsafe { authkit_error::lend(error) }?.reason)))
}

/// What to change, if the cause is a known mistake in the configuration.
///
/// Returns text borrowed from `error`; NULL if there is no hint or `error` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_error_hint(error: *const authkit_error) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(unsafe { authkit_error::lend(error) }?.hint.as_ref()))
}

/// When another try can succeed, in whole seconds from the failed call: the value of an HTTP
/// Retry-After header. Given where waiting can help: with AUTHKIT_KEYS_UNAVAILABLE and
/// AUTHKIT_KEY_UNCONFIRMED, and with AUTHKIT_WOULD_BLOCK if usable keys are held.
///
/// Returns -1 if nothing is known or `error` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_error_retry_after(error: *const authkit_error) -> i64 {
    plain(-1, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        Ok(unsafe { authkit_error::lend(error) }?.retry_after.map_or(-1, i64::from))
    })
}

/// Copies an error, for hosts whose own error values are copied, such as C++ exceptions.
///
/// Returns an error that the caller owns, with texts of its own; NULL only if `error` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_error_clone(error: *const authkit_error) -> *mut authkit_error {
    plain(std::ptr::null_mut(), || {
        // SAFETY: NULL or a live handle, by the header's contract.
        Ok(unsafe { authkit_error::lend(error) }?.clone().hand_out())
    })
}

/// Frees an error and the texts borrowed from it. NULL is allowed and does nothing.
///
/// No other thread may be using `error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_error_free(error: *mut authkit_error) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(error) }
}
