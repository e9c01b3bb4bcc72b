//! Against other judges: what we accept, jsonwebtoken accepts too; and Wycheproof's published vectors.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../support/mod.rs"]
mod support;

mod oracle;
#[cfg(feature = "conformance")]
mod wycheproof;
