//! The C ABI: opaque handles and scalars, nothing else. The crate's only unsafe code.
//!
//! One file per section of `include/authkit.h`, whose text these doc comments are; the helpers that
//! hold the unsafe work are `guard` (panics), `handle` (ownership), `outcome` (status and outputs)
//! and `text` (strings). Nothing is decided here: a section marshals and calls the Rust API.

// The names are C's, as the header spells them.
#![allow(non_camel_case_types)]
// The docs become the header's comments, for a C reader: the header's introduction says once what
// every pointer must be, and a `# Safety` heading at each function would repeat it in Rust's words.
#![allow(clippy::missing_safety_doc)]
#![allow(rustdoc::bare_urls)]
// Reached by their symbols from C, never by a Rust path.
#![allow(unreachable_pub)]

mod guard;
mod handle;
mod identity;
mod outcome;
mod text;

mod access;
mod claims;
mod config;
mod default;
mod error;
mod event;
mod log;
mod policy;
mod response;
mod stats;
mod status;
mod values;
mod verdict;
mod verifier;
mod version;
