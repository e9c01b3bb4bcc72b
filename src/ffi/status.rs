//! Status: every outcome as one number, and what it means for an HTTP server.

use std::ffi::{CStr, c_char};

use super::outcome::plain;
use crate::error::{Class, Code};

/// The kind of an outcome: the low byte of authkit_status. It alone fixes the HTTP status. Values
/// are fixed; new ones may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum authkit_class {
    /// Success.
    AUTHKIT_CLASS_OK = 0,
    /// The caller broke this header's contract.
    AUTHKIT_CLASS_MISUSE = 1,
    /// A setting is missing or wrong.
    AUTHKIT_CLASS_CONFIG = 2,
    /// The token is not acceptable: HTTP 401.
    AUTHKIT_CLASS_TOKEN = 3,
    /// The token is good but lacks a scope: HTTP 403.
    AUTHKIT_CLASS_FORBIDDEN = 4,
    /// The issuer's keys could not be had: HTTP 503. Says nothing about the token.
    AUTHKIT_CLASS_KEYS_UNAVAILABLE = 5,
    /// The answer needs the network and the call does not wait.
    AUTHKIT_CLASS_WOULD_BLOCK = 6,
    /// The thing asked for is not there.
    AUTHKIT_CLASS_ABSENT = 7,
    /// A defect in this library, stopped before it could do harm: HTTP 500.
    AUTHKIT_CLASS_INTERNAL = 8,
    /// The request carries no bearer token: HTTP 401, and no error named.
    AUTHKIT_CLASS_NO_CREDENTIALS = 9,
    /// The request carries its token in a way that must not be: HTTP 400.
    AUTHKIT_CLASS_REQUEST = 10,
    /// HTTP 429. The token may be good: the issuer could not be asked about its key.
    AUTHKIT_CLASS_UNCONFIRMED = 11,
}

/// The outcome of a call: (detail << 8) | class. Only AUTHKIT_OK accepts a token; everything else,
/// numbers not listed here included, refuses it. Values are fixed; new ones may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum authkit_status {
    /// Success. From a verify function: the token is accepted.
    AUTHKIT_OK = 0,
    /// The caller broke this header's contract: a NULL or text that is not UTF-8 where neither is
    /// allowed, an impossible length.
    AUTHKIT_MISUSE = 1,
    /// A setting is missing or wrong; nothing was built.
    AUTHKIT_CONFIG = 2,
    /// 401. Not a compact JWS with one strict JSON object as header and one as payload.
    AUTHKIT_MALFORMED = (1 << 8) | 3,
    /// 401. Longer than any token this library reads (16 KiB), or a header field is.
    AUTHKIT_TOO_LARGE = (2 << 8) | 3,
    /// 401. The signature algorithm is not allow-listed, or not the key's.
    AUTHKIT_ALGORITHM = (3 << 8) | 3,
    /// 401. The header demands an extension (`crit`); none is supported.
    AUTHKIT_CRITICAL_HEADER = (4 << 8) | 3,
    /// 401. The token is something other than an access token: by its `typ`, or an ID token by its claims.
    AUTHKIT_TYPE = (5 << 8) | 3,
    /// 401. No key of the issuer has this key id.
    AUTHKIT_UNKNOWN_KEY = (6 << 8) | 3,
    /// 401. The signature does not verify.
    AUTHKIT_SIGNATURE = (7 << 8) | 3,
    /// 401. `exp` is past, or `iat` older than max_token_age.
    AUTHKIT_EXPIRED = (8 << 8) | 3,
    /// 401. `nbf` or `iat` is still to come.
    AUTHKIT_NOT_YET_VALID = (9 << 8) | 3,
    /// 401. A claim is missing or of the wrong type, or binds the token to a key (`cnf`).
    AUTHKIT_CLAIM = (10 << 8) | 3,
    /// 401. The issuer is not allow-listed.
    AUTHKIT_ISSUER = (11 << 8) | 3,
    /// 401. The token is meant for another resource, or is a session token of another client.
    AUTHKIT_AUDIENCE = (12 << 8) | 3,
    /// 403. The token is good, but a required scope is missing.
    AUTHKIT_SCOPE = (1 << 8) | 4,
    /// 503. The issuer's keys could not be had; see authkit_error_retry_after().
    AUTHKIT_KEYS_UNAVAILABLE = 5,
    /// The answer needs the network, and a fetch is under way. Wait in authkit_verifier_wait() on
    /// another thread, then try again.
    AUTHKIT_WOULD_BLOCK = 6,
    /// The answer needs the network, and no fetch is under way (refresh_mode inline).
    /// Call authkit_verifier_verify() on a thread that may wait.
    AUTHKIT_FETCH_NEEDED = (1 << 8) | 6,
    /// The thing asked for is not there: a claim that the token does not carry in this type.
    AUTHKIT_ABSENT = 7,
    /// A defect in this library. The token was not accepted; the handles remain usable.
    AUTHKIT_INTERNAL = 8,
    /// 401. The request carries no bearer token.
    AUTHKIT_NO_CREDENTIALS = 9,
    /// 400. The request carries its token twice, in the query, or spelled as no token is.
    AUTHKIT_INVALID_REQUEST = 10,
    /// HTTP 429. The token names a key that is not among the issuer's known keys, and the issuer could not be
    /// asked: it fails, is slow, or was asked too often. The token may be good; see
    /// authkit_error_retry_after().
    AUTHKIT_KEY_UNCONFIRMED = 11,
}

/// Both of C's words for a code. Exhaustive, so that a new code cannot be forgotten here.
fn words(code: Code) -> (authkit_status, &'static CStr) {
    use authkit_status::*;
    match code {
        Code::Misuse => (AUTHKIT_MISUSE, c"MISUSE"),
        Code::Config => (AUTHKIT_CONFIG, c"CONFIG"),
        Code::Malformed => (AUTHKIT_MALFORMED, c"MALFORMED"),
        Code::TooLarge => (AUTHKIT_TOO_LARGE, c"TOO_LARGE"),
        Code::Algorithm => (AUTHKIT_ALGORITHM, c"ALGORITHM"),
        Code::CriticalHeader => (AUTHKIT_CRITICAL_HEADER, c"CRITICAL_HEADER"),
        Code::Type => (AUTHKIT_TYPE, c"TYPE"),
        Code::UnknownKey => (AUTHKIT_UNKNOWN_KEY, c"UNKNOWN_KEY"),
        Code::Signature => (AUTHKIT_SIGNATURE, c"SIGNATURE"),
        Code::Expired => (AUTHKIT_EXPIRED, c"EXPIRED"),
        Code::NotYetValid => (AUTHKIT_NOT_YET_VALID, c"NOT_YET_VALID"),
        Code::Claim => (AUTHKIT_CLAIM, c"CLAIM"),
        Code::Issuer => (AUTHKIT_ISSUER, c"ISSUER"),
        Code::Audience => (AUTHKIT_AUDIENCE, c"AUDIENCE"),
        Code::Scope => (AUTHKIT_SCOPE, c"SCOPE"),
        Code::KeysUnavailable => (AUTHKIT_KEYS_UNAVAILABLE, c"KEYS_UNAVAILABLE"),
        Code::WouldBlock => (AUTHKIT_WOULD_BLOCK, c"WOULD_BLOCK"),
        Code::FetchNeeded => (AUTHKIT_FETCH_NEEDED, c"FETCH_NEEDED"),
        Code::KeyUnconfirmed => (AUTHKIT_KEY_UNCONFIRMED, c"KEY_UNCONFIRMED"),
        Code::Absent => (AUTHKIT_ABSENT, c"ABSENT"),
        Code::Internal => (AUTHKIT_INTERNAL, c"INTERNAL"),
        Code::NoCredentials => (AUTHKIT_NO_CREDENTIALS, c"NO_CREDENTIALS"),
        Code::InvalidRequest => (AUTHKIT_INVALID_REQUEST, c"INVALID_REQUEST"),
    }
}

impl From<Code> for authkit_status {
    fn from(code: Code) -> Self {
        words(code).0
    }
}

impl From<Class> for authkit_class {
    fn from(class: Class) -> Self {
        match class {
            Class::Misuse => Self::AUTHKIT_CLASS_MISUSE,
            Class::Config => Self::AUTHKIT_CLASS_CONFIG,
            Class::Token => Self::AUTHKIT_CLASS_TOKEN,
            Class::Forbidden => Self::AUTHKIT_CLASS_FORBIDDEN,
            Class::KeysUnavailable => Self::AUTHKIT_CLASS_KEYS_UNAVAILABLE,
            Class::WouldBlock => Self::AUTHKIT_CLASS_WOULD_BLOCK,
            Class::Absent => Self::AUTHKIT_CLASS_ABSENT,
            Class::Internal => Self::AUTHKIT_CLASS_INTERNAL,
            Class::NoCredentials => Self::AUTHKIT_CLASS_NO_CREDENTIALS,
            Class::Request => Self::AUTHKIT_CLASS_REQUEST,
            Class::Unconfirmed => Self::AUTHKIT_CLASS_UNCONFIRMED,
        }
    }
}

/// What a status number stands for.
enum Meaning {
    Success,
    Refusal(Code),
    /// Not one of ours: treated as a defect, so that nothing opens by it.
    Unknown,
}

fn meaning(status: i32) -> Meaning {
    match Code::from_status(status) {
        Some(code) => Meaning::Refusal(code),
        None if status == authkit_status::AUTHKIT_OK as i32 => Meaning::Success,
        None => Meaning::Unknown,
    }
}

/// The stable name of a status for logs and programs: "OK", "EXPIRED", "KEYS_UNAVAILABLE" and so on.
///
/// Returns static text; "UNKNOWN" for a number that is no status. Never NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_status_name(status: i32) -> *const c_char {
    plain(c"UNKNOWN".as_ptr(), || {
        Ok(match meaning(status) {
            Meaning::Success => c"OK".as_ptr(),
            Meaning::Refusal(code) => words(code).1.as_ptr(),
            Meaning::Unknown => c"UNKNOWN".as_ptr(),
        })
    })
}

/// The HTTP status for a server to answer with: 200, 400, 401, 403, 429, 500 or 503.
///
/// Returns 500 for a number that is no status. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_status_http_status(status: i32) -> i32 {
    plain(500, || {
        Ok(match meaning(status) {
            Meaning::Success => 200,
            Meaning::Refusal(code) => i32::from(code.http_status()),
            Meaning::Unknown => 500,
        })
    })
}

/// The `error` of a WWW-Authenticate challenge (RFC 6750 section 3.1): "invalid_request" with 400,
/// "invalid_token" with 401, "insufficient_scope" with 403.
///
/// Returns static text, or NULL where no challenge is due. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_status_oauth_error(status: i32) -> *const c_char {
    plain(std::ptr::null(), || {
        Ok(match meaning(status) {
            Meaning::Refusal(code) => match code.class() {
                Class::Request => c"invalid_request".as_ptr(),
                Class::Token => c"invalid_token".as_ptr(),
                Class::Forbidden => c"insufficient_scope".as_ptr(),
                _ => std::ptr::null(),
            },
            _ => std::ptr::null(),
        })
    })
}

/// The class of a status.
///
/// Returns AUTHKIT_CLASS_INTERNAL for a number that is no status. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_status_class(status: i32) -> authkit_class {
    plain(authkit_class::AUTHKIT_CLASS_INTERNAL, || {
        Ok(match meaning(status) {
            Meaning::Success => authkit_class::AUTHKIT_CLASS_OK,
            Meaning::Refusal(code) => code.class().into(),
            Meaning::Unknown => authkit_class::AUTHKIT_CLASS_INTERNAL,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Static text from one of the functions above, NULL as none.
    fn read(text: *const c_char) -> Option<&'static str> {
        // SAFETY: those functions return NULL or static NUL-terminated text.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap())
    }

    #[test]
    fn every_code_has_the_same_number_name_and_meaning_in_c() {
        for &code in Code::ALL {
            let status = authkit_status::from(code) as i32;
            assert_eq!(status, code.status(), "{code:?}");
            assert_eq!(read(authkit_status_name(status)), Some(code.name()));
            assert_eq!(authkit_status_http_status(status), i32::from(code.http_status()));
            assert_eq!(read(authkit_status_oauth_error(status)), code.oauth_error());
            assert_eq!(authkit_status_class(status) as i32, code.class() as i32);
            assert_eq!(status & 0xff, code.class() as i32);
        }
    }

    #[test]
    fn success_is_zero_and_200() {
        assert_eq!(authkit_status::AUTHKIT_OK as i32, 0);
        assert_eq!(read(authkit_status_name(0)), Some("OK"));
        assert_eq!(authkit_status_http_status(0), 200);
        assert_eq!(read(authkit_status_oauth_error(0)), None);
        assert_eq!(authkit_status_class(0), authkit_class::AUTHKIT_CLASS_OK);
    }

    #[test]
    fn a_number_that_is_no_status_opens_nothing() {
        for number in [-1, i32::MIN, i32::MAX, 3, 12, 0x100, 0x1_0000, (200 << 8) | 3] {
            assert_eq!(read(authkit_status_name(number)), Some("UNKNOWN"), "{number}");
            assert_eq!(authkit_status_http_status(number), 500);
            assert_eq!(read(authkit_status_oauth_error(number)), None);
            assert_eq!(authkit_status_class(number), authkit_class::AUTHKIT_CLASS_INTERNAL);
        }
    }
}
