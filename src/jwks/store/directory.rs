//! A directory that only this user can write to, and files in it that nobody else can have written.
//!
//! It is opened once and everything in it is reached through that descriptor: what was checked cannot be
//! exchanged for something else meanwhile. No symbolic link is followed, at its end or below it. What its
//! path leads through is not checked: whoever controls that can lead to another directory that is this
//! user's own and closed to others, or to none.

use std::fs::{File, Metadata};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::config::MAX_FETCH_TIMEOUT;
use crate::foreign;

/// Longer than any fetch, by whatever `fetch_timeout` of another process: who has had the lock for this
/// long is not fetching.
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(MAX_FETCH_TIMEOUT + 5);
/// Longer than writing a file takes, by far: what is half written since then nobody will complete.
const LONGEST_WRITE: Duration = Duration::from_secs(60);
const WRITABLE_BY_OTHERS: u32 = 0o022;
const OPEN_TO_OTHERS: u32 = 0o077;

/// The directory, open.
#[derive(Debug)]
pub(super) struct Directory {
    descriptor: File,
    path: PathBuf,
}

/// The right to be the one that fetches, given back when dropped.
///
/// A forked child has the same open file, and closing it in the parent leaves the child's lock: so it is
/// unlocked in words. Where the holder is killed, the system unlocks it, unless such a child lives on:
/// see [`Directory::clear_abandoned_lock`].
#[derive(Debug)]
pub(crate) struct Lock(pub(super) File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Directory {
    /// The directory, if it is there.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::NOENT) => return Ok(None),
            // Which of them a symbolic link gives differs between systems.
            Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
                return Err(format!("{} is a symbolic link or no directory", path.display()));
            }
            Err(error) => return Err(failure(path, error)),
        };
        let metadata = descriptor.metadata().map_err(|error| failure(path, error))?;
        match directory_fault(&metadata, current_user()) {
            Some(fault) => Err(format!("{} {fault}", path.display())),
            None => Ok(Some(Self { descriptor, path: path.to_owned() })),
        }
    }

    /// The directory, made if its parent is there.
    pub(super) fn open_or_create(path: &Path) -> Result<Self, String> {
        if let Some(directory) = Self::open(path)? {
            return Ok(directory);
        }
        match rustix::fs::mkdirat(CWD, path, Mode::RWXU) {
            // Another process may have been quicker; whoever it was, it is checked again.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => {
                let problem = foreign::file(&error.into());
                let path = path.display();
                return Err(format!("{path} does not exist and cannot be made: {problem}"));
            }
        }
        Self::open(path)?.ok_or_else(|| format!("{} has just been removed", path.display()))
    }

    /// What a file holds, if it is there.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, String> {
        let file = match self.open_file(name, OFlags::RDONLY) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.refusal(name, error)),
        };
        self.check_file(name, &file)?;
        let mut content = Vec::new();
        let reading = file.take(limit as u64 + 1).read_to_end(&mut content);
        reading.map_err(|error| failure(&self.path.join(name), error))?;
        if content.len() > limit {
            return Err(format!("{} is longer than {limit} bytes", self.path.join(name).display()));
        }
        Ok(Some(content))
    }

    /// Replaces a file in one step: who reads it sees the old or the new, whole. It is not forced to
    /// disk: it need not survive the machine, and half of it would not be believed.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<(), String> {
        self.sweep(name);
        let temporary = format!("{name}.{:016x}.tmp", random_number());
        let written = self.write_new(&temporary, content).and_then(|()| {
            rustix::fs::renameat(&self.descriptor, &temporary, &self.descriptor, name)?;
            Ok(())
        });
        written.map_err(|error| {
            let _ = self.remove(&temporary);
            let path = self.path.join(name);
            format!("{} cannot be written: {}", path.display(), foreign::file(&error))
        })
    }

    /// The lock of this name, if nobody has it.
    pub(super) fn try_lock(&self, name: &str) -> Result<Option<Lock>, String> {
        let file = self
            .open_file(name, OFlags::RDWR | OFlags::CREATE)
            .map_err(|error| self.refusal(name, error))?;
        self.check_file(name, &file)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(failure(&self.path.join(name), error)),
        }
        let lock = Lock(file);
        // The file may have been removed since it was opened: that lock would lock nobody out.
        if !self.is_present(name, &lock.0) {
            return Ok(None);
        }
        // Says since when it is held.
        let touched = lock.0.set_modified(SystemTime::now());
        touched.map_err(|error| failure(&self.path.join(name), error))?;
        Ok(Some(lock))
    }

    /// Removes a lock that has been held for longer than any fetch takes, for who has waited for it in
    /// vain; the next to ask makes a new one. Its holder was killed and has left the open file to a child
    /// it had forked, which knows nothing of it and may live for long; or it sleeps. If it awakes after
    /// all, there are two fetches instead of one.
    pub(super) fn clear_abandoned_lock(&self, name: &str) {
        if self.is_older_than(name, LONGEST_HOLD) {
            let _ = self.remove(name);
        }
    }

    /// Removes what processes that were killed while they wrote have left behind.
    fn sweep(&self, name: &str) {
        let Ok(entries) = Dir::read_from(&self.descriptor) else { return };
        for entry in entries.flatten() {
            let Ok(left) = entry.file_name().to_str() else { continue };
            let middle = left.strip_prefix(name).and_then(|rest| rest.strip_suffix(".tmp"));
            if middle.is_some_and(|middle| middle.starts_with('.'))
                && self.is_older_than(left, LONGEST_WRITE)
            {
                let _ = self.remove(left);
            }
        }
    }

    pub(super) fn write_new(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        self.open_file(name, flags)?.write_all(content)
    }

    /// Never waits, not even for the other end of a FIFO.
    fn open_file(&self, name: &str, flags: OFlags) -> Result<File, Errno> {
        let always = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::openat(&self.descriptor, name, flags | always, mode).map(File::from)
    }

    fn check_file(&self, name: &str, file: &File) -> Result<(), String> {
        let metadata = file.metadata().map_err(|error| failure(&self.path.join(name), error))?;
        match file_fault(&metadata, current_user()) {
            Some(fault) => Err(format!("{} {fault}", self.path.join(name).display())),
            None => Ok(()),
        }
    }

    /// Whether this open file is the one of this name.
    pub(super) fn is_present(&self, name: &str, file: &File) -> bool {
        let named = self.open_file(name, OFlags::RDONLY).ok().and_then(|file| file.metadata().ok());
        match (named, file.metadata()) {
            (Some(named), Ok(opened)) => (named.dev(), named.ino()) == (opened.dev(), opened.ino()),
            _ => false,
        }
    }

    /// Whether a file was last changed longer ago than this. A time in the future is no better.
    fn is_older_than(&self, name: &str, limit: Duration) -> bool {
        let Ok(file) = self.open_file(name, OFlags::RDONLY) else { return false };
        let Ok(changed) = file.metadata().and_then(|metadata| metadata.modified()) else {
            return false;
        };
        let age = changed.elapsed().unwrap_or_else(|ahead| ahead.duration());
        age > limit
    }

    fn remove(&self, name: &str) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())
    }

    fn refusal(&self, name: &str, error: Errno) -> String {
        let path = self.path.join(name);
        match error {
            Errno::LOOP | Errno::MLINK => format!("{} is a symbolic link", path.display()),
            _ => failure(&path, error),
        }
    }
}

/// Why a directory is not to be used: somebody else could put files into it. Root is somebody else too;
/// who is not root could not write to a directory of root's.
pub(super) fn directory_fault(metadata: &Metadata, user: u32) -> Option<&'static str> {
    if !metadata.is_dir() {
        Some("is no directory")
    } else if metadata.uid() != user {
        Some("belongs to another user; use a directory of this process's user")
    } else if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        Some("can be written to by other users; make its mode 700")
    } else {
        None
    }
}

/// Why a file is not to be used. One without any link is fine: it was replaced since it was opened, and
/// is whole.
pub(super) fn file_fault(metadata: &Metadata, user: u32) -> Option<&'static str> {
    if !metadata.is_file() {
        Some("is no regular file")
    } else if metadata.uid() != user {
        Some("belongs to another user")
    } else if metadata.mode() & OPEN_TO_OTHERS != 0 {
        Some("is open to other users; remove it")
    } else if metadata.nlink() > 1 {
        Some("has a second name; remove it")
    } else {
        None
    }
}

fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn failure(path: &Path, error: impl Into<io::Error>) -> String {
    format!("{} cannot be used: {}", path.display(), foreign::file(&error.into()))
}

/// Not for secrets: keeps two writers from one name. Forked children inherit the state behind
/// [`RandomState`], and processes in two containers may have one id; both with one time, hardly.
fn random_number() -> u64 {
    RandomState::new().hash_one((std::process::id(), SystemTime::now()))
}
