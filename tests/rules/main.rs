//! Every row of the verification rules, by its number: what each input gets.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../support/mod.rs"]
mod support;

mod call;
mod causes;
mod claims;
mod configuration;
mod form;
mod header;
mod identity;
mod keys;
mod kinds;
mod precedence;
mod sentences;
mod signature;
