//! Events: what happened to the issuers' keys, kept until the host takes it.

use std::ffi::c_char;

use super::handle::Handle;
use super::outcome::{borrowed, free, measured, plain};
use super::text::Text;
use super::verifier::authkit_verifier;

/// Something that happened to an issuer's keys. Immutable. The caller's, freed with
/// authkit_event_free().
pub struct authkit_event {
    name: Text,
    json: Text,
}

impl Handle for authkit_event {
    const NAME: &'static str = "event";
}

/// Takes the oldest event that is still there. A verifier keeps 256; then the oldest are lost,
/// which `events_lost` of authkit_stats_json() counts. Does no I/O and waits for nothing: call it in a
/// loop, on a timer or after a verification, to log what it gives. Each event is given once.
///
/// Returns an event that the caller owns; NULL if there is none or `verifier` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_verifier_next_event(
    verifier: *const authkit_verifier,
) -> *mut authkit_event {
    plain(std::ptr::null_mut(), || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let event = unsafe { authkit_verifier::lend(verifier) }?.verifier.next_event();
        Ok(event.map_or(std::ptr::null_mut(), |event| {
            let (name, json) = (Text::new(event.name()), Text::new(&event.to_json()));
            authkit_event { name, json }.hand_out()
        }))
    })
}

/// What happened:
///
/// - fetched: a document came or was confirmed; source, changed, ttl, milliseconds
/// - failed: a fetch failed; reason, failures (in a row)
/// - rotated: the keys in force are others than before; added, removed (lists of key ids)
/// - key_dropped: an entry of the key set is not used; index, kid, reason
/// - throttled: tokens with unknown key ids come too fast to ask for each; retry_after
/// - stale_served: keys past their time to live are used for want of newer ones; age
/// - skew_seen: the issuer's clock and this machine's differ by more than the leeway; skew
/// - shared_file_refused: the shared key file could not be used; reason
/// - warned: an operator should know something about how keys are fetched; it comes when the verifier is
///   made (allow_insecure_http is in use; SSL_CERT_FILE, SSL_CERT_DIR or extra_ca_file cannot be used); reason
///
/// More names may come.
///
/// Returns text borrowed from `event`; NULL only if `event` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_event_name(event: *const authkit_event) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    borrowed(|| Ok(Some(&unsafe { authkit_event::lend(event) }?.name)))
}

/// The event as one JSON object: event (its name), sequence (counts the verifier's events from 1), time
/// (Unix seconds), issuer, document (jwks, or authorization_server for an issuer's metadata), level (info or
/// warning), message (one sentence), and the members that authkit_event_name() lists. Nothing in it comes from a token; what an issuer chose is
/// escaped to printable ASCII and cut short.
///
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns text borrowed from `event`; NULL only if `event` is NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_event_json(
    event: *const authkit_event,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: NULL or a live handle, by the header's contract.
    let body = || Ok(Some(&unsafe { authkit_event::lend(event) }?.json));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// Frees an event and the texts borrowed from it. NULL is allowed and does nothing.
///
/// No other thread may be using `event`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_event_free(event: *mut authkit_event) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(event) }
}
