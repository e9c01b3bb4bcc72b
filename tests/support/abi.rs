//! The library's own C symbols, as in include/authkit.h, for tests and benches that must go through them.
#![allow(dead_code, missing_docs, unreachable_pub, unsafe_code, clippy::unwrap_used)]

use std::ffi::{CStr, c_char};
use std::ptr;

#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn authkit_config_from_json(
        json: *const c_char,
        len: usize,
        out: *mut *mut Opaque,
        error: *mut *mut Opaque,
    ) -> i32;
    fn authkit_config_free(config: *mut Opaque);
    fn authkit_verifier_new(
        config: *const Opaque,
        out: *mut *mut Opaque,
        error: *mut *mut Opaque,
    ) -> i32;
    fn authkit_verifier_free(verifier: *mut Opaque);
    fn authkit_verifier_verify(
        verifier: *const Opaque,
        token: *const c_char,
        len: usize,
        policy: *const Opaque,
        out: *mut *mut Opaque,
        error: *mut *mut Opaque,
    ) -> i32;
    fn authkit_verifier_set_jwks(
        verifier: *const Opaque,
        issuer: *const c_char,
        json: *const c_char,
        len: usize,
        error: *mut *mut Opaque,
    ) -> i32;
    fn authkit_verifier_authorize(
        verifier: *const Opaque,
        authorization: *const c_char,
        authorization_len: usize,
        query: *const c_char,
        query_len: usize,
        policy: *const Opaque,
        out: *mut *mut Opaque,
        error: *mut *mut Opaque,
    ) -> i32;
    fn authkit_response_status(response: *const Opaque) -> i32;
    fn authkit_response_header_count(response: *const Opaque) -> usize;
    fn authkit_response_header_name_at(response: *const Opaque, index: usize) -> *const c_char;
    fn authkit_response_header_value_at(response: *const Opaque, index: usize) -> *const c_char;
    fn authkit_response_body(response: *const Opaque, len: *mut usize) -> *const c_char;
    fn authkit_response_claims(response: *const Opaque) -> *const Opaque;
    fn authkit_response_free(response: *mut Opaque);
    fn authkit_claims_subject(claims: *const Opaque) -> *const c_char;
    fn authkit_claims_json(claims: *const Opaque, len: *mut usize) -> *const c_char;
    fn authkit_claims_free(claims: *mut Opaque);
    fn authkit_error_reason(error: *const Opaque) -> *const c_char;
    fn authkit_error_free(error: *mut Opaque);
}

/// A verifier behind its C handle.
pub struct Verifier(*mut Opaque);

/// What one call answered, copied out of the library.
pub struct Answer {
    pub status: i32,
    /// The payload as handed out, where the token was accepted.
    pub payload: Option<String>,
    /// The error's sentence, where there was an error.
    pub reason: Option<String>,
}

/// What was decided on one request, copied out of the library.
pub struct Decision {
    pub status: i32,
    pub http_status: i32,
    /// Name and value, in octets: whether they are text is for the test to say.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
    /// The payload as handed out, where the request may go on.
    pub payload: Option<String>,
}

impl Verifier {
    pub fn new(config: &str) -> Self {
        let (mut handle, mut verifier) = (ptr::null_mut(), ptr::null_mut());
        let (text, length) = (config.as_ptr().cast(), config.len());
        // SAFETY: pointer and length of a live string; out pointers to live locals.
        unsafe {
            assert_eq!(authkit_config_from_json(text, length, &raw mut handle, ptr::null_mut()), 0);
            assert_eq!(authkit_verifier_new(handle, &raw mut verifier, ptr::null_mut()), 0);
            authkit_config_free(handle);
        }
        Self(verifier)
    }

    /// Verifies, and copies out what the library says.
    pub fn verify(&self, token: &[u8]) -> Answer {
        let (mut claims, mut error) = (ptr::null_mut(), ptr::null_mut());
        let (text, length) = (token.as_ptr().cast(), token.len());
        // SAFETY: the verifier lives as long as self; token is pointer and length of one slice.
        unsafe {
            let status = authkit_verifier_verify(
                self.0,
                text,
                length,
                ptr::null(),
                &raw mut claims,
                &raw mut error,
            );
            assert_eq!((claims.is_null(), error.is_null()), (status != 0, status == 0));
            let answer = Answer { status, payload: payload(claims), reason: reason(error) };
            authkit_claims_free(claims);
            authkit_error_free(error);
            answer
        }
    }

    /// Verifies and frees, as a host does that only wants to know.
    pub fn status(&self, token: &[u8]) -> i32 {
        let mut claims = ptr::null_mut();
        let (text, length) = (token.as_ptr().cast(), token.len());
        // SAFETY: as in verify.
        unsafe {
            let status = authkit_verifier_verify(
                self.0,
                text,
                length,
                ptr::null(),
                &raw mut claims,
                ptr::null_mut(),
            );
            authkit_claims_free(claims);
            status
        }
    }

    /// Decides on a request, and copies out what the library says.
    pub fn authorize(&self, authorization: &[u8], query: Option<&[u8]>) -> Decision {
        let mut response = ptr::null_mut();
        let (value, length) = (authorization.as_ptr().cast(), authorization.len());
        let (query, query_length) =
            query.map_or((ptr::null(), 0), |query| (query.as_ptr().cast(), query.len()));
        // SAFETY: as in verify; a response lends what it is asked for until it is freed.
        unsafe {
            let status = authkit_verifier_authorize(
                self.0,
                value,
                length,
                query,
                query_length,
                ptr::null(),
                &raw mut response,
                ptr::null_mut(),
            );
            let octets = |text| CStr::from_ptr(text).to_bytes().to_vec();
            let header = |index| {
                (
                    octets(authkit_response_header_name_at(response, index)),
                    octets(authkit_response_header_value_at(response, index)),
                )
            };
            let mut body_length = 0;
            let body = authkit_response_body(response, &raw mut body_length);
            let decision = Decision {
                status,
                http_status: authkit_response_status(response),
                headers: (0..authkit_response_header_count(response)).map(header).collect(),
                body: std::slice::from_raw_parts(body.cast(), body_length).to_vec(),
                payload: payload(authkit_response_claims(response)),
            };
            authkit_response_free(response);
            decision
        }
    }

    pub fn set_jwks(&self, document: &[u8]) -> Answer {
        let mut error = ptr::null_mut();
        let (text, length) = (document.as_ptr().cast(), document.len());
        // SAFETY: as in verify; no issuer is the only issuer.
        unsafe {
            let status =
                authkit_verifier_set_jwks(self.0, ptr::null(), text, length, &raw mut error);
            let answer = Answer { status, payload: None, reason: reason(error) };
            authkit_error_free(error);
            answer
        }
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        // SAFETY: made by authkit_verifier_new and freed once.
        unsafe { authkit_verifier_free(self.0) }
    }
}

/// # Safety
/// `claims` is NULL or live.
unsafe fn payload(claims: *const Opaque) -> Option<String> {
    if claims.is_null() {
        return None;
    }
    let mut length = 0;
    // SAFETY: live claims lend pointer and length of one text.
    unsafe {
        assert!(!CStr::from_ptr(authkit_claims_subject(claims)).is_empty());
        let text = authkit_claims_json(claims, &raw mut length);
        Some(String::from_utf8(std::slice::from_raw_parts(text.cast(), length).to_vec()).unwrap())
    }
}

/// # Safety
/// `error` is NULL or live.
unsafe fn reason(error: *const Opaque) -> Option<String> {
    if error.is_null() {
        return None;
    }
    // SAFETY: a live error lends a NUL-terminated text.
    Some(unsafe { CStr::from_ptr(authkit_error_reason(error)) }.to_str().unwrap().to_owned())
}
