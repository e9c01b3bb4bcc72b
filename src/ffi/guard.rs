//! Where panics stop: every exported function runs inside [`guarded`], so none unwinds into C.

#[cfg(panic = "abort")]
compile_error!(
    "authkit must be built with panic = \"unwind\": a defect must become AUTHKIT_INTERNAL, not the end of the host process"
);

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Code, Error, Result};

thread_local! {
    /// How many guards this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where the last panic inside a guard began.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs `body`; a panic becomes [`Code::Internal`] that names the place and nothing of the data.
pub(super) fn guarded<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    keep_quiet_inside();
    let _inside = Inside::enter();
    // Unwind-safe in fact: what a call shares with others is immutable or swapped atomically.
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping a payload runs foreign code, which can panic in turn. Leaking a message cannot.
        std::mem::forget(payload);
        Err(defect(PLACE.take()))
    })
}

/// Marks the thread as inside a guard until dropped.
struct Inside;

impl Inside {
    fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Keeps a stopped panic's message off the host's stderr: it can quote the token.
///
/// The hook that is found keeps its work for every panic outside of a guard. In the shared and
/// static library the Rust runtime is private, so that the host's own hook is never even seen.
fn keep_quiet_inside() {
    static DONE: AtomicBool = AtomicBool::new(false);
    // Not a Once: a fork in the middle of one would leave the child waiting for a thread it lacks.
    // The hook cannot be changed while this thread unwinds: then a later call does it.
    if DONE.load(Ordering::Relaxed)
        || std::thread::panicking()
        || DONE.swap(true, Ordering::Relaxed)
    {
        return;
    }
    let outer = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if DEPTH.get() == 0 {
            outer(info);
        } else {
            PLACE.set(info.location().map(place));
        }
    }));
}

/// `crate-1.2/src/file.rs:7`: enough to find the line, without the directories of the build machine.
fn place(location: &Location<'_>) -> String {
    let parts: Vec<&str> = location.file().rsplit(['/', '\\']).take(3).collect();
    let file = parts.into_iter().rev().collect::<Vec<_>>().join("/");
    format!("{file}:{}", location.line())
}

fn defect(place: Option<String>) -> Error {
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    Error::new(Code::Internal, format!("a defect in this library was stopped at {place}"))
        .with_hint(format!(
            "please report this place with the library's version, {}; nothing was accepted",
            env!("CARGO_PKG_VERSION")
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::panic)] // the subject
    fn a_panic_becomes_internal_and_names_the_place_but_not_the_message() {
        let error = guarded(|| -> Result<()> { panic!("eyJhbGciOi.secret") }).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert!(error.reason().contains("src/ffi/guard.rs:"), "{}", error.reason());
        assert!(!format!("{error}").contains("secret"));
        assert!(guarded(|| Ok(7)).is_ok_and(|seven| seven == 7), "the guard still works");
    }

    #[test]
    #[allow(clippy::panic, clippy::items_after_statements)]
    fn a_payload_that_panics_when_dropped_does_not_escape() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        let error = guarded(|| -> Result<()> { panic::panic_any(Bomb) }).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
    }

    #[test]
    #[allow(clippy::panic)]
    fn guards_nest_and_leave_the_thread_outside() {
        let inner = guarded(|| Ok(guarded(|| -> Result<()> { panic!() }).is_err()));
        assert!(inner.unwrap());
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn a_place_has_no_directories_of_the_build_machine() {
        let here = place(Location::caller());
        assert!(here.starts_with("src/ffi/guard.rs:"), "{here}");
        assert!(here.matches('/').count() == 2);
    }
}
