//! The log: lines that a host writes where its operator looks. Level, sentence and rate are decided here.
//!
//! After a refusal, write what authkit_response_log_line() gives. When the server starts, after each refusal and
//! about each second, write what authkit_verifier_next_log_line() gives until it gives NULL.

use std::ffi::c_char;

use super::handle::Handle;
use super::outcome::{borrowed, free, plain};
use super::response::authkit_response;
use super::text::Text;
use super::verifier::authkit_verifier;
use crate::{Level, LogLine};

/// How loud a line of the log is.
#[derive(Clone, Copy)]
#[repr(i32)]
#[allow(clippy::enum_variant_names)]
pub enum authkit_log_level {
    /// Worth a line, and no fault of this server: an expired token, a missing scope.
    AUTHKIT_LOG_INFO = 1,
    /// An operator should look: a setting, the clock or the issuer's keys are at fault.
    AUTHKIT_LOG_WARNING = 2,
}

/// One line for a log: printable ASCII on one line, without the token and without a secret. Immutable. Freed with
/// authkit_log_line_free() if it is the caller's.
pub struct authkit_log_line {
    level: authkit_log_level,
    text: Text,
}

impl Handle for authkit_log_line {
    const NAME: &'static str = "log_line";
}

impl From<&LogLine> for authkit_log_line {
    fn from(line: &LogLine) -> Self {
        let level = match line.level {
            Level::Info => authkit_log_level::AUTHKIT_LOG_INFO,
            Level::Warning => authkit_log_level::AUTHKIT_LOG_WARNING,
        };
        Self { level, text: Text::new(&line.text) }
    }
}

/// What to write into the log if this response is sent: the code, the reason, the hint, the client id and the tool
/// (authkit_policy_set_tool()) if they are known.
///
/// Returns a line borrowed from `response`, not to be freed; NULL if there is nothing to write: the request may go
/// on, it has no credentials, the response is not a refusal, the same cause was told less than 10 s ago (a later
/// line counts it), or `response` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_response_log_line(
    response: *const authkit_response,
) -> *const authkit_log_line {
    plain(std::ptr::null(), || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let line = &unsafe { authkit_response::lend(response) }?.log_line;
        Ok(line.as_ref().map_or(std::ptr::null(), std::ptr::from_ref))
    })
}

/// Takes the next line that belongs to no request. First come the lines for the start: the resource indicator, the
/// trusted issuers, the required scopes, and a warning for each setting that weakens the guard. Then come trouble
/// with keys, its end, and counts of refusals that were not told. Each line is given once; 64 wait at most. Does no
/// I/O and waits for nothing.
///
/// Once authkit_verifier_next_event() was called, there are no lines about keys: a host that takes the events tells
/// of them itself.
///
/// Returns a line that the caller owns; NULL if there is none or `verifier` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_next_log_line(
    verifier: *const authkit_verifier,
) -> *mut authkit_log_line {
    plain(std::ptr::null_mut(), || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let line = unsafe { authkit_verifier::lend(verifier) }?.verifier.next_log_line();
        Ok(line.map_or(std::ptr::null_mut(), |line| authkit_log_line::from(&line).hand_out()))
    })
}

/// How loud the line is.
///
/// Returns AUTHKIT_LOG_WARNING if `line` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_log_line_level(
    line: *const authkit_log_line,
) -> authkit_log_level {
    plain(authkit_log_level::AUTHKIT_LOG_WARNING, || {
        // SAFETY: NULL or a live handle, by the header's contract.
        Ok(unsafe { authkit_log_line::lend(line) }?.level)
    })
}

/// What to write.
///
/// Returns text borrowed from `line`; NULL only if `line` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_log_line_text(line: *const authkit_log_line) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(Some(&unsafe { authkit_log_line::lend(line) }?.text)))
}

/// Frees a line and its text. NULL is allowed and does nothing.
///
/// No other thread may be using `line`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_log_line_free(line: *mut authkit_log_line) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(line) }
}
