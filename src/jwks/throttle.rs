//! How often unknown key ids may cause a fetch: a flood of random ones must not reach the issuer.

use std::time::Duration;

/// Fetches that unknown key ids may cause at once.
const CAPACITY: u32 = 2;
/// Time in which one more becomes available.
const REFILL: Duration = Duration::from_secs(30);

/// A token bucket over a clock that the caller reads.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    /// When the bucket will be full again.
    full_at: Duration,
}

impl TokenBucket {
    pub(crate) fn full() -> Self {
        Self { full_at: Duration::ZERO }
    }

    /// Takes one, or says how long until there is one.
    pub(crate) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.max(now);
        let after = full_at + REFILL;
        let limit = now + REFILL * CAPACITY;
        if after > limit {
            return Err(after - limit);
        }
        self.full_at = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_two_at_once_and_one_more_per_thirty_seconds() {
        let at = Duration::from_secs;
        let mut bucket = TokenBucket::full();
        assert!(bucket.take(at(0)).is_ok());
        assert!(bucket.take(at(0)).is_ok());
        assert_eq!(bucket.take(at(0)), Err(at(30)));
        assert_eq!(bucket.take(at(29)), Err(at(1)));
        assert!(bucket.take(at(30)).is_ok());
        assert_eq!(bucket.take(at(31)), Err(at(29)));
        // Idle time fills it up to its capacity and no further.
        assert!(bucket.take(at(10_000)).is_ok());
        assert!(bucket.take(at(10_000)).is_ok());
        assert!(bucket.take(at(10_000)).is_err());
    }
}
