//! Stats: what a verifier has and has done, as one JSON document or number by number.

use std::ffi::c_char;

use super::error::authkit_error;
use super::handle::Handle;
use super::outcome::{free, measured, produce, scalar};
use super::status::authkit_status;
use super::text::{self, Text};
use super::verifier::authkit_verifier;
use crate::Stats;

/// A moment's state of a verifier's keys, and counts since it was made. Immutable. The caller's, freed
/// with authkit_stats_free().
pub struct authkit_stats {
    stats: Stats,
    json: Text,
}

impl Handle for authkit_stats {
    const NAME: &'static str = "stats";
}

/// Takes a verifier's stats. Does no I/O and waits for nothing.
///
/// `out_stats` receives stats that the caller owns, NULL on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` or `out_stats` is NULL. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_verifier_stats(
    verifier: *const authkit_verifier,
    out_stats: *mut *mut authkit_stats,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let stats = unsafe { authkit_verifier::lend(verifier) }?.verifier.stats();
        let json = Text::new(&stats.to_json());
        Ok(authkit_stats { stats, json })
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_stats, nullable_out_error, body) }
}

/// The stats as one JSON object: `issuers`, a list of objects with
///
/// - issuer, jwks_url (null for given keys)
/// - keys: list of {kid, alg}; dropped: list of {index, kid, reason}, the entries not used
/// - standing: none, given, fresh, refresh_due, stale (past its time to live, good in an outage), expired
/// - source: network, file, given or null
/// - age, ttl, next_refresh: seconds, or null
/// - generation: counts the key sets that differed from the one before
/// - fetches, failures, consecutive_failures, last_failure (a sentence or null), retry_after (seconds
///   or null), not_modified, throttled, stale_served
/// - skew: the issuer's clock less this machine's in seconds, or null
/// - headers: date, age, cache_control, etag, expires of the last answer, or null
///
/// `verdicts`, a map from outcome (OK, EXPIRED, ...) to count; `token_cache`, of the verified tokens that
/// are kept: entries, bytes, and hits, the verdicts OK for which no signature was checked; and
/// `events_lost`. More members may come.
/// Nothing in it comes from a token.
///
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns text borrowed from `stats`; NULL only if `stats` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_stats_json(
    stats: *const authkit_stats,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body = || Ok(Some(&unsafe { authkit_stats::lend(stats) }?.json));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// One number of the stats, for a metric.
///
/// `nullable_issuer` is a configured issuer; NULL means all: counts are added up, of `ttl`,
/// `next_refresh` and `generation` it is the least, of `age`, `retry_after`, `consecutive_failures` and
/// `skew` the furthest from 0.
/// `name` is a name of authkit_stats_json() whose value is a number, `keys` or `dropped` for their
/// count, or with NULL as issuer `events_lost`, `token_cache.hits`, `verdicts.OK` and so on.
/// `out` receives the number, 0 on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `stats`, `name` or `out` is NULL or a text is not UTF-8;
/// AUTHKIT_ABSENT if there is no such number, or none at this moment (null in the JSON). Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_stats_number(
    stats: *const authkit_stats,
    nullable_issuer: *const c_char,
    name: *const c_char,
    out: *mut i64,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let stats = unsafe { authkit_stats::lend(stats) }?;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        let issuer = unsafe { text::nullable_argument(nullable_issuer, "nullable_issuer") }?;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        Ok(stats.stats.number(issuer, unsafe { text::argument(name, "name") }?))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { scalar(out, body) }
}

/// Frees stats and the text borrowed from them. NULL is allowed and does nothing.
///
/// No other thread may be using `stats`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_stats_free(stats: *mut authkit_stats) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(stats) }
}
