//! Policy: what one call demands beyond the configuration.

use std::ffi::c_char;

use super::error::authkit_error;
use super::handle::Handle;
use super::outcome::{finish, free};
use super::status::authkit_status;
use super::text;
use crate::Policy;
use crate::error::Result;

/// What one call demands beyond the configuration, such as the scopes of one tool. Made once, it
/// serves any number of calls. The caller's, freed with authkit_policy_free().
pub struct authkit_policy {
    pub(super) policy: Policy,
}

/// Gives what `read` makes of a policy; NULL counts as a policy without demands. After a failed demand, the
/// policy is not read.
///
/// # Safety
/// `nullable_policy` is NULL or a live handle.
pub(super) unsafe fn by_policy<T>(
    nullable_policy: *const authkit_policy,
    read: impl FnOnce(&Policy) -> T,
) -> Result<T> {
    // SAFETY: this function's contract is that one's.
    match unsafe { nullable_policy.as_ref() } {
        Some(policy) => policy.policy.check_whole().map(|()| read(&policy.policy)),
        None => Ok(read(&Policy::default())),
    }
}

impl Handle for authkit_policy {
    const NAME: &'static str = "policy";
}

/// Makes a policy that demands nothing more.
///
/// Returns a policy that the caller owns. Never NULL, since a NULL policy demands nothing: if there is no
/// memory, the process ends. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_policy_new() -> *mut authkit_policy {
    // Nothing here can panic, so there is no guard, and no NULL for it to give.
    authkit_policy { policy: Policy::default() }.hand_out()
}

/// Demands one more scope: a token without it is AUTHKIT_SCOPE. All scopes of the policy and of the
/// configuration's required_scopes must be granted. Scopes compare exactly; `scope_hierarchy` of
/// the configuration applies.
///
/// `scope` is one scope of RFC 6749 section 3.3: printable ASCII without space, `"` and `\`; it is
/// copied.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` or `scope` is NULL or `scope` is not one scope. After a
/// failure the policy is unusable: every call with it returns AUTHKIT_MISUSE with the first failure's
/// reason. Free it and make a new one. One thread at a time per policy.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_policy_require_scope(
    policy: *mut authkit_policy,
    scope: *const c_char,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle that no other call uses, by the header's contract.
        let policy = &mut unsafe { authkit_policy::lend_mut(policy) }?.policy;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        match unsafe { text::argument(scope, "scope") } {
            Ok(scope) => policy.require_scope(scope),
            Err(error) => Err(policy.fail("require_scope", error)),
        }
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// Demands one of several scopes, whichever: a token with none of them is AUTHKIT_SCOPE. Every call adds a
/// group of its own, of each of which one scope must be granted. `scope_hierarchy` applies.
///
/// `scopes` is one or more scopes of RFC 6749 section 3.3, with a single space between each two, as in
/// `read write`; it is copied.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` or `scopes` is NULL, `scopes` is empty or something
/// in it is not a scope; the policy is then unusable, as after authkit_policy_require_scope(). One thread at
/// a time per policy.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_policy_require_any_scope(
    policy: *mut authkit_policy,
    scopes: *const c_char,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle that no other call uses, by the header's contract.
        let policy = &mut unsafe { authkit_policy::lend_mut(policy) }?.policy;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        match unsafe { text::argument(scopes, "scopes") } {
            Ok(scopes) => policy.require_any_scope(scopes.split(' ')),
            Err(error) => Err(policy.fail("require_any_scope", error)),
        }
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// Judges tokens as of a given time in place of the clock, and in place of the configuration's
/// `now`: for tests, and for looking back.
///
/// `unix_seconds` counts from 1970-01-01T00:00:00Z; any value is allowed.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` is NULL. One thread at a time per policy.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_policy_set_now(
    policy: *mut authkit_policy,
    unix_seconds: i64,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle that no other call uses, by the header's contract.
        unsafe { authkit_policy::lend_mut(policy) }?.policy.set_now(unix_seconds);
        Ok(())
    };
    // SAFETY: NULL is no place to write to.
    unsafe { finish(std::ptr::null_mut(), body) }
}

/// Names the tool that is called, for the log: authkit_response_log_line(). It demands nothing. The name should be
/// the host's own and not the client's, since the log tells causes apart by it.
///
/// `tool` is copied.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` or `tool` is NULL or `tool` is not UTF-8. One thread at a time per
/// policy.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_policy_set_tool(
    policy: *mut authkit_policy,
    tool: *const c_char,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle that no other call uses, by the header's contract.
        let policy = &mut unsafe { authkit_policy::lend_mut(policy) }?.policy;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        policy.set_tool(unsafe { text::argument(tool, "tool") }?);
        Ok(())
    };
    // SAFETY: NULL is no place to write to.
    unsafe { finish(std::ptr::null_mut(), body) }
}

/// Frees a policy. NULL is allowed and does nothing.
///
/// No other thread may be using `policy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_policy_free(policy: *mut authkit_policy) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(policy) }
}
