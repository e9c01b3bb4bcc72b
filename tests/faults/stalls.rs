//! Notices when the machine stands still: a limit in a scenario is the verifier's to keep, and not a shared
//! processor's, which may take all from everyone for a second.

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How often a thread that has nothing else to do looks at the clock.
const TICK: Duration = Duration::from_millis(10);
/// How late it must be to count: no load of the scenarios' own keeps a thread waiting for so long.
const STALL: Duration = Duration::from_millis(200);

/// When the machine went on, and for how long it had stood still.
static STALLS: Mutex<Vec<(Instant, Duration)>> = Mutex::new(Vec::new());

/// Begins to watch, once in a process.
pub fn watch() {
    static WATCHED: OnceLock<()> = OnceLock::new();
    WATCHED.get_or_init(|| {
        thread::spawn(|| {
            loop {
                let before = Instant::now();
                thread::sleep(TICK);
                let late = before.elapsed().saturating_sub(TICK);
                if late >= STALL {
                    STALLS.lock().push((Instant::now(), late));
                }
            }
        });
    });
}

/// The longest stall that has ended since then.
pub fn longest_since(then: Instant) -> Option<Duration> {
    // The tick that tells of a stall may be the next one.
    thread::sleep(2 * TICK);
    STALLS.lock().iter().filter(|(ended, _)| *ended >= then).map(|(_, late)| *late).max()
}
