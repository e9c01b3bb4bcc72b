//! How long a fetched key set is trusted: fresh, then tolerated, then not at all (RFC 9111 §4.2, bounded).

use std::time::Duration;

use crate::clock::Moment;

/// Shortest time to live, whatever the server says: bounds how often it is asked.
const MIN_TTL: Duration = Duration::from_secs(60);
/// Longest time to live: bounds how long a revoked key is believed.
const MAX_TTL: Duration = Duration::from_secs(3600);
/// Time to live where the server says nothing.
const DEFAULT_TTL: Duration = Duration::from_secs(300);
/// How long known keys are believed while the server cannot be reached.
pub(crate) const HARD_LIMIT: Duration = Duration::from_secs(3600);
/// Where in the time to live the next refresh starts, as fractions of 100.
const REFRESH_AHEAD_PERCENT: std::ops::RangeInclusive<u32> = 75..=90;

/// From when and for how long a key set is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    began: Moment,
    refresh_after: Duration,
    ttl: Duration,
}

/// What a key set is good for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Fresh,
    /// Still fresh; time to fetch the next one without making anybody wait.
    RefreshDue,
    /// To be refreshed first; good enough if that fails.
    Stale,
    /// Not to be believed any more.
    Expired,
}

impl Lifetime {
    /// A set whose fetch began then. `spread` in 0..=255 places the refresh, so that a fleet does not
    /// ask in step.
    pub(crate) fn new(began: Moment, ttl: Duration, spread: u8) -> Self {
        let (first, last) = (REFRESH_AHEAD_PERCENT.start(), REFRESH_AHEAD_PERCENT.end());
        let percent = first + u32::from(spread) * (last - first) / u32::from(u8::MAX);
        Self { began, refresh_after: ttl * percent / 100, ttl }
    }

    /// How long the set counts as fresh.
    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// How long until it is to be refreshed; zero where that is due.
    pub(crate) fn until_refresh(&self, now: Moment) -> Duration {
        self.refresh_after.saturating_sub(now.since(self.began))
    }

    pub(crate) fn standing(&self, now: Moment) -> Standing {
        let age = now.since(self.began);
        if age >= HARD_LIMIT {
            Standing::Expired
        } else if age >= self.ttl {
            Standing::Stale
        } else if age >= self.refresh_after {
            Standing::RefreshDue
        } else {
            Standing::Fresh
        }
    }
}

impl Standing {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Standing::Fresh => "fresh",
            Standing::RefreshDue => "refresh_due",
            Standing::Stale => "stale",
            Standing::Expired => "expired",
        }
    }
}

/// The time to live that a response's headers ask for, within our bounds.
pub(crate) fn time_to_live(cache_control: &str, age: &str) -> Duration {
    let mut max_age = None;
    for directive in cache_control.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return MIN_TTL,
            "max-age" => max_age = value.trim().trim_matches('"').parse::<u64>().ok(),
            _ => {}
        }
    }
    let Some(max_age) = max_age else { return DEFAULT_TTL };
    let age = age.trim().parse::<u64>().unwrap_or(0);
    Duration::from_secs(max_age.saturating_sub(age)).clamp(MIN_TTL, MAX_TTL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_to_live_follows_the_headers_within_bounds() {
        let cases = [
            ("", "", 300),
            ("public", "", 300),
            ("max-age=600", "", 600),
            ("public, max-age=600, must-revalidate", "100", 500),
            ("Max-Age=\"120\"", "", 120),
            ("max-age=1", "", 60),
            ("max-age=0", "", 60),
            ("max-age=600", "9999", 60),
            ("max-age=86400", "", 3600),
            ("no-store", "", 60),
            ("max-age=600, no-cache", "", 60),
            ("max-age=-1", "", 300),
            ("max-age=x", "", 300),
            ("max-age=99999999999999999999", "", 300),
        ];
        for (cache_control, age, seconds) in cases {
            assert_eq!(
                time_to_live(cache_control, age).as_secs(),
                seconds,
                "{cache_control:?} {age:?}"
            );
        }
    }

    #[test]
    fn a_set_is_refreshed_ahead_then_tolerated_then_refused() {
        let at = |seconds| {
            let since = Duration::from_secs(seconds);
            Moment { monotonic: since, wall: since }
        };
        for (spread, due) in [(0, 100 + 225), (255, 100 + 270)] {
            let lifetime = Lifetime::new(at(100), Duration::from_secs(300), spread);
            assert_eq!(lifetime.standing(at(due - 1)), Standing::Fresh);
            assert_eq!(lifetime.standing(at(due)), Standing::RefreshDue);
            assert_eq!(lifetime.standing(at(400)), Standing::Stale);
            assert_eq!(lifetime.standing(at(3699)), Standing::Stale);
            assert_eq!(lifetime.standing(at(3700)), Standing::Expired);
        }
        // The longest time to live ends with the hard limit, never after it.
        assert_eq!(
            Lifetime::new(at(0), MAX_TTL, 0).standing(at(HARD_LIMIT.as_secs())),
            Standing::Expired
        );
    }
}
