//! Lines on standard error, written by a thread of their own: whoever reads them slowly holds up no request.

use std::io::{self, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;
use crate::text::printable;

/// Lines that wait at most; a flood of refusals beyond them is counted instead.
const WAITING: usize = 1024;
/// How long the last lines are waited for at the end.
const LAST_WAIT: Duration = Duration::from_secs(1);

pub(crate) struct Log {
    quiet: bool,
    lines: Mutex<Option<SyncSender<String>>>,
    lost: AtomicU64,
    written: Mutex<Receiver<()>>,
}

impl Log {
    /// `quiet` keeps refusals out, and nothing else.
    pub(crate) fn start(quiet: bool) -> Self {
        let (lines, taken) = sync_channel(WAITING);
        let (done, written) = channel();
        thread::spawn(move || {
            write_all(&taken);
            let _ = done.send(());
        });
        let (lines, written) = (Mutex::new(Some(lines)), Mutex::new(written));
        Self { quiet, lines, lost: AtomicU64::new(0), written }
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

    /// Why a request may not go on: the library's own words, which hold no token and no secret.
    pub(crate) fn refusal(&self, status: u16, why: &Failure) {
        if self.quiet {
            return;
        }
        let hint = why.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        self.tell(format!("{status} {}: {}{hint}", why.code.name(), why.reason));
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
