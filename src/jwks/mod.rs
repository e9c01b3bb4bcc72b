//! The issuer's keys: which are admitted, which fits a token, and how they are fetched and kept.

pub(crate) mod admission;
pub(crate) mod cache;
pub(crate) mod fetch;
pub(crate) mod flight;
pub(crate) mod freshness;
pub(crate) mod keyset;
pub(crate) mod landings;
pub(crate) mod newest;
pub(crate) mod pace;
pub(crate) mod store;
pub(crate) mod throttle;
