//! Paths: which of them demand which scopes, and which are open to all.
//!
//! A server whose paths differ in that calls authkit_access_judge() first, with each request's path. If the
//! path is public, the server serves it. Otherwise it puts the scopes into a policy and calls
//! authkit_verifier_authorize().

use std::ffi::c_char;

use super::error::authkit_error;
use super::handle::Handle;
use super::outcome::{finish, free, produce, put};
use super::status::authkit_status;
use super::text;
use crate::error::{Code, Error, Result};
use crate::resource::access;
use crate::{Access, Request};

/// The size of a buffer for the scopes of a path, in bytes, including the NUL.
pub const AUTHKIT_ACCESS_CAPACITY: usize = 8192;
const _: () = assert!(AUTHKIT_ACCESS_CAPACITY == access::CAPACITY);

/// The scopes that a failed call writes. They are no scope, so a policy that demands them refuses every token.
const NO_SCOPE: &[u8] = b"\\";

/// Places: which paths demand which scopes, and which are open to all. Immutable. The caller's, freed with
/// authkit_access_free().
pub struct authkit_access {
    access: Access,
}

impl Handle for authkit_access {
    const NAME: &'static str = "access";
}

/// Reads places from a JSON object, such as
/// `{"public": ["/health"], "required_scopes": {"/admin": ["admin"]}, "prefix": "/api"}`.
/// Each member may be left out:
///
/// - required_scopes: a map from places (path prefixes) to scopes. A request at a place or below it needs a
///   token with all of the place's scopes. If the list is empty, it needs a token. `/admin`, `/admin/` and
///   `/admin` with a slash and a star are the same place. A place matches wherever its segments stand in
///   the path, ignoring ASCII case: `/admin` matches /admin, /Admin/x, /api/admin and /admin.json, not
///   /administrator. Signs that join words count as the same: `/a_b` matches /a-b.
///   If routers could read a path in two ways, every place matches it. Such a path has an empty, `.` or `..`
///   segment, a backslash, a control character, bytes that are not UTF-8, something that is encoded
///   twice, more than 8192 bytes or 128 segments, or no slash at its start.
/// - public: paths that need no token. They are compared exactly with the path as received, letter case
///   too. A slash and a star at the end mean all paths below. A known prefix is removed first: the longest
///   of `prefix` and the request's own that the path begins with. A path with such a prefix elsewhere is not
///   public. A path that routers could read in two ways is never public. A demand always wins.
/// - prefix: the part of the path that a proxy, a mount or a framework strips before it routes. With it a
///   place matches only at the start of the path or after the prefix.
///
/// `json` is `len` bytes of UTF-8; a NUL at the end is not needed and does not count.
/// `out_access` receives places that the caller owns, NULL on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `json` or `out_access` is NULL, `json` is not UTF-8 or a scope is
/// invalid; AUTHKIT_CONFIG if `json` is not such an object, if no path can match a place (because it is a
/// pattern, for example), if a demand always keeps a public path closed, or if the scopes do not fit into
/// AUTHKIT_ACCESS_CAPACITY. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_access_from_json(
    json: *const c_char,
    len: usize,
    out_access: *mut *mut authkit_access,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or `len` readable bytes, by the header's contract.
        let json = text::utf8(unsafe { text::bytes_argument(json, len, "json") }?, "json")?;
        Ok(authkit_access { access: Access::from_json(json)? })
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_access, nullable_out_error, body) }
}

/// Says which scopes the path of a request demands, and whether it needs a token at all.
///
/// `nullable_path` is the raw path of the request's target, `path_len` bytes; a query after it is ignored.
/// `nullable_decoded_path` is the percent-decoded path that the host's router uses, if the host knows it:
/// `decoded_path_len` bytes. If both paths are given, the demands of both hold, and the request is public
/// only if both are. If neither is given, every place matches.
/// `nullable_root_path` is the percent-decoded prefix below which the host has mounted its application:
/// `root_path_len` bytes. The path may begin with it or not. NULL if there is no prefix.
/// `scopes` has room for `capacity` bytes, at least AUTHKIT_ACCESS_CAPACITY. It receives the scopes, separated
/// by a single space, and a NUL. On failure it receives `\`, which is not a scope:
/// authkit_policy_require_scope() refuses it.
/// `out_public` receives whether the request needs no token; false on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `access`, `scopes` or `out_public` is NULL or `capacity` is too
/// small. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_access_judge(
    access: *const authkit_access,
    nullable_path: *const c_char,
    path_len: usize,
    nullable_decoded_path: *const c_char,
    decoded_path_len: usize,
    nullable_root_path: *const c_char,
    root_path_len: usize,
    scopes: *mut c_char,
    capacity: usize,
    out_public: *mut bool,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { put(out_public, false) };
    // SAFETY: NULL or writable for `capacity` bytes, by the header's contract.
    unsafe { write(NO_SCOPE, (scopes, capacity)) };
    let body = || {
        if out_public.is_null() {
            return Err(text::null("out_public"));
        }
        if scopes.is_null() {
            return Err(text::null("scopes"));
        }
        if capacity < AUTHKIT_ACCESS_CAPACITY {
            let reason =
                format!("scopes has room for {capacity} bytes, not {AUTHKIT_ACCESS_CAPACITY}");
            return Err(Error::new(Code::Misuse, reason));
        }
        // SAFETY: NULL or a live handle, by the header's contract.
        let access = &unsafe { authkit_access::lend(access) }?.access;
        let paths = [
            (nullable_path, path_len),
            (nullable_decoded_path, decoded_path_len),
            (nullable_root_path, root_path_len),
        ];
        // SAFETY: NULL or readable bytes of these lengths, by the header's contract.
        let judgement = access.judge(&unsafe { request(paths) }?);
        // SAFETY: writable for `capacity` bytes, by the header's contract.
        unsafe { write(judgement.scopes().join(" ").as_bytes(), (scopes, capacity)) };
        // SAFETY: not NULL, so writable by the header's contract.
        unsafe { put(out_public, judgement.is_public()) };
        Ok(())
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// Frees places. NULL is allowed and does nothing.
///
/// No other thread may be using `access`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_access_free(access: *mut authkit_access) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(access) }
}

/// A request of a path, a decoded path and a prefix, each with its length; NULL if it has none.
///
/// # Safety
/// Each part is NULL or begins as many readable bytes, which stay alive and unchanged for `'a`.
unsafe fn request<'a>(
    [path, decoded_path, root_path]: [(*const c_char, usize); 3],
) -> Result<Request<'a>> {
    let mut request = Request::new();
    // SAFETY: this function's contract is that one's.
    if let Some(path) = unsafe { part(path, "nullable_path") }? {
        request = request.path(path);
    }
    // SAFETY: as above.
    if let Some(path) = unsafe { part(decoded_path, "nullable_decoded_path") }? {
        request = request.decoded_path(path);
    }
    // SAFETY: as above.
    if let Some(root) = unsafe { part(root_path, "nullable_root_path") }? {
        request = request.root_path(root);
    }
    Ok(request)
}

/// # Safety
/// The pointer is NULL or begins as many readable bytes, which stay alive and unchanged for `'a`.
unsafe fn part<'a>((pointer, len): (*const c_char, usize), name: &str) -> Result<Option<&'a [u8]>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: by this function's contract.
    unsafe { text::bytes_argument(pointer, len, name) }.map(Some)
}

/// Writes a text with its NUL, or nothing if there is no room for it.
///
/// # Safety
/// The buffer is NULL or writable for its length.
unsafe fn write(text: &[u8], (buffer, capacity): (*mut c_char, usize)) {
    if !buffer.is_null() && text.len() < capacity {
        // SAFETY: the text and its NUL fit, as was checked, into what this function's contract says is
        // writable; the two do not overlap, as the text is ours.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, text.len());
            buffer.add(text.len()).write(0);
        }
    }
}
