//! Bytes in, verdict out: strict JOSE parsing, claims, scopes. Pure: no network, no clock of its own.

pub(crate) mod base64url;
pub(crate) mod claims;
pub(crate) mod compact;
pub(crate) mod facts;
pub(crate) mod header;
pub(crate) mod identity;
pub(crate) mod json;
pub(crate) mod near_miss;
pub(crate) mod pasted;
pub(crate) mod policy;
pub(crate) mod rules;
pub(crate) mod scope;
pub(crate) mod signature;
pub(crate) mod untrusted;
