//! What a host writes into its log by default: the level, the sentence and the rate are decided here, and hosts only
//! write. A flood of requests fills no disk: each cause is told once in 10 s, with a count of the rest.

use std::collections::{HashMap, VecDeque};
use std::panic::Location;
use std::time::Duration;

use crate::clock::Moment;
use crate::error::{Class, Code, Error, printable};
use crate::fork::PerProcess;
use crate::sync::{Mutex, PoisonError};

/// How often one cause is told.
const INTERVAL: Duration = Duration::from_secs(10);
/// Lines that wait for the host; the oldest are lost first.
const CAPACITY: usize = 64;
/// Causes that are told apart. Beyond them, tools and places in the code no longer count.
const MAX_CAUSES: usize = 256;

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Level {
    /// Worth a line, and no fault of this server: an expired token, a missing scope.
    Info = 1,
    /// An operator should look: a setting, the clock or the issuer's keys are at fault.
    Warning = 2,
}

impl Level {
    /// `info` or `warning`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
        }
    }
}

/// One line for a host's log: printable ASCII on one line, without the token and without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How loud.
    pub level: Level,
    /// What to write.
    pub text: String,
}

impl LogLine {
    pub(crate) fn info(text: impl Into<String>) -> Self {
        Self { level: Level::Info, text: text.into() }
    }

    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Self { level: Level::Warning, text: text.into() }
    }
}

/// What is told once in [`INTERVAL`]. Holds nothing that a client chose, so that no client can invent causes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Cause {
    /// A code's or an event's name.
    kind: &'static str,
    /// Where in this library the sentence was made. Sentences of one place differ only in what they quote.
    place: Option<&'static Location<'static>>,
    /// A tool that the host named, or the configured issuer.
    about: Option<Box<str>>,
}

#[derive(Debug)]
struct Told {
    at: Moment,
    level: Level,
    /// What has been left out since.
    untold: u64,
}

/// A verifier's log. A forked child starts with an empty one.
#[derive(Debug)]
pub(crate) struct Log(PerProcess<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    told: HashMap<Cause, Told>,
    /// Not about keys: the host always writes these.
    start: VecDeque<LogLine>,
    keys: VecDeque<LogLine>,
    /// Whether the host takes the events, and so tells of the keys itself.
    events_are_taken: bool,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self(PerProcess::new(Default::default))
    }

    /// Lines for the host's start.
    pub(crate) fn start(&self, lines: Vec<LogLine>) {
        self.with(|state| state.start = lines.into());
    }

    /// The line for a refusal; `None` if it is not worth one, or if its cause was told a moment ago.
    pub(crate) fn refused(
        &self,
        error: &Error,
        status: u16,
        tool: Option<&str>,
        moment: Moment,
    ) -> Option<LogLine> {
        let level = level(error)?;
        // Which scopes are missing is the configuration's and the host's to say, not the token's.
        let is_scope = error.code().class() == Class::Forbidden;
        let about = tool.or_else(|| Some(error.reason()).filter(|_| is_scope));
        let cause = Cause {
            kind: error.code().name(),
            place: Some(error.place()),
            about: about.map(Box::from),
        };
        let untold = self.with(|state| state.admit(cause, level, moment))?;
        let text = format!("answered {status}: {error}{}", particulars(error, tool, untold));
        Some(LogLine { level, text })
    }

    /// Something happened to an issuer's keys, which `topic` names for the rate.
    pub(crate) fn happened(&self, kind: &'static str, topic: &str, line: LogLine, moment: Moment) {
        self.with(|state| {
            let cause = Cause { kind, place: None, about: Some(topic.into()) };
            if state.events_are_taken || state.admit(cause, line.level, moment).is_none() {
                return;
            }
            if state.keys.len() == CAPACITY {
                state.keys.pop_front();
            }
            state.keys.push_back(line);
        });
    }

    /// The host takes the events from now on.
    pub(crate) fn leave_keys_to_the_host(&self) {
        self.with(|state| {
            state.events_are_taken = true;
            state.keys.clear();
        });
    }

    /// The next line that no request carries: of the start, of the keys, of what was not told.
    pub(crate) fn next(&self, moment: Moment) -> Option<LogLine> {
        self.with(|state| {
            let waiting = state.start.pop_front().or_else(|| state.keys.pop_front());
            waiting.or_else(|| state.overdue(moment))
        })
    }

    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let state = self.0.get();
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut state)
    }
}

impl State {
    /// Whether a cause may be told now, and how often it was left out before.
    fn admit(&mut self, cause: Cause, level: Level, moment: Moment) -> Option<u64> {
        let cause = self.within_bounds(cause, moment);
        match self.told.get_mut(&cause) {
            Some(told) if moment.since(told.at) < INTERVAL => {
                told.untold += 1;
                None
            }
            known => {
                let untold = known.map_or(0, |told| told.untold);
                self.told.insert(cause, Told { at: moment, level, untold: 0 });
                Some(untold)
            }
        }
    }

    /// The cause; if there are too many, one that is shared by all of its kind.
    fn within_bounds(&mut self, cause: Cause, moment: Moment) -> Cause {
        if self.told.len() < MAX_CAUSES || self.told.contains_key(&cause) {
            return cause;
        }
        self.told.retain(|_, told| told.untold > 0 || moment.since(told.at) < INTERVAL);
        if self.told.len() < MAX_CAUSES {
            return cause;
        }
        Cause { place: None, about: None, ..cause }
    }

    /// The count of a cause that came no more.
    fn overdue(&mut self, moment: Moment) -> Option<LogLine> {
        let is_due = |told: &Told| told.untold > 0 && moment.since(told.at) >= INTERVAL;
        let (cause, told) = self.told.iter_mut().find(|(_, told)| is_due(told))?;
        let tool = cause.about.as_deref().map(|about| format!(" ({})", printable(about)));
        let text = format!(
            "{}{}: {} more like the last one in {} s",
            cause.kind,
            tool.unwrap_or_default(),
            told.untold,
            moment.since(told.at).as_secs()
        );
        let line = LogLine { level: told.level, text };
        (told.at, told.untold) = (moment, 0);
        Some(line)
    }
}

/// A setting, the clock and the keys are for an operator to mend. An old token or a missing scope is for the client.
/// A request without credentials is every client's first one.
fn level(error: &Error) -> Option<Level> {
    match error.code() {
        // With a hint, credentials were sent in another scheme.
        Code::NoCredentials => error.hint().map(|_| Level::Info),
        // Mostly the host asks again. The fetch that it waits for tells of its own trouble.
        Code::WouldBlock | Code::FetchNeeded => None,
        Code::Issuer | Code::Audience | Code::NotYetValid | Code::UnknownKey => {
            Some(Level::Warning)
        }
        code => match code.class() {
            Class::Token | Class::Forbidden | Class::Request => Some(Level::Info),
            _ => Some(Level::Warning),
        },
    }
}

/// Who called what, and how many alike were not told.
fn particulars(error: &Error, tool: Option<&str>, untold: u64) -> String {
    let client = error.client_id().map(|client| format!("client {client}"));
    let tool = tool.map(|tool| format!("tool {}", printable(tool)));
    let untold = (untold > 0).then(|| format!("{untold} more like it before"));
    let parts: Vec<String> = client.into_iter().chain(tool).chain(untold).collect();
    if parts.is_empty() { String::new() } else { format!(" [{}]", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        let time = Duration::from_secs(seconds);
        Moment { monotonic: time, wall: time }
    }

    fn expired(text: String) -> Error {
        Error::new(Code::Expired, text)
    }

    #[test]
    fn a_cause_is_told_once_in_ten_seconds_with_a_count_of_the_rest() {
        let log = Log::new();
        let told = |seconds, text: &str| {
            log.refused(&expired(text.to_owned()), 401, None, at(seconds)).map(|line| line.text)
        };
        assert_eq!(told(100, "a").as_deref(), Some("answered 401: EXPIRED: a"));
        // Whatever it quotes: a client could choose that.
        for seconds in 100..110 {
            assert_eq!(told(seconds, &format!("b{seconds}")), None);
        }
        let next = "answered 401: EXPIRED: c [10 more like it before]";
        assert_eq!(told(110, "c").as_deref(), Some(next));
        assert_eq!(log.next(at(130)), None, "all was told");
    }

    #[test]
    fn a_count_is_told_also_if_the_flood_ends() {
        let log = Log::new();
        for _ in 0..1000 {
            let _ = log.refused(&expired("old".to_owned()), 401, Some("send"), at(100));
        }
        assert_eq!(log.next(at(109)), None);
        let count = LogLine::info("EXPIRED (send): 999 more like the last one in 10 s");
        assert_eq!(log.next(at(110)), Some(count));
        assert_eq!(log.next(at(120)), None);
    }

    #[test]
    fn causes_are_told_apart_by_code_place_and_tool() {
        let log = Log::new();
        let errors = [
            Error::new(Code::Claim, "same"),
            Error::new(Code::Claim, "same"),
            Error::new(Code::Claim, "same").with_hint("one"),
            Error::new(Code::Expired, "same"),
        ];
        for error in &errors {
            assert!(log.refused(error, 401, None, at(1)).is_some(), "{error:?}");
            assert!(log.refused(error, 401, Some("t"), at(1)).is_some(), "{error:?}");
            assert!(log.refused(error, 401, None, at(1)).is_none(), "{error:?}");
        }
    }

    #[test]
    fn a_host_that_names_a_million_tools_costs_no_memory() {
        let log = Log::new();
        let lines = (0..100_000)
            .filter_map(|n| log.refused(&expired("x".into()), 401, Some(&n.to_string()), at(1)));
        assert_eq!(lines.count(), MAX_CAUSES + 1, "one for all that are too many");
        assert!(log.with(|state| state.told.len()) <= MAX_CAUSES + Code::ALL.len());
        // Later, the old ones make room.
        assert!(log.refused(&expired("x".into()), 401, Some("new"), at(50)).is_some());
    }

    #[test]
    fn a_request_without_credentials_is_not_told() {
        let log = Log::new();
        let bare = Error::new(Code::NoCredentials, "none");
        assert_eq!(log.refused(&bare, 401, None, at(1)), None);
        let other = bare.with_hint("send Bearer");
        assert!(log.refused(&other, 401, None, at(1)).is_some());
    }

    #[test]
    fn a_call_that_is_made_again_is_neither_told_nor_counted() {
        let log = Log::new();
        for code in [Code::WouldBlock, Code::FetchNeeded] {
            assert_eq!(log.refused(&Error::new(code, "wait"), 503, None, at(1)), None);
        }
        assert_eq!(log.next(at(30)), None);
    }

    #[test]
    fn a_host_that_takes_events_is_told_nothing_of_keys_beside_them() {
        let log = Log::new();
        log.start(vec![LogLine::info("start")]);
        log.happened("failed", "i", LogLine::warning("down"), at(1));
        log.leave_keys_to_the_host();
        log.happened("rotated", "i", LogLine::info("new"), at(1));
        assert_eq!(log.next(at(1)), Some(LogLine::info("start")));
        assert_eq!(log.next(at(1)), None);
    }

    #[test]
    fn lines_that_wait_are_bounded() {
        let log = Log::new();
        for seconds in 0..1000 {
            log.happened("failed", "i", LogLine::warning(seconds.to_string()), at(seconds * 10));
        }
        let waiting: Vec<_> = std::iter::from_fn(|| log.next(at(10_000))).collect();
        assert_eq!(waiting.len(), CAPACITY);
        assert_eq!(waiting[0].text, "936");
    }
}
