//! The issuer's keys: which are admitted, which fits a token, and how they are fetched and kept.

pub(crate) mod admission;
pub(crate) mod cache;
pub(crate) mod call;
pub(crate) mod dial;
pub(crate) mod document;
mod errand;
pub(crate) mod fetch;
pub(crate) mod flight;
pub(crate) mod freshness;
pub(crate) mod keyset;
pub(crate) mod landings;
pub(crate) mod names;
pub(crate) mod newest;
pub(crate) mod pace;
mod race;
pub(crate) mod snapshot;
pub(crate) mod store;
pub(crate) mod throttle;
