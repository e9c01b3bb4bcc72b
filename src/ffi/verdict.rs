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
use crate::{Claims, Decision, Policy, Request, Verifier};

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
/// tickets are equal. Returns 0 where that says nothing of the token, and it must be verified: it is new, or
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
        Ok(unsafe { by_policy(nullable_policy, |policy| verifier.ticket(token, policy)) })
    };
    plain(0, body)
}

/// As authkit_verifier_recall(), for the token in a request: a ticket means that authkit_verifier_authorize()
/// would let the request go on.
///
/// Parameters are those of authkit_verifier_authorize().
///
/// Returns a ticket, or 0, where the request must be decided on. Any thread.
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
        Ok(unsafe {
            by_policy(nullable_policy, |policy| verifier.ticket_of_request(&request, policy))
        })
    };
    plain(0, body)
}

/// Verifies a token as authkit_verifier_verify() does, waiting likewise, and writes what it says, or why it
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
/// a NUL.
///
/// `token`, `len` and `nullable_policy` are as for authkit_verifier_verify().
/// `buffer` has `capacity` bytes, AUTHKIT_RECORD_CAPACITY at least.
///
/// Returns the record's length in bytes, without the NUL, if the token is accepted; else the status of
/// authkit_verifier_verify(), negated. With a NULL or a capacity that is too small it is -AUTHKIT_MISUSE, and
/// nothing is written. Any thread.
#[unsafe(no_mangle)]
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

/// Decides on a request as authkit_verifier_authorize() does, waiting likewise, and writes what the token says, or
/// what to answer, into the caller's buffer.
///
/// Where the request may go on it is a record as authkit_verifier_verify_into() writes it. Otherwise it is a JSON
/// object with the response, status (a number), headers (a list of lists of a name and a value) and body (text),
/// beside the reason, hint and retry_after of authkit_verifier_verify_into(), which are for the server's log alone.
///
/// `nullable_authorization` is `authorization_len` bytes, `nullable_query` is `query_len`, both as they came; NULL where
/// there is none. `nullable_policy` adds demands of this call; NULL adds none.
/// `buffer` has `capacity` bytes, AUTHKIT_RECORD_CAPACITY at least.
///
/// Returns the record's length in bytes, without the NUL, if the request may go on; else the status of
/// authkit_verifier_authorize(), negated. With -AUTHKIT_MISUSE there is no response, and, where `buffer` is NULL or the
/// capacity too small, nothing is written. Any thread.
#[unsafe(no_mangle)]
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
        let claims = unsafe { by_policy(nullable_policy, |policy| how(verifier, token, policy)) }?;
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
        let answer = [
            ("status", json!(response.status())),
            ("headers", json!(response.headers())),
            ("body", json!(response.body())),
        ];
        Self::Refusal(refusal(&error, answer), error.code().status())
    }
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
    if buffer.is_null() || capacity < AUTHKIT_RECORD_CAPACITY {
        return -Code::Misuse.status();
    }
    let written = || match verdict()? {
        // SAFETY: the buffer is writable for AUTHKIT_RECORD_CAPACITY bytes, as was checked.
        Told::Record(record) => unsafe { write(&record, buffer) },
        Told::Refusal(document, status) => {
            // SAFETY: as above.
            unsafe { write(document.as_bytes(), buffer) }.map(|_| -status)
        }
    };
    guarded(written).unwrap_or_else(|error| {
        // SAFETY: as above. A refusal that found no room would still be one.
        let _ = unsafe { write(refusal(&error, []).as_bytes(), buffer) };
        -error.code().status()
    })
}

/// Writes a text with its NUL, whole or not at all; gives its length.
///
/// # Safety
/// `buffer` is writable for AUTHKIT_RECORD_CAPACITY bytes.
unsafe fn write(text: &[u8], buffer: *mut c_char) -> Result<i32> {
    // A token has 16 KiB at most, and a record repeats each part of its payload three times at most.
    let length = i32::try_from(text.len()).ok().filter(|_| text.len() < AUTHKIT_RECORD_CAPACITY);
    let length = length.ok_or_else(|| Error::new(Code::Internal, "a record finds no room"))?;
    // SAFETY: the text and its NUL fit, as was checked, into what this function's contract says is
    // writable; the two do not overlap, as the text was made here.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, text.len());
        buffer.add(text.len()).write(0);
    }
    Ok(length)
}
