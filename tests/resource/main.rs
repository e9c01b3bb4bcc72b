//! What the verifier answers as a resource server, rule by rule: requests (RFC 6750), challenges (RFC 9728
//! §5.1), metadata and its places.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod authorization_server;
mod challenge;
mod log;
mod metadata;
mod request;
mod routers;
