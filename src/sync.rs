//! The primitives under the single flight and the key snapshot, named in one place: a model checker
//! puts its own here (`tests/model`).

pub(crate) use arc_swap::ArcSwapOption;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
