//! Version: which contract the library keeps, and which release it is.

use std::ffi::c_char;

/// The contract this header describes. A program compares it with authkit_abi_version() when it
/// loads the library at run time.
pub const AUTHKIT_ABI_VERSION: u32 = 1;

/// The contract that the loaded library keeps. It changes only when a function's signature or
/// meaning changes; new functions and new status values do not change it.
///
/// Returns AUTHKIT_ABI_VERSION of the header that the library was built with. Never fails. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_abi_version() -> u32 {
    AUTHKIT_ABI_VERSION
}

/// The release of the loaded library, such as "0.1.0" (semantic versioning).
///
/// Returns static text, valid for the life of the process. Never fails. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
