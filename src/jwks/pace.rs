//! When the issuer may be asked again: after failures less and less often, for unknown key ids seldom.

use std::time::Duration;

use super::fetch::FetchError;
use super::throttle::TokenBucket;

/// Shortest time between a failed fetch and the next.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The same from the third failure in a row on: a failing issuer gets at most one request in 2 s.
const LATER_RETRY_PAUSE: Duration = Duration::from_secs(2);
const QUICK_RETRIES: u32 = 2;
/// Longest time after which a caller without keys is told to retry, if the server asks for no
/// longer: recovery must not be slept through.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Longest time between two tries to refresh keys that are still good.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Pause from the start of a failed fetch to the next one for an unknown key: at least this long, and up to
/// the spread more. Shorter than the pause of refreshes, since good tokens wait for it.
const LOOK_UP_PAUSE: Duration = Duration::from_secs(2);
const LOOK_UP_SPREAD: Duration = Duration::from_secs(3);
/// Under a flood of unknown key ids the issuer is asked once in this time, so no good token waits longer
/// for its new key. Conditional requests make that cheap for the issuer.
const LOOK_UP_INTERVAL: Duration = Duration::from_secs(10);
/// Look-ups for unknown key ids that may be made at once.
const LOOK_UPS: u32 = 2;
/// Fetches of whatever kind that may be made at once while the issuer answers. A look-up needs one of these
/// too, so that a rotation, which allows more look-ups, does not raise the rate.
const FETCHES: u32 = 5;

/// What is remembered between fetches. Times are of the clock that nobody sets.
#[derive(Debug)]
pub(crate) struct Pace {
    last_failure: Option<FetchError>,
    /// Fetches that have failed since the last that did not.
    failures: u32,
    /// Whether the last fetch failed after a long time: a caller with usable keys waits for no such fetch.
    is_slow: bool,
    /// No fetch before this for a caller without usable keys.
    not_before: Duration,
    /// No refresh of keys that are still good before this: a fleet must not wait for its issuer in
    /// step.
    refresh_not_before: Duration,
    /// After a failure: no fetch before this for an unknown key.
    look_up_not_before: Duration,
    look_ups: TokenBucket,
    fetches: TokenBucket,
}

/// Why there is no fetch yet, and for how long.
#[derive(Debug)]
pub(crate) struct Pause {
    /// `None` if the issuer answers and our own limit is reached.
    pub(crate) failure: Option<FetchError>,
    pub(crate) left: Duration,
}

/// A fetch that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) started: Duration,
    pub(crate) ended: Duration,
    /// It took longer than a caller with usable keys waits.
    pub(crate) was_slow: bool,
    /// It was made for an unknown key.
    pub(crate) is_look_up: bool,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            last_failure: None,
            failures: 0,
            is_slow: false,
            not_before: Duration::ZERO,
            refresh_not_before: Duration::ZERO,
            look_up_not_before: Duration::ZERO,
            look_ups: TokenBucket::new(LOOK_UPS, LOOK_UP_INTERVAL),
            fetches: TokenBucket::new(FETCHES, LOOK_UP_INTERVAL),
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

    /// What holds back a fetch for an unknown key. While the issuer fails, only the time since the last
    /// try counts: a flood must not use up the look-ups that find a new key after the recovery.
    pub(crate) fn look_up_pause(&self, now: Duration) -> Option<Pause> {
        if self.last_failure.is_some() {
            return self.held_until(self.look_up_not_before, now);
        }
        let left = self.look_ups.wait(now).max(self.fetches.wait(now));
        (!left.is_zero()).then_some(Pause { failure: None, left })
    }

    fn held_until(&self, moment: Duration, now: Duration) -> Option<Pause> {
        let failure = self.last_failure.clone()?;
        let left = moment.checked_sub(now).filter(|left| !left.is_zero())?;
        Some(Pause { failure: Some(failure), left })
    }

    /// `has_new_key`: the issuer publishes a key that it did not publish before. Other keys may follow. Only the
    /// issuer can cause this, so look-ups are free again.
    pub(crate) fn succeeded(&mut self, attempt: Attempt, has_new_key: bool) {
        self.last_failure = None;
        self.failures = 0;
        self.is_slow = false;
        self.fetches.spend(attempt.started);
        if has_new_key {
            self.look_ups.refill();
        } else if attempt.is_look_up {
            self.look_ups.spend(attempt.started);
        }
    }

    /// Full jitter (anything up to a limit that doubles with each failure), by `spread` out of 255.
    pub(crate) fn failed(&mut self, failure: FetchError, attempt: Attempt, spread: u8) {
        let limit = RETRY_PAUSE.saturating_mul(1 << self.failures.min(6));
        let least = if self.failures < QUICK_RETRIES { RETRY_PAUSE } else { LATER_RETRY_PAUSE };
        let asked = failure
            .retry_after
            .map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds.into()));
        let pause = jittered(limit.min(MAX_PAUSE), spread).max(least).max(asked);
        self.not_before = attempt.ended + pause;
        self.refresh_not_before =
            self.not_before.max(attempt.ended + jittered(limit.min(MAX_BACKOFF), spread));
        self.look_up_not_before =
            attempt.started + LOOK_UP_PAUSE + jittered(LOOK_UP_SPREAD, spread);
        self.failures = self.failures.saturating_add(1);
        self.is_slow = attempt.was_slow;
        self.last_failure = Some(failure);
    }

    pub(crate) fn last_failure(&self) -> Option<&FetchError> {
        self.last_failure.as_ref()
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn is_slow(&self) -> bool {
        self.is_slow
    }
}

fn jittered(limit: Duration, spread: u8) -> Duration {
    limit * u32::from(spread) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn attempt(started: u64, is_look_up: bool) -> Attempt {
        Attempt { started: at(started), ended: at(started), was_slow: false, is_look_up }
    }

    fn failing(times: u32, spread: u8) -> Pace {
        let mut pace = Pace::new();
        for _ in 0..times {
            pace.failed(FetchError::new("down"), attempt(0, false), spread);
        }
        pace
    }

    #[test]
    fn backing_off_doubles_up_to_a_limit_and_is_spread() {
        let seconds = |pause: Option<Pause>| pause.map(|pause| pause.left.as_secs());
        // (failures, the most for callers without keys, the most for callers with keys, the least for both)
        for (failures, most, most_refreshing, least) in [
            (1, 1, 1, 1),
            (2, 2, 2, 1),
            (3, 4, 4, 2),
            (4, 5, 8, 2),
            (6, 5, 32, 2),
            (7, 5, 60, 2),
            (500, 5, 60, 2),
        ] {
            let pace = failing(failures, u8::MAX);
            assert_eq!(seconds(pace.pause(at(0))), Some(most), "{failures}");
            assert_eq!(seconds(pace.refresh_pause(at(0))), Some(most_refreshing));
            let pace = failing(failures, 0);
            assert_eq!(seconds(pace.pause(at(0))), Some(least), "{failures}");
            assert_eq!(seconds(pace.refresh_pause(at(0))), Some(least));
        }
    }

    #[test]
    fn a_server_that_says_when_is_not_asked_before_by_who_has_no_keys() {
        let mut pace = Pace::new();
        let failure = FetchError { retry_after: Some(40), ..FetchError::new("busy") };
        pace.failed(failure, attempt(100, false), u8::MAX);
        assert_eq!(pace.pause(at(110)).unwrap().left.as_secs(), 30);
        assert!(pace.pause(at(140)).is_none());
    }

    #[test]
    fn a_look_up_is_held_back_for_two_to_five_seconds_from_the_start_of_a_failed_fetch() {
        for failures in [1, 2, 7, 500] {
            for (spread, seconds) in [(0, 2), (u8::MAX, 5)] {
                let pace = failing(failures, spread);
                assert_eq!(pace.look_up_pause(at(0)).unwrap().left, at(seconds), "{failures}");
                assert!(pace.look_up_pause(at(seconds)).is_none(), "{failures}");
            }
        }
        let mut pace = Pace::new();
        let stalled = Attempt { ended: at(5), was_slow: true, ..attempt(0, true) };
        pace.failed(FetchError::new("slow"), stalled, u8::MAX);
        assert!(pace.look_up_pause(at(5)).is_none(), "the time that it stalled counts");
        assert!(pace.is_slow());
        pace.succeeded(attempt(5, true), false);
        assert!(!pace.is_slow());
    }

    #[test]
    fn a_flood_makes_a_good_token_wait_for_ten_seconds_at_the_most() {
        let mut pace = Pace::new();
        pace.succeeded(attempt(0, false), true);
        for _ in 0..LOOK_UPS {
            assert!(pace.look_up_pause(at(0)).is_none());
            pace.succeeded(attempt(0, true), false);
        }
        for second in (10..1000).step_by(10) {
            assert_eq!(pace.look_up_pause(at(second - 10)).unwrap().left, at(10));
            assert!(pace.look_up_pause(at(second)).is_none());
            pace.succeeded(attempt(second, true), false);
        }
    }

    #[test]
    fn a_new_key_allows_look_ups_again() {
        let mut pace = Pace::new();
        for _ in 0..LOOK_UPS {
            pace.succeeded(attempt(0, true), false);
        }
        assert!(pace.look_up_pause(at(1)).is_some());
        pace.succeeded(attempt(1, false), true);
        assert!(pace.look_up_pause(at(1)).is_none());
    }

    #[test]
    fn a_success_ends_every_pause() {
        let mut pace = failing(5, u8::MAX);
        pace.succeeded(attempt(0, false), false);
        assert!(pace.pause(at(0)).is_none());
        assert!(pace.refresh_pause(at(0)).is_none());
        assert!(pace.look_up_pause(at(0)).is_none());
        assert_eq!((pace.failures(), pace.last_failure().is_some()), (0, false));
    }

    /// However the issuer fails, if somebody asks for an unknown key all the time.
    #[test]
    fn requests_are_bounded_while_the_issuer_answers_and_while_it_fails() {
        for (name, weather) in [
            ("answers", (|_| true) as fn(u64) -> bool),
            ("fails", |_| false),
            ("changes each minute", |second| second / 60 % 2 == 0),
            ("changes each second", |second| second % 2 == 0),
            ("rotates", |_| true),
        ] {
            let (mut pace, mut requests, mut bound) = (Pace::new(), 0.0, 5.0);
            for second in 0..3600 {
                let is_up = weather(second);
                bound += if is_up { 1.0 / 10.0 } else { 1.0 / 2.0 };
                let is_first = second == 0;
                if !is_first && pace.look_up_pause(at(second)).is_some() {
                    continue;
                }
                requests += 1.0;
                if is_up {
                    let is_new = name == "rotates" && second % 45 < 10;
                    pace.succeeded(attempt(second, !is_first), is_new);
                } else {
                    // Any jitter, as chance has it.
                    let spread = (second * 97 % 256) as u8;
                    pace.failed(FetchError::new("down"), attempt(second, !is_first), spread);
                }
                assert!(requests <= bound, "{name}, second {second}: {requests} > {bound}");
            }
        }
    }
}
