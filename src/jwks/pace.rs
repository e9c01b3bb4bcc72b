//! When the issuer may be asked again: after failures less and less often, for unknown key ids seldom.

use std::time::Duration;

use super::fetch::FetchError;
use super::throttle::TokenBucket;

/// Shortest time between a failed fetch and the next.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Longest time that somebody without keys is told to come back after, where the server asks for no
/// longer: recovery must not be slept through.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Longest time between two tries to refresh keys that are still good.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// What is remembered between fetches. Times are of the clock that nobody sets.
#[derive(Debug)]
pub(crate) struct Pace {
    last_failure: Option<FetchError>,
    /// Fetches that have failed since the last that did not.
    failures: u32,
    /// No fetch before this, for who lacks a key.
    not_before: Duration,
    /// No refresh of keys that are still good before this: a fleet must not wait for its issuer in
    /// step. Who has no keys, or misses one, does not wait so long.
    refresh_not_before: Duration,
    unknown_keys: TokenBucket,
}

/// Why there is no fetch yet, and for how long.
#[derive(Debug)]
pub(crate) struct Pause {
    pub(crate) failure: FetchError,
    pub(crate) left: Duration,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            last_failure: None,
            failures: 0,
            not_before: Duration::ZERO,
            refresh_not_before: Duration::ZERO,
            unknown_keys: TokenBucket::full(),
        }
    }

    /// What holds back a fetch for want of keys.
    pub(crate) fn pause(&self, now: Duration) -> Option<Pause> {
        self.held_until(self.not_before, now)
    }

    /// What holds back a refresh of keys that are still good.
    pub(crate) fn refresh_pause(&self, now: Duration) -> Option<Pause> {
        self.held_until(self.refresh_not_before, now)
    }

    fn held_until(&self, moment: Duration, now: Duration) -> Option<Pause> {
        let failure = self.last_failure.clone()?;
        let left = moment.checked_sub(now).filter(|left| !left.is_zero())?;
        Some(Pause { failure, left })
    }

    /// Spends one of the fetches that unknown key ids may cause, or says how long until there is one.
    pub(crate) fn spend_for_unknown_key(&mut self, now: Duration) -> Result<(), Duration> {
        self.unknown_keys.take(now)
    }

    pub(crate) fn succeeded(&mut self) {
        self.last_failure = None;
        self.failures = 0;
    }

    /// Full jitter (anything up to a limit that doubles with each failure), by `spread` out of 255.
    pub(crate) fn failed(&mut self, failure: FetchError, now: Duration, spread: u8) {
        let limit = RETRY_PAUSE.saturating_mul(1 << self.failures.min(6));
        let asked = failure
            .retry_after
            .map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds.into()));
        let pause = jittered(limit.min(MAX_PAUSE), spread).max(RETRY_PAUSE).max(asked);
        self.not_before = now + pause;
        self.refresh_not_before =
            self.not_before.max(now + jittered(limit.min(MAX_BACKOFF), spread));
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(failure);
    }

    pub(crate) fn last_failure(&self) -> Option<&FetchError> {
        self.last_failure.as_ref()
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

fn jittered(limit: Duration, spread: u8) -> Duration {
    limit * u32::from(spread) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(times: u32, spread: u8) -> Pace {
        let mut pace = Pace::new();
        for _ in 0..times {
            pace.failed(FetchError::new("down"), Duration::ZERO, spread);
        }
        pace
    }

    #[test]
    fn backing_off_doubles_up_to_a_limit_and_is_spread() {
        let seconds = |pause: Option<Pause>| pause.map(|pause| pause.left.as_secs());
        // (failures, the most for who lacks keys, the most for who has some)
        for (failures, most, most_refreshing) in
            [(1, 1, 1), (2, 2, 2), (3, 4, 4), (4, 5, 8), (6, 5, 32), (7, 5, 60), (500, 5, 60)]
        {
            let pace = failing(failures, u8::MAX);
            assert_eq!(seconds(pace.pause(Duration::ZERO)), Some(most), "{failures}");
            assert_eq!(seconds(pace.refresh_pause(Duration::ZERO)), Some(most_refreshing));
            let pace = failing(failures, 0);
            assert_eq!(seconds(pace.pause(Duration::ZERO)), Some(1), "never less than a second");
            assert_eq!(seconds(pace.refresh_pause(Duration::ZERO)), Some(1));
        }
    }

    #[test]
    fn a_server_that_says_when_is_not_asked_before() {
        let mut pace = Pace::new();
        let failure = FetchError { retry_after: Some(40), ..FetchError::new("busy") };
        pace.failed(failure, Duration::from_secs(100), u8::MAX);
        assert_eq!(pace.pause(Duration::from_secs(110)).unwrap().left.as_secs(), 30);
        assert!(pace.pause(Duration::from_secs(140)).is_none());
    }

    #[test]
    fn a_success_ends_every_pause() {
        let mut pace = failing(5, u8::MAX);
        pace.succeeded();
        assert!(pace.pause(Duration::ZERO).is_none());
        assert!(pace.refresh_pause(Duration::ZERO).is_none());
        assert_eq!((pace.failures(), pace.last_failure().is_some()), (0, false));
    }
}
