//! Lines on standard error, written by a thread of their own: whoever reads them slowly holds up no request.

use std::io::{self, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use authkit::LogLine;

use crate::failure::Failure;
use crate::text::printable;

/// Lines that wait at most; a flood of refusals beyond them is counted instead.
const WAITING: usize = 1024;
/// How often a question that cannot be read is told.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long the last lines are waited for at the end.
const LAST_WAIT: Duration = Duration::from_secs(1);

pub(crate) struct Log {
    quiet: bool,
    writes_access: bool,
    lines: Mutex<Option<SyncSender<String>>>,
    lost: AtomicU64,
    misread_told: Mutex<Option<Instant>>,
    written: Mutex<Receiver<()>>,
}

impl Log {
    /// `quiet` keeps refusals out, and nothing else; `writes_access` has a line for each request.
    pub(crate) fn start(quiet: bool, writes_access: bool) -> Self {
        let (lines, taken) = sync_channel(WAITING);
        let (done, written) = channel();
        thread::spawn(move || {
            write_all(&taken);
            let _ = done.send(());
        });
        let (lines, written) = (Mutex::new(Some(lines)), Mutex::new(written));
        let (lost, misread_told) = (AtomicU64::new(0), Mutex::default());
        Self { quiet, writes_access, lines, lost, misread_told, written }
    }

    /// A request that was answered.
    pub(crate) fn access(&self, line: impl FnOnce() -> String) {
        if self.writes_access {
            self.tell(line());
        }
    }

    /// A line that is always written.
    pub(crate) fn tell(&self, line: String) {
        let Ok(lines) = self.lines.lock() else { return };
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let note = (lost > 0).then(|| format!("{lost} lines more were not written"));
        for line in note.into_iter().chain([line]) {
            if lines.as_ref().is_some_and(|lines| lines.try_send(line).is_err()) {
                self.lost.fetch_add(lost.max(1), Ordering::Relaxed);
                return;
            }
        }
    }

    /// Why a request may not go on, if that is worth a line: the library says so, and in which words.
    pub(crate) fn refusal(&self, line: Option<&LogLine>) {
        if let Some(line) = line.filter(|_| !self.quiet) {
            self.line(line);
        }
    }

    /// One of the library's lines, which hold no token and no secret.
    pub(crate) fn line(&self, line: &LogLine) {
        let level = line.level.name().to_ascii_uppercase();
        self.tell(format!("{level} {}", line.text));
    }

    /// A question of the proxy's that cannot be read. Told once in 10 s: each request may be one.
    pub(crate) fn misread(&self, status: u16, why: &Failure) {
        let Ok(mut told) = self.misread_told.lock() else { return };
        if self.quiet || told.is_some_and(|told| told.elapsed() < INTERVAL) {
            return;
        }
        *told = Some(Instant::now());
        self.warning(&format!("answered {status}: "), why);
    }

    /// Why something of the operator's cannot be used.
    pub(crate) fn failure(&self, why: &Failure) {
        self.warning("", why);
    }

    fn warning(&self, before: &str, why: &Failure) {
        let hint = why.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        self.tell(format!("WARNING {before}{}: {}{hint}", why.code.name(), why.reason));
    }

    /// Waits for what was told so far; nothing can be told afterwards.
    pub(crate) fn finish(&self) {
        if let Ok(mut lines) = self.lines.lock() {
            lines.take();
        }
        if let Ok(written) = self.written.lock() {
            let _ = written.recv_timeout(LAST_WAIT);
        }
    }
}

fn write_all(lines: &Receiver<String>) {
    for line in lines {
        let _ = writeln!(io::stderr(), "authkit serve: {}", printable(&line));
    }
}
