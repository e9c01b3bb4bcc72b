//! One issuer's document as a file that a user's processes on one machine share: one fetch for a fleet.
//!
//! What stands in the file decides whose tokens are good, so it is believed only where nobody but this
//! user can have written it, for this very issuer and URL, and no longer than what was fetched would be.
//! Anything else is as if there were no file: the keys are fetched.
//!
//! No state is kept between calls and no descriptor stays open: there is nothing for fork() to break.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

use super::fetch::MAX_TAG_LENGTH;
use super::freshness::HARD_LIMIT;
use super::keyset::MAX_DOCUMENT_LENGTH;

mod boot;
#[cfg_attr(not(unix), path = "store/unsupported.rs")]
mod directory;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use boot::Boot;
use directory::Directory;
pub(crate) use directory::Lock;

/// The form of the file. It is part of the file's name too, so that two releases of this library on one
/// machine do not take turns in refusing and replacing each other's.
const VERSION: u32 = 2;
/// Longest file that is read, in bytes. Written as a JSON string, a JSON document at most doubles.
const MAX_FILE_LENGTH: usize = 2 * MAX_DOCUMENT_LENGTH + 16 * 1024;
/// Longest part of the file's name that tells people what it is for.
const MAX_LABEL_LENGTH: usize = 64;
/// How far the wall clock may seem to have gone back: who asks may have looked at the clock before
/// another process saved, and time servers set it by moments.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);
/// Between two tries to get the lock: short at first, since most fetches are quick.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// Where the document of one issuer, fetched from one URL, is shared. Every reason it gives names the
/// file or its directory and repeats nothing of the content.
#[derive(Debug, Clone)]
pub(crate) struct SharedFile {
    directory: PathBuf,
    data_name: String,
    lock_name: String,
    issuer: String,
    url: String,
}

/// A document that was fetched, perhaps by another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) document: Vec<u8>,
    pub(crate) tag: Option<String>,
    /// How long its server wants it believed, from when its fetch began.
    pub(crate) ttl: Duration,
    /// How long ago its fetch began; never less than that, whatever was done to the clocks.
    pub(crate) age: Duration,
    /// Whether the issuer itself was asked, and no cache on the way could answer.
    pub(crate) first_hand: bool,
}

/// What came of asking to be the one that fetches.
#[derive(Debug)]
pub(crate) enum LockOutcome<T> {
    /// This caller is, until the lock is dropped.
    Held(Lock),
    /// Nobody needs to: this came meanwhile.
    Seen(T),
    /// Another process has been it all the time. The caller does without the lock.
    TimedOut,
    /// There can be no lock, for this reason. The caller does without.
    Unavailable(String),
}

/// The file's content. The issuer and the URL stand in it in full: its name has but a hash of them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'e> {
    version: u32,
    issuer: Cow<'e, str>,
    url: Cow<'e, str>,
    /// By the wall clock, in milliseconds since 1970.
    saved_ms: u64,
    /// Which start of the machine `boot_ms` counts from; none where that is not known.
    boot_id: Option<Cow<'e, str>>,
    /// By the clock that nobody can set and that counts sleep.
    boot_ms: Option<u64>,
    /// How old the document was when it was saved.
    age_ms: u64,
    ttl_ms: u64,
    first_hand: bool,
    tag: Option<Cow<'e, str>>,
    document: Cow<'e, str>,
}

impl SharedFile {
    /// The file in this directory for what this issuer publishes at this URL. Looks at nothing yet.
    pub(crate) fn new(directory: &Path, issuer: &str, url: &str) -> Self {
        let name = format!("jwks-v{VERSION}-{}-{}", label(issuer), fingerprint(issuer, url));
        Self {
            directory: settled(directory),
            data_name: format!("{name}.json"),
            lock_name: format!("{name}.lock"),
            issuer: issuer.to_owned(),
            url: url.to_owned(),
        }
    }

    /// The document that is there. `None` where there is none, or none that is of use any more: it is
    /// too old, or from before the machine last started, so that its age cannot be told for certain.
    /// An error where there is one that must not be believed.
    pub(crate) fn load(&self, now: Moment) -> Result<Option<Stored>, String> {
        let Some(directory) = Directory::open(&self.directory)? else { return Ok(None) };
        let Some(content) = directory.read(&self.data_name, MAX_FILE_LENGTH)? else {
            return Ok(None);
        };
        // Looked at after the file: by this clock no honest file was saved later.
        let boot = Boot::current();
        self.judge(&content, now.wall, boot.as_ref()).map_err(|reason| {
            format!("{} {reason}", self.directory.join(&self.data_name).display())
        })
    }

    /// Puts a document there for the others, whole or not at all. `now` is when its age was told. What
    /// is there stays if it was fetched later: two fetches may end in the other order than they began.
    pub(crate) fn save(&self, fetched: &Stored, now: Moment) -> Result<(), String> {
        if let Ok(Some(present)) = self.load(now)
            && present.age < fetched.age
        {
            return Ok(());
        }
        let content = self.envelope(fetched, now.wall, Boot::current()).map_err(|reason| {
            format!("{} is not written: {reason}", self.directory.join(&self.data_name).display())
        })?;
        Directory::open_or_create(&self.directory)?.replace(&self.data_name, &content)
    }

    /// Makes this caller the one that fetches, among all threads and processes; waits for that until
    /// `deadline`, in short pauses. `look` is asked after each try whether another one's fetch has made
    /// this one needless, also when the lock was obtained: its last holder saved before it let go. So
    /// it is asked once at least. It must not ask for the lock itself.
    pub(crate) fn lock<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut() -> Option<T>,
    ) -> LockOutcome<T> {
        let directory = match Directory::open_or_create(&self.directory) {
            Ok(directory) => directory,
            Err(reason) => return LockOutcome::Unavailable(reason),
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let lock = match directory.try_lock(&self.lock_name) {
                Ok(lock) => lock,
                Err(reason) => return LockOutcome::Unavailable(reason),
            };
            if let Some(seen) = look() {
                return LockOutcome::Seen(seen);
            }
            if let Some(lock) = lock {
                return LockOutcome::Held(lock);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                directory.clear_abandoned_lock(&self.lock_name);
                return LockOutcome::TimedOut;
            }
            thread::sleep(pause.min(left));
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn envelope(
        &self,
        fetched: &Stored,
        wall: Duration,
        boot: Option<Boot>,
    ) -> Result<Vec<u8>, &'static str> {
        check_bounds(&fetched.document, fetched.tag.as_deref(), fetched.ttl)?;
        let document =
            std::str::from_utf8(&fetched.document).map_err(|_| "the document is not UTF-8")?;
        let (boot_id, boot_ms) = match boot {
            Some(Boot { id, elapsed }) => (Some(id.into()), Some(whole_milliseconds(elapsed))),
            None => (None, None),
        };
        let envelope = Envelope {
            version: VERSION,
            issuer: self.issuer.as_str().into(),
            url: self.url.as_str().into(),
            saved_ms: whole_milliseconds(wall),
            boot_id,
            boot_ms,
            // One more for the part that is cut off: older than it is, never younger.
            age_ms: whole_milliseconds(fetched.age).saturating_add(1),
            ttl_ms: whole_milliseconds(fetched.ttl),
            first_hand: fetched.first_hand,
            tag: fetched.tag.as_deref().map(Cow::Borrowed),
            document: document.into(),
        };
        let content =
            serde_json::to_vec(&envelope).map_err(|_| "the document cannot be written as JSON")?;
        if content.len() > MAX_FILE_LENGTH {
            Err("the file would be too long")
        } else {
            Ok(content)
        }
    }

    /// What a file's content is good for now.
    fn judge(
        &self,
        content: &[u8],
        wall: Duration,
        boot: Option<&Boot>,
    ) -> Result<Option<Stored>, String> {
        let envelope = Envelope::parse(content)?;
        if envelope.issuer != self.issuer || envelope.url != self.url {
            return Err("is of another issuer or URL".to_owned());
        }
        let ttl = Duration::from_millis(envelope.ttl_ms);
        check_bounds(envelope.document.as_bytes(), envelope.tag.as_deref(), ttl)
            .map_err(|reason| format!("is refused: {reason}"))?;
        let age = envelope.age(wall, boot)?.filter(|age| *age < HARD_LIMIT);
        Ok(age.map(|age| Stored {
            document: envelope.document.into_owned().into_bytes(),
            tag: envelope.tag.map(Cow::into_owned),
            ttl,
            age,
            first_hand: envelope.first_hand,
        }))
    }
}

impl Envelope<'_> {
    fn parse(content: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(content).map_err(|_| "is not UTF-8")?;
        // serde would take an array for an object, and its messages repeat the text.
        if !text.starts_with('{') {
            return Err("is not a JSON object".to_owned());
        }
        let envelope: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("is damaged or of another version (line {line}, column {column})")
        })?;
        if envelope.version == VERSION { Ok(envelope) } else { Err("is of another version".into()) }
    }

    /// How old the document is by the clock that says more; `None` where that cannot be told. A wall
    /// clock set back cannot make it younger, nor can a clock that stands while the machine sleeps.
    fn age(&self, wall: Duration, boot: Option<&Boot>) -> Result<Option<Duration>, &'static str> {
        const FROM_THE_FUTURE: &str = "was saved in the future by this machine's clock";
        let saved = Duration::from_millis(self.saved_ms);
        if saved > wall.saturating_add(CLOCK_TOLERANCE) {
            return Err(FROM_THE_FUTURE);
        }
        let by_boot = match (self.boot_id.as_deref(), self.boot_ms, boot) {
            (Some(id), Some(saved), Some(now)) if id == now.id => {
                now.elapsed.checked_sub(Duration::from_millis(saved)).ok_or(FROM_THE_FUTURE)?
            }
            // A system that cannot tell: the wall clock must do, as it must for the tokens' own times.
            (None, None, None) => Duration::ZERO,
            _ => return Ok(None),
        };
        let since = by_boot.max(wall.saturating_sub(saved));
        Ok(Some(Duration::from_millis(self.age_ms).saturating_add(since)))
    }
}

/// The bounds within which a document comes from a fetch, and so must come from a file.
fn check_bounds(document: &[u8], tag: Option<&str>, ttl: Duration) -> Result<(), &'static str> {
    // The tag is sent back in a header: one with a line break would be more than a tag.
    let is_tag = |tag: &str| {
        let printable = tag.bytes().all(|octet| matches!(octet, b'\t' | b' '..=b'~'));
        (1..=MAX_TAG_LENGTH).contains(&tag.len()) && printable
    };
    if document.len() > MAX_DOCUMENT_LENGTH {
        Err("the document is too long")
    } else if !tag.is_none_or(is_tag) {
        Err("the entity tag is not one")
    } else if ttl > HARD_LIMIT {
        Err("the time to live is too long")
    } else {
        Ok(())
    }
}

/// The directory's path as it will be used: absolute, since a daemon changes its working directory, and
/// without a slash at its end, which would have the system follow a symbolic link in spite of O_NOFOLLOW.
fn settled(directory: &Path) -> PathBuf {
    let absolute = std::path::absolute(directory);
    absolute.as_deref().unwrap_or(directory).components().collect()
}

/// The issuer's host, for the people who look into the directory; not what tells two files apart.
fn label(issuer: &str) -> String {
    let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    host.chars()
        .take_while(|character| *character != '/')
        .take(MAX_LABEL_LENGTH)
        .map(|character| match character.to_ascii_lowercase() {
            plain @ ('a'..='z' | '0'..='9' | '.' | '-') => plain,
            _ => '_',
        })
        .collect()
}

/// Tells the files of issuers and URLs apart: 128 bits, so that no two fight over one. No security hangs
/// on it, as the content says in full whose it is; nor on its staying the same in another Rust release,
/// which costs a fetch.
fn fingerprint(issuer: &str, url: &str) -> String {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (which, issuer, url).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

fn whole_milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
