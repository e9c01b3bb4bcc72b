//! How often something may be done: a number of times at once, and once more after each interval.

use std::time::Duration;

/// A token bucket over a clock that the caller reads.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    capacity: u32,
    /// The time in which one more token becomes available.
    interval: Duration,
    /// When the bucket will be full again.
    full_at: Duration,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(capacity: u32, interval: Duration) -> Self {
        Self { capacity, interval, full_at: Duration::ZERO }
    }

    /// How long until there is a token; zero if there is one now.
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        let last_token = self.interval * (self.capacity - 1);
        self.full_at.saturating_sub(now).saturating_sub(last_token)
    }

    /// Spends a token if there is one. An empty bucket goes into no debt.
    pub(crate) fn spend(&mut self, now: Duration) {
        let empty = now + self.interval * self.capacity;
        self.full_at = (self.full_at.max(now) + self.interval).min(empty);
    }

    /// Makes the bucket full.
    pub(crate) fn refill(&mut self) {
        self.full_at = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn gives_its_capacity_at_once_and_one_more_per_interval() {
        let mut bucket = TokenBucket::new(2, at(30));
        assert_eq!(bucket.wait(at(0)), at(0));
        bucket.spend(at(0));
        assert_eq!(bucket.wait(at(0)), at(0));
        bucket.spend(at(0));
        assert_eq!(bucket.wait(at(0)), at(30));
        assert_eq!(bucket.wait(at(29)), at(1));
        assert_eq!(bucket.wait(at(30)), at(0));
        bucket.spend(at(30));
        assert_eq!(bucket.wait(at(31)), at(29));
        // Idle time fills it up to its capacity and no further.
        bucket.spend(at(10_000));
        bucket.spend(at(10_000));
        assert_eq!(bucket.wait(at(10_000)), at(30));
    }

    #[test]
    fn an_empty_bucket_goes_into_no_debt_and_can_be_refilled() {
        let mut bucket = TokenBucket::new(1, at(10));
        for _ in 0..100 {
            bucket.spend(at(5));
        }
        assert_eq!(bucket.wait(at(5)), at(10));
        bucket.refill();
        assert_eq!(bucket.wait(at(5)), at(0));
    }
}
