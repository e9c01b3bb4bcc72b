//! Verdicts in one call: for bindings, to which each call, each output and each copy is dear.
//!
//! A binding that keeps what it made of a token asks authkit_verifier_recall() first: a ticket tells that
//! the token is accepted, now and by this policy, and which acceptance it is. On 0 it calls
//! authkit_verifier_verify_into(), and keeps what it makes of the record under the record's ticket. Likewise
//! with a whole request: authkit_verifier_recall_request(), then authkit_verifier_authorize_into().

use std::ffi::c_char;

use serde_json::{Value, json};

use super::claims::authkit_claims;
use super::guard::guarded;
use super::handle::Handle;
use super::outcome::{measured, plain};
use super::policy::{authkit_policy, by_policy};
use super::response::{decide, request};
use super::text;
use super::verifier::authkit_verifier;
use crate::error::{Code, Error, Result};
use crate::{Claims, Decision, LogLine, Policy, Request, Response, Verifier};

/// Room for every record and every refusal that is written into a caller's buffer, in bytes.
pub const AUTHKIT_RECORD_CAPACITY: usize = 65536;

/// Whether a token is one that was accepted before and is accepted now: never waits, makes nothing, and is
/// a verdict like any other: the signing key is in force, the times and the policy's scopes were judged.
///
/// `token` is `len` bytes, as for authkit_verifier_verify().
/// `nullable_policy` adds demands of this call; NULL adds none.
///
/// Returns the ticket of the acceptance, below 2^53: its low 16 bits are a slot, and no other acceptance by
/// this verifier ever has the same number, so that what a host keeps for a slot is good as long as the
/// tickets are equal. Returns 0 if the token must be verified: it is new, or
/// not kept (token_cache_size), or no longer good; and if `verifier` or `token` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_recall(
    verifier: *const authkit_verifier,
    token: *const c_char,
    len: usize,
    nullable_policy: *const authkit_policy,
) -> u64 {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let verifier = &unsafe { authkit_verifier::lend(verifier) }?.verifier;
        // SAFETY: NULL or `len` readable bytes, by the header's contract.
        let token = unsafe { text::bytes_argument(token, len, "token") }?;
        // SAFETY: NULL or a live handle, by the header's contract.
        unsafe { by_policy(nullable_policy, |policy| verifier.ticket(token, policy)) }
    };
    plain(0, body)
}

/// As authkit_verifier_recall(), for the token in a request: a ticket means that authkit_verifier_authorize()
/// would let the request go on.
///
/// Parameters are those of authkit_verifier_authorize().
///
/// Returns a ticket, or 0 if the request must be decided on. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_recall_request(
    verifier: *const authkit_verifier,
    nullable_authorization: *const c_char,
    authorization_len: usize,
    nullable_query: *const c_char,
    query_len: usize,
    nullable_policy: *const authkit_policy,
) -> u64 {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let verifier = &unsafe { authkit_verifier::lend(verifier) }?.verifier;
        let (header, query) =
            ((nullable_authorization, authorization_len), (nullable_query, query_len));
        // SAFETY: NULL or readable bytes of these lengths, by the header's contract.
        let request = unsafe { request(header, query) }?;
        // SAFETY: NULL or a live handle, by the header's contract.
        unsafe { by_policy(nullable_policy, |policy| verifier.ticket_of_request(&request, policy)) }
    };
    plain(0, body)
}

/// Verifies a token as authkit_verifier_verify() does, may wait as long, and writes what it says, or why it
/// is refused, into the caller's buffer.
///
/// The record of an accepted token has five parts with the octet 0x1E between them, which no JSON text
/// holds:
///
/// 1. the ticket in decimal, 0 where the token is not kept;
/// 2. a JSON array of issuer, subject, client_id, scopes (list), expires_at (whole seconds), audience (list),
///    resource (or null), issued_at, not_before (whole seconds, or null), key_id (or null), algorithm, kind, family;
///    later releases may append to it;
/// 3. a JSON object of the other members of authkit_claims_identity_json(), but for null, false and empty lists;
/// 4. the header and
/// 5. the payload, both as they were signed.
///
/// A refusal is a JSON object with reason, hint (or null) and retry_after (or null). Both are UTF-8 and end with
/// a NUL. The call clears the buffer first. If it writes nothing else, the buffer holds an empty text.
///
/// `token`, `len` and `nullable_policy` are as for authkit_verifier_verify().
/// `buffer` has `capacity` bytes, AUTHKIT_RECORD_CAPACITY at least.
///
/// Returns the record's length in bytes, without the NUL, if the token is accepted; else the status of
/// authkit_verifier_verify(), negated. With a NULL or a capacity that is too small it is -AUTHKIT_MISUSE, and
/// the buffer holds an empty text (if `capacity` is at least 1). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_verify_into(
    verifier: *const authkit_verifier,
    token: *const c_char,
    len: usize,
    nullable_policy: *const authkit_policy,
    buffer: *mut c_char,
    capacity: usize,
) -> i32 {
    let how = |verifier: &Verifier, token: &[u8], policy: &Policy| verifier.verify(token, policy);
    // SAFETY: this function's contract is that one's.
    unsafe { judge_into(how, verifier, (token, len), nullable_policy, (buffer, capacity)) }
}

/// As authkit_verifier_verify_into(), without network and without waiting, as authkit_verifier_try_verify().
///
/// Parameters and results are those of authkit_verifier_verify_into(). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_try_verify_into(
    verifier: *const authkit_verifier,
    token: *const c_char,
    len: usize,
    nullable_policy: *const authkit_policy,
    buffer: *mut c_char,
    capacity: usize,
) -> i32 {
    let how =
        |verifier: &Verifier, token: &[u8], policy: &Policy| verifier.try_verify(token, policy);
    // SAFETY: this function's contract is that one's.
    unsafe { judge_into(how, verifier, (token, len), nullable_policy, (buffer, capacity)) }
}

/// Decides on a request as authkit_verifier_authorize() does, may wait as long, and writes what the token says, or
/// what to answer, into the caller's buffer.
///
/// If the request may go on, it is a record as authkit_verifier_verify_into() writes it. Otherwise it is a JSON
/// object with the response, status (a number), headers (a list of lists of a name and a value) and body (text),
/// beside the reason, hint and retry_after of authkit_verifier_verify_into(), which are only for the server's log,
/// and log (null, or an object with level and text): the line of authkit_response_log_line().
/// A challenge or body that does not fit, as with thousands of scopes, is left out.
///
/// `nullable_authorization` is `authorization_len` bytes, `nullable_query` is `query_len`, both raw; NULL if
/// missing. `nullable_policy` adds demands of this call; NULL adds none.
/// `buffer` has `capacity` bytes, AUTHKIT_RECORD_CAPACITY at least.
///
/// Returns the record's length in bytes, without the NUL, if the request may go on; else the status of
/// authkit_verifier_authorize(), negated. With -AUTHKIT_MISUSE there is no response. If the capacity is too small,
/// the buffer holds an empty text (if `capacity` is at least 1). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_authorize_into(
    verifier: *const authkit_verifier,
    nullable_authorization: *const c_char,
    authorization_len: usize,
    nullable_query: *const c_char,
    query_len: usize,
    nullable_policy: *const authkit_policy,
    buffer: *mut c_char,
    capacity: usize,
) -> i32 {
    let parts = ((nullable_authorization, authorization_len), (nullable_query, query_len));
    // SAFETY: this function's contract is that one's.
    unsafe {
        decide_into(Verifier::authorize, verifier, parts, nullable_policy, (buffer, capacity))
    }
}

/// As authkit_verifier_authorize_into(), without network and without waiting, as
/// authkit_verifier_try_authorize().
///
/// Parameters and results are those of authkit_verifier_authorize_into(). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_try_authorize_into(
    verifier: *const authkit_verifier,
    nullable_authorization: *const c_char,
    authorization_len: usize,
    nullable_query: *const c_char,
    query_len: usize,
    nullable_policy: *const authkit_policy,
    buffer: *mut c_char,
    capacity: usize,
) -> i32 {
    let parts = ((nullable_authorization, authorization_len), (nullable_query, query_len));
    // SAFETY: this function's contract is that one's.
    unsafe {
        decide_into(Verifier::try_authorize, verifier, parts, nullable_policy, (buffer, capacity))
    }
}

/// The record of an accepted token, as authkit_verifier_verify_into() writes it.
///
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns text borrowed from `claims`; NULL only if `claims` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_record(
    claims: *const authkit_claims,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body = || Ok(Some(unsafe { authkit_claims::lend(claims) }?.record()));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// # Safety
/// The pointers are as the header demands of authkit_verifier_verify_into().
unsafe fn judge_into(
    how: fn(&Verifier, &[u8], &Policy) -> Result<Claims>,
    verifier: *const authkit_verifier,
    (token, len): (*const c_char, usize),
    nullable_policy: *const authkit_policy,
    buffer: (*mut c_char, usize),
) -> i32 {
    let verdict = || {
        // SAFETY: NULL or a live handle, by this function's contract.
        let verifier = &unsafe { authkit_verifier::lend(verifier) }?.verifier;
        // SAFETY: NULL or `len` readable bytes, by this function's contract.
        let token = unsafe { text::bytes_argument(token, len, "token") }?;
        // SAFETY: NULL or a live handle, by this function's contract.
        let claims = unsafe { by_policy(nullable_policy, |policy| how(verifier, token, policy)) }??;
        Ok(Told::Record(claims.record()))
    };
    // SAFETY: NULL or writable for its capacity, by this function's contract.
    unsafe { tell(buffer, verdict) }
}

/// # Safety
/// The pointers are as the header demands of authkit_verifier_authorize_into().
unsafe fn decide_into(
    how: fn(&Verifier, &Request<'_>, &Policy) -> Decision,
    verifier: *const authkit_verifier,
    (authorization, query): ((*const c_char, usize), (*const c_char, usize)),
    nullable_policy: *const authkit_policy,
    buffer: (*mut c_char, usize),
) -> i32 {
    let verdict = || {
        // SAFETY: this function's contract is that one's.
        let decision = unsafe { decide(how, verifier, authorization, query, nullable_policy) }?;
        let record = decision.claims().map(Claims::record);
        Ok(record.map_or_else(|| Told::refused(&decision), Told::Record))
    };
    // SAFETY: NULL or writable for its capacity, by this function's contract.
    unsafe { tell(buffer, verdict) }
}

/// What a buffer is to hold.
enum Told {
    Record(Vec<u8>),
    /// A document, and the status of the refusal.
    Refusal(String, i32),
}

impl Told {
    fn refused(decision: &Decision) -> Self {
        let response = decision.response();
        // There is no refusal without its error; if there were, it would be a defect.
        let defect = || Error::new(Code::Internal, "a request was refused without a reason");
        let error = response.error().cloned().unwrap_or_else(defect);
        let whole = answer(&error, response, usize::MAX, decision.log_line());
        let document = if whole.len() < AUTHKIT_RECORD_CAPACITY {
            whole
        } else {
            answer(&short(&error), response, LONGEST_PART, decision.log_line())
        };
        Self::Refusal(document, error.code().status())
    }

    /// A refusal of a call that has no response.
    fn error(error: &Error) -> Self {
        let whole = refusal(error, []);
        let fits = whole.len() < AUTHKIT_RECORD_CAPACITY;
        let document = if fits { whole } else { refusal(&short(error), []) };
        Self::Refusal(document, error.code().status())
    }
}

/// If a refusal does not fit, its parts that are longer than this are left out. Code and HTTP status always remain.
const LONGEST_PART: usize = 1024;

/// An error that fits.
fn short(error: &Error) -> Error {
    let reason: String = error.reason().chars().take(LONGEST_PART).collect();
    let short = Error::new(error.code(), reason);
    match error.retry_after() {
        Some(seconds) => short.with_retry_after(seconds),
        None => short,
    }
}

/// What to answer, as a document, without headers and body of more than `longest` bytes.
fn answer(error: &Error, response: &Response, longest: usize, line: Option<&LogLine>) -> String {
    let headers: Vec<_> =
        response.headers().iter().filter(|(_, value)| value.len() <= longest).collect();
    let body = Some(response.body()).filter(|body| body.len() <= longest).unwrap_or_default();
    let line = line.map(|line| json!({ "level": line.level.name(), "text": line.text }));
    let answer = [
        ("status", json!(response.status())),
        ("headers", json!(headers)),
        ("body", json!(body)),
        ("log", json!(line)),
    ];
    refusal(error, answer)
}

/// Why a call is refused, as a document with these further members.
fn refusal<const MORE: usize>(error: &Error, more: [(&str, Value); MORE]) -> String {
    let why = [
        ("reason", json!(error.reason())),
        ("hint", json!(error.hint())),
        ("retry_after", json!(error.retry_after())),
    ];
    let members = why.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.collect()).to_string()
}

/// Writes a verdict; gives the length of its record, or its status negated.
///
/// # Safety
/// `buffer` is NULL or writable for `capacity` bytes.
unsafe fn tell(
    (buffer, capacity): (*mut c_char, usize),
    verdict: impl FnOnce() -> Result<Told>,
) -> i32 {
    // SAFETY: this function's contract is that one's.
    let mut room = unsafe { Room::of(buffer, capacity) };
    if room.capacity < AUTHKIT_RECORD_CAPACITY {
        return -Code::Misuse.status();
    }
    let told = guarded(verdict).unwrap_or_else(|error| Told::error(&error));
    let (text, status) = match &told {
        Told::Record(record) => (record.as_slice(), None),
        Told::Refusal(document, status) => (document.as_bytes(), Some(status)),
    };
    match (room.write(text), status) {
        (Some(length), None) => length,
        // Without room for its reason it would be the same refusal.
        (_, Some(status)) => -status,
        // A token has 16 KiB at most, and a record repeats each part of its payload three times at most.
        (None, None) => {
            let defect = Error::new(Code::Internal, "a record finds no room");
            room.write(refusal(&defect, []).as_bytes());
            -defect.code().status()
        }
    }
}

/// A caller's buffer. It never shows what an earlier call has written.
struct Room {
    buffer: *mut c_char,
    /// 0 for NULL.
    capacity: usize,
}

impl Room {
    /// A buffer with an empty text.
    ///
    /// # Safety
    /// `buffer` is NULL or writable for `capacity` bytes, for the life of what is returned.
    unsafe fn of(buffer: *mut c_char, capacity: usize) -> Self {
        let mut room = Self { buffer, capacity: if buffer.is_null() { 0 } else { capacity } };
        room.write(b"");
        room
    }

    /// Writes a text with its NUL, or an empty one if it does not fit; gives the length of what fits.
    fn write(&mut self, text: &[u8]) -> Option<i32> {
        let length = i32::try_from(text.len()).ok().filter(|_| text.len() < self.capacity);
        let shown = if length.is_some() { text } else { b"" };
        if shown.len() < self.capacity {
            // SAFETY: text and NUL fit into the capacity, which is writable by the contract of `of`; they do
            // not overlap with the text, which is the library's.
            unsafe {
                std::ptr::copy_nonoverlapping(shown.as_ptr().cast(), self.buffer, shown.len());
                self.buffer.add(shown.len()).write(0);
            }
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    const STALE: &[u8] = b"{\"reason\":\"another token's\"}";

    /// A buffer that an earlier call has filled, its first bytes given to `write`; and what it then shows.
    fn shown(capacity: usize, write: impl FnOnce(*mut c_char) -> i32) -> (i32, Vec<u8>) {
        let mut buffer = vec![b'x'; AUTHKIT_RECORD_CAPACITY.max(capacity) + 1];
        buffer[..STALE.len()].copy_from_slice(STALE);
        let before = buffer.clone();
        let result = write(buffer.as_mut_ptr().cast());
        assert_eq!(buffer[capacity..], before[capacity..], "written behind the end");
        let text = CStr::from_bytes_until_nul(&buffer[..capacity]);
        (result, text.map_or_else(|_| buffer[..capacity].to_vec(), |text| text.to_bytes().to_vec()))
    }

    #[test]
    fn a_text_that_does_not_fit_leaves_an_empty_one_in_every_capacity() {
        for text in [b"".as_slice(), b"a", b"0\x1e[]\x1e{}\x1e{}\x1e{}", STALE] {
            for capacity in 0..=text.len() + 2 {
                let write = |buffer| {
                    // SAFETY: the test's buffer is longer than every capacity.
                    let mut room = unsafe { Room::of(buffer, capacity) };
                    room.write(b"an earlier part");
                    room.write(text).unwrap_or(-1)
                };
                let (written, shows) = shown(capacity, write);
                let fits = text.len() < capacity;
                assert_eq!(written, if fits { i32::try_from(text.len()).unwrap() } else { -1 });
                assert_eq!(shows, if fits { text } else { b"" }, "{capacity}");
            }
        }
    }

    #[test]
    fn every_refusal_finds_room_for_its_code_and_its_reason_however_long_that_is() {
        let long = "\u{1}".repeat(AUTHKIT_RECORD_CAPACITY);
        for (&code, reason) in Code::ALL.iter().flat_map(|code| [(code, "short"), (code, &long)]) {
            let error = Error::new(code, reason.to_owned()).with_hint(reason.to_owned());
            let error = error.with_retry_after(7);
            // SAFETY: the test's buffer has this capacity.
            let write = |buffer| unsafe { tell((buffer, AUTHKIT_RECORD_CAPACITY), || Err(error)) };
            let (status, shows) = shown(AUTHKIT_RECORD_CAPACITY, write);
            assert_eq!(status, -code.status(), "{code:?}");
            let told: Value = serde_json::from_slice(&shows).unwrap();
            let reason = told["reason"].as_str().unwrap();
            assert!(!reason.is_empty() && !reason.contains("another"), "{code:?}");
            assert_eq!(told["retry_after"], 7, "{code:?}");
        }
    }

    #[test]
    fn a_buffer_below_the_capacity_is_misuse_and_is_cleared() {
        for capacity in (0..100).chain([AUTHKIT_RECORD_CAPACITY - 1]) {
            // SAFETY: the test's buffer is longer than every capacity.
            let write = |buffer| unsafe { tell((buffer, capacity), || Ok(Told::Record(vec![]))) };
            assert_eq!(shown(capacity, write), (-Code::Misuse.status(), vec![]), "{capacity}");
        }
        // SAFETY: NULL is no place to write to.
        let result = unsafe {
            tell((std::ptr::null_mut(), AUTHKIT_RECORD_CAPACITY), || Ok(Told::Record(vec![])))
        };
        assert_eq!(result, -Code::Misuse.status());
    }

    #[test]
    fn a_record_without_room_is_no_acceptance() {
        for (length, accepted) in
            [(AUTHKIT_RECORD_CAPACITY - 1, true), (AUTHKIT_RECORD_CAPACITY, false)]
        {
            let record = vec![b'r'; length];
            // SAFETY: the test's buffer has this capacity.
            let write = |buffer| unsafe {
                tell((buffer, AUTHKIT_RECORD_CAPACITY), || Ok(Told::Record(record)))
            };
            let (result, shows) = shown(AUTHKIT_RECORD_CAPACITY, write);
            if accepted {
                assert_eq!((result, shows.len()), (i32::try_from(length).unwrap(), length));
            } else {
                assert_eq!(result, -Code::Internal.status());
                assert!(shows.starts_with(b"{\"hint\":null"));
            }
        }
    }
}
