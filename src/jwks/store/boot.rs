//! The time since this machine started, sleep included: a clock that processes share and nobody can set.

use std::time::Duration;

/// A moment by that clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Boot {
    /// Which start it counts from. Moments of different starts cannot be compared.
    pub(super) id: String,
    pub(super) elapsed: Duration,
}

impl Boot {
    /// Now; `None` where the system does not tell.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn current() -> Option<Self> {
        use rustix::time::{ClockId, clock_gettime};

        let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        // A time namespace has this clock shifted, under the same boot id. Old kernels have none.
        let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
        let id = format!("{} {}", kernel.trim(), namespace.display());
        let elapsed = Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?;
        Some(Self { id, elapsed })
    }

    /// Elsewhere no such clock and name of a start are to be had without unsafe code.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn current() -> Option<Self> {
        None
    }
}
