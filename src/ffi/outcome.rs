//! From a Rust result to what C gets: a status, an output, an error object.

use std::ffi::c_char;

use super::error::authkit_error;
use super::guard::guarded;
use super::handle::Handle;
use super::status::authkit_status;
use super::text::{self, Text};
use crate::error::{Code, Error, Result};

/// Runs a call that yields nothing but its status.
///
/// # Safety
/// `out_error` is NULL or writable.
pub(super) unsafe fn finish(
    out_error: *mut *mut authkit_error,
    body: impl FnOnce() -> Result<()>,
) -> authkit_status {
    // SAFETY: by this function's contract.
    unsafe { put(out_error, std::ptr::null_mut()) };
    match guarded(body) {
        Ok(()) => authkit_status::AUTHKIT_OK,
        Err(error) => {
            let status = authkit_status::from(error.code());
            if !out_error.is_null() {
                // SAFETY: not NULL, so writable by this function's contract.
                unsafe { put(out_error, authkit_error::from(&error).hand_out()) };
            }
            status
        }
    }
}

/// Runs a call that yields a handle: the caller's on success, NULL otherwise.
///
/// # Safety
/// `out` and `out_error` are each NULL or writable.
pub(super) unsafe fn produce<H: Handle>(
    out: *mut *mut H,
    out_error: *mut *mut authkit_error,
    body: impl FnOnce() -> Result<H>,
) -> authkit_status {
    // SAFETY: by this function's contract.
    unsafe { put(out, std::ptr::null_mut()) };
    let checked = || {
        if out.is_null() {
            return Err(text::null(&format!("out_{}", H::NAME)));
        }
        // SAFETY: not NULL, so writable by this function's contract.
        body().map(|handle| unsafe { put(out, handle.hand_out()) })
    };
    // SAFETY: by this function's contract.
    unsafe { finish(out_error, checked) }
}

/// Runs a call that yields a number: zero (false) unless it succeeds; no value is ABSENT.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn scalar<T: Default>(
    out: *mut T,
    body: impl FnOnce() -> Result<Option<T>>,
) -> authkit_status {
    // SAFETY: by this function's contract.
    unsafe { put(out, T::default()) };
    let checked = || {
        if out.is_null() {
            return Err(text::null("out"));
        }
        let value = body()?
            .ok_or_else(|| Error::new(Code::Absent, "the token has no such claim of this type"))?;
        // SAFETY: not NULL, so writable by this function's contract.
        unsafe { put(out, value) };
        Ok(())
    };
    // SAFETY: NULL is no place to write to.
    unsafe { finish(std::ptr::null_mut(), checked) }
}

/// Runs a getter of text that C reads up to its NUL.
pub(super) fn borrowed<'a>(body: impl FnOnce() -> Result<Option<&'a Text>>) -> *const c_char {
    // SAFETY: NULL is no place to write to.
    unsafe { measured(std::ptr::null_mut(), body) }
}

/// Runs a getter of text whose length the caller may ask for. What C would read short is withheld.
///
/// # Safety
/// `out_len` is NULL or writable.
pub(super) unsafe fn measured<'a>(
    out_len: *mut usize,
    body: impl FnOnce() -> Result<Option<&'a Text>>,
) -> *const c_char {
    let text = guarded(body).ok().flatten().filter(|text| text.reads_whole());
    // SAFETY: by this function's contract.
    unsafe { put(out_len, text.map_or(0, Text::len)) };
    text.map_or(std::ptr::null(), Text::as_ptr)
}

/// Runs a getter that cannot fail but by misuse, which gives `otherwise`.
pub(super) fn plain<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    guarded(body).unwrap_or(otherwise)
}

/// Ends a handle's life.
///
/// # Safety
/// As [`Handle::take_back`].
pub(super) unsafe fn free<H: Handle>(pointer: *mut H) {
    plain((), || {
        // SAFETY: this function's contract is that one's.
        unsafe { H::take_back(pointer) };
        Ok(())
    });
}

/// Writes an output, unless the caller did not want it. The old content is not read: C need not set it.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, so writable by this function's contract.
        unsafe { out.write(value) };
    }
}
