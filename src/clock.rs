//! "Now" as a value that can be passed: for token times, and for the age of keys.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The end of a wait that begins now. If a caller's duration is longer than an [`Instant`] can hold, `+` would panic.
/// The wait is then longer than any process lives.
pub(crate) fn after(wait: Duration) -> Instant {
    const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    Instant::now() + wait.min(AGES)
}

/// The two times the verifier asks for.
pub(crate) trait Clock: Send + Sync + fmt::Debug {
    /// This moment, to be told apart from others.
    fn moment(&self) -> Moment;

    /// A moment in seconds since 1970-01-01T00:00:00Z, as `exp`, `nbf` and `iat` count (RFC 7519 §2).
    fn unix_time(&self, moment: Moment) -> f64 {
        moment.wall.as_secs_f64()
    }
}

/// A moment by both of a machine's clocks, since neither alone tells an age: the monotonic one stops
/// while a laptop sleeps, the wall clock can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since some time before the clock was made. Never falls.
    pub(crate) monotonic: Duration,
    /// Since 1970.
    pub(crate) wall: Duration,
}

impl Moment {
    /// How long ago `earlier` was, by the clock that says longer: keys may seem older than they are,
    /// never younger. A wall clock set back changes nothing.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        let awake = self.monotonic.saturating_sub(earlier.monotonic);
        awake.max(self.wall.saturating_sub(earlier.wall))
    }

    /// The moment so long ago.
    pub(crate) fn before(self, age: Duration) -> Moment {
        Moment {
            monotonic: self.monotonic.saturating_sub(age),
            wall: self.wall.saturating_sub(age),
        }
    }
}

/// What the monotonic clock begins with: documents that another process has fetched are older than
/// this process's clock.
const BEGINNING: Duration = Duration::from_secs(1 << 20);

/// The machine's clocks.
#[derive(Debug)]
pub(crate) struct SystemClock {
    made: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { made: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn moment(&self) -> Moment {
        Moment { monotonic: BEGINNING + self.made.elapsed(), wall: since_1970() }
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Token times judged as of one moment, key ages by the machine's clocks.
#[derive(Debug)]
pub(crate) struct FixedClock {
    pub(crate) unix_time: i64,
    pub(crate) keys: SystemClock,
}

impl Clock for FixedClock {
    #[allow(clippy::cast_precision_loss)] // exact below 2^53, far beyond any token's time
    fn unix_time(&self, _: Moment) -> f64 {
        self.unix_time as f64
    }

    fn moment(&self) -> Moment {
        self.keys.moment()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_counts_sleep_and_ignores_a_wall_clock_set_back() {
        let at = |monotonic, wall| Moment {
            monotonic: Duration::from_secs(monotonic),
            wall: Duration::from_secs(wall),
        };
        let then = at(100, 1_000_000);
        for (what, now, age) in [
            ("awake", at(160, 1_000_060), 60),
            ("asleep for an hour", at(160, 1_003_660), 3660),
            ("wall clock set back by a day", at(160, 913_660), 60),
            ("wall clock set forward by a day", at(160, 1_086_460), 86_460),
            ("at once", then, 0),
        ] {
            assert_eq!(now.since(then).as_secs(), age, "{what}");
        }
    }
}
