//! The primitives under the single flight and the key snapshot, named in one place: a model checker
//! puts its own here (`tests/model`), and so does ThreadSanitizer's run (`make tsan`).

pub(crate) use arc_swap::ArcSwapOption;
pub(crate) use std::sync::PoisonError;
#[cfg(not(all(test, authkit_tsan)))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(all(test, authkit_tsan))]
#[path = "../tests/tsan/sync.rs"]
mod instrumented;
#[cfg(all(test, authkit_tsan))]
pub(crate) use instrumented::{Condvar, Mutex, MutexGuard};
