//! Other claims: any member of the payload by its name, without parsing JSON.
//!
//! Every top-level claim can be read in its own type; nested ones (`act`) are handed out as JSON text.
//! Texts are borrowed from the claims, as above.

use std::collections::HashMap;
use std::ffi::c_char;

use super::claims::authkit_claims;
use super::handle::Handle;
use super::outcome::{measured, plain, scalar};
use super::status::authkit_status;
use super::text::{self, Text};
use crate::error::Result;
use crate::{Claims, Value};

/// C's copies of the payload's members by their names.
pub(super) struct Members(HashMap<String, Member>);

struct Member {
    json: Text,
    string: Option<Text>,
    /// Only where every item is a string: a list read in part would be a list misread.
    strings: Option<Vec<Text>>,
}

impl Members {
    pub(super) fn of(claims: &Claims) -> Self {
        let members = claims.iter().map(|(name, value)| (name.into_owned(), Member::of(value)));
        Self(members.collect())
    }
}

impl Member {
    fn of(value: Value<'_>) -> Self {
        let strings = |items: &mut dyn Iterator<Item = Value<'_>>| {
            items.map(|item| Some(Text::new(&item.as_str()?))).collect()
        };
        Self {
            json: Text::new(value.raw()),
            string: value.as_str().map(|text| Text::new(&text)),
            strings: value.items().and_then(|mut items| strings(&mut items)),
        }
    }
}

/// The member that C names.
///
/// # Safety
/// The pointers are as the header demands of authkit_claims_string().
unsafe fn member<'a>(
    claims: *const authkit_claims,
    name: *const c_char,
) -> Result<Option<&'a Member>> {
    // SAFETY: NULL or a live handle, by this function's contract.
    let claims = unsafe { authkit_claims::lend(claims) }?;
    // SAFETY: NULL or NUL-terminated, by this function's contract.
    let name = unsafe { text::argument(name, "name") }?;
    Ok(claims.members().0.get(name))
}

/// A claim that is a string, such as "org_id", "sid" or "jti".
///
/// `name` is the claim's name, compared exactly.
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns borrowed text; NULL if the token has no string of this name, an argument is NULL or `name`
/// is not UTF-8. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_string(
    claims: *const authkit_claims,
    name: *const c_char,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: this function's contract is that one's.
    let body = || Ok(unsafe { member(claims, name) }?.and_then(|member| member.string.as_ref()));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// A claim that is a whole number, such as "auth_time".
///
/// `name` is the claim's name, compared exactly.
/// `out` receives the number, 0 on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or `name` is not UTF-8; AUTHKIT_ABSENT if
/// the token has no number of this name, or one that int64_t cannot hold exactly. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_claims_integer(
    claims: *const authkit_claims,
    name: *const c_char,
    out: *mut i64,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let claims = unsafe { authkit_claims::lend(claims) }?;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        let value = claims.claims.get(unsafe { text::argument(name, "name") }?);
        Ok(value.and_then(|value| value.as_i64().or_else(|| exact_integer(value.as_f64()?))))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { scalar(out, body) }
}

/// A claim that is a number.
///
/// `name` is the claim's name, compared exactly.
/// `out` receives the number, 0 on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or `name` is not UTF-8; AUTHKIT_ABSENT if
/// the token has no number of this name. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_claims_number(
    claims: *const authkit_claims,
    name: *const c_char,
    out: *mut f64,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let claims = unsafe { authkit_claims::lend(claims) }?;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        let value = claims.claims.get(unsafe { text::argument(name, "name") }?);
        Ok(value.and_then(|value| value.as_f64()))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { scalar(out, body) }
}

/// A claim that is true or false.
///
/// `name` is the claim's name, compared exactly.
/// `out` receives the value, false on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or `name` is not UTF-8; AUTHKIT_ABSENT if
/// the token has no boolean of this name. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_claims_boolean(
    claims: *const authkit_claims,
    name: *const c_char,
    out: *mut bool,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle, by the header's contract.
        let claims = unsafe { authkit_claims::lend(claims) }?;
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        let value = claims.claims.get(unsafe { text::argument(name, "name") }?);
        Ok(value.and_then(|value| value.as_bool()))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { scalar(out, body) }
}

/// How many strings a claim holds that is a list of strings, such as "permissions" or "roles".
///
/// `name` is the claim's name, compared exactly.
///
/// Returns 0 if the list is empty, the token has no such list of this name (a list with anything but
/// strings in it is none), an argument is NULL or `name` is not UTF-8. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_list_count(
    claims: *const authkit_claims,
    name: *const c_char,
) -> usize {
    plain(0, || {
        // SAFETY: this function's contract is that one's.
        let member = unsafe { member(claims, name) }?;
        Ok(member.and_then(|member| member.strings.as_ref()).map_or(0, Vec::len))
    })
}

/// One string of a claim that is a list of strings, in the token's order; `index` counts from 0.
///
/// `name` is the claim's name, compared exactly.
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns borrowed text; NULL if `index` is not below authkit_claims_list_count(). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_list_at(
    claims: *const authkit_claims,
    name: *const c_char,
    index: usize,
    nullable_out_len: *mut usize,
) -> *const c_char {
    let body = || {
        // SAFETY: this function's contract is that one's.
        let member = unsafe { member(claims, name) }?;
        Ok(member.and_then(|member| member.strings.as_ref()?.get(index)))
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// A claim of any type as its JSON text, as it was signed: for nested ones such as "act".
///
/// `name` is the claim's name, compared exactly.
/// `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
///
/// Returns borrowed text ("null" for a claim that is null); NULL if the token has no claim of this
/// name, an argument is NULL or `name` is not UTF-8. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_claims_value_json(
    claims: *const authkit_claims,
    name: *const c_char,
    nullable_out_len: *mut usize,
) -> *const c_char {
    // SAFETY: this function's contract is that one's.
    let body = || Ok(unsafe { member(claims, name) }?.map(|member| &member.json));
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { measured(nullable_out_len, body) }
}

/// A number that is not written as an integer but is one, and certainly no other: `7.0`, `7e0`.
#[allow(clippy::cast_possible_truncation)] // checked to be whole and within 2^53
fn exact_integer(number: f64) -> Option<i64> {
    /// Up to here every whole number is a double of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_integers_are_integers() {
        for (number, integer) in
            [(7.0, 7), (-0.0, 0), (1e3, 1000), (-9_007_199_254_740_991.0, -9_007_199_254_740_991)]
        {
            assert_eq!(exact_integer(number), Some(integer), "{number}");
        }
        for number in
            [7.5, 9_007_199_254_740_992.0, 1e18, 1e300, -1e19, 0.1, f64::NAN, f64::INFINITY]
        {
            assert_eq!(exact_integer(number), None, "{number}");
        }
    }
}
