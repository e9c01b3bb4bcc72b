//! The primitives under the single flight and the key snapshot, named in one place: a model checker
//! puts its own here (`tests/model`), and so do ThreadSanitizer's runs (`make tsan`, `make sanitize`).

pub(crate) use arc_swap::ArcSwapOption;
pub(crate) use std::sync::PoisonError;
#[cfg(not(authkit_tsan))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(authkit_tsan)]
#[path = "../tests/tsan/sync.rs"]
mod instrumented;
#[cfg(authkit_tsan)]
pub(crate) use instrumented::{Condvar, Mutex, MutexGuard};
