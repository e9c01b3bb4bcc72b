//! Strings across the boundary: C's are checked and borrowed, ours are UTF-8 with a final NUL.

use std::ffi::{CStr, c_char};

use crate::error::{Code, Error, Result};

/// A string that C can read: UTF-8, NUL-terminated, at a fixed address for its owner's life.
#[derive(Clone)]
pub(super) struct Text(Box<[u8]>);

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let mut octets = Vec::with_capacity(text.len() + 1);
        octets.extend_from_slice(text.as_bytes());
        Self::of(octets)
    }

    /// A text that is octets already.
    pub(super) fn of(mut octets: Vec<u8>) -> Self {
        octets.push(0);
        Self(octets.into_boxed_slice())
    }

    /// The length without the final NUL, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len() - 1
    }

    pub(super) fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }

    /// False if a U+0000 inside would make a C reader see a shorter text than was signed.
    pub(super) fn reads_whole(&self) -> bool {
        self.0.iter().position(|byte| *byte == 0) == Some(self.len())
    }
}

/// A NUL-terminated argument.
///
/// # Safety
/// `pointer` is NULL or NUL-terminated, and stays alive and unchanged for `'a`.
pub(super) unsafe fn argument<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, and NUL-terminated by this function's contract.
    utf8(unsafe { CStr::from_ptr(pointer) }.to_bytes(), name)
}

/// A NUL-terminated argument that may be NULL.
///
/// # Safety
/// As [`argument`].
pub(super) unsafe fn nullable_argument<'a>(
    pointer: *const c_char,
    name: &str,
) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: this function's contract is that one's.
    unsafe { argument(pointer, name) }.map(Some)
}

/// An argument given by pointer and length.
///
/// # Safety
/// `pointer` is NULL or begins `len` readable bytes that stay alive and unchanged for `'a`.
pub(super) unsafe fn bytes_argument<'a>(
    pointer: *const c_char,
    len: usize,
    name: &str,
) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // No object is larger: such a length is a negative number or an error code in disguise.
    if isize::try_from(len).is_err() {
        return Err(Error::new(
            Code::Misuse,
            format!("the length of {name} is not the length of anything in memory"),
        ));
    }
    // SAFETY: not NULL, readable for `len` bytes by this function's contract, within isize::MAX.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), len) })
}

pub(super) fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        Error::new(
            Code::Misuse,
            format!("{name} is not UTF-8 from its byte {} on", error.valid_up_to()),
        )
    })
}

pub(super) fn null(name: &str) -> Error {
    Error::new(Code::Misuse, format!("{name} is NULL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_in_nul_and_knows_whether_c_reads_all_of_it() {
        for (text, whole) in
            [("", true), ("user_1", true), ("é", true), ("admin\0x", false), ("\0", false)]
        {
            let made = Text::new(text);
            assert_eq!((made.len(), made.reads_whole()), (text.len(), whole), "{text:?}");
            assert_eq!(made.0.last(), Some(&0));
        }
    }

    #[test]
    fn a_length_past_the_end_of_memory_is_misuse_and_is_not_read() {
        for len in [usize::MAX, isize::MAX as usize + 1] {
            // SAFETY: such a length is refused before anything is read.
            let error = unsafe { bytes_argument(c"x".as_ptr(), len, "token") }.unwrap_err();
            assert_eq!(error.code(), Code::Misuse);
            assert!(error.reason().contains("token"));
        }
    }
}
