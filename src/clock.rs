//! "Now" as a value that can be passed: for token times, and for the age of keys.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The two times the verifier asks for.
pub(crate) trait Clock: Send + Sync + fmt::Debug {
    /// Seconds since 1970-01-01T00:00:00Z, as `exp`, `nbf` and `iat` count (RFC 7519 §2).
    fn unix_time(&self) -> f64;

    /// Time since some fixed point. Time the machine slept counts, since keys age then too; a wall
    /// clock that is set back can make it fall, never below the time the process has been awake.
    fn elapsed(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub(crate) struct SystemClock {
    started: Instant,
    started_wall: SystemTime,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), started_wall: SystemTime::now() }
    }
}

impl Clock for SystemClock {
    fn unix_time(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |age| age.as_secs_f64())
    }

    /// The larger of the monotonic and the wall clock's advance: the first stops while a laptop
    /// sleeps, the second can be set back.
    fn elapsed(&self) -> Duration {
        let wall = SystemTime::now().duration_since(self.started_wall).unwrap_or_default();
        self.started.elapsed().max(wall)
    }
}

/// Token times judged as of one moment, key ages by the machine's clocks.
#[derive(Debug)]
pub(crate) struct FixedClock {
    pub(crate) unix_time: i64,
    pub(crate) keys: SystemClock,
}

impl Clock for FixedClock {
    #[allow(clippy::cast_precision_loss)] // exact below 2^53, far beyond any token's time
    fn unix_time(&self) -> f64 {
        self.unix_time as f64
    }

    fn elapsed(&self) -> Duration {
        self.keys.elapsed()
    }
}
