//! While the issuer hangs, strangers hold no thread that good tokens need, and no loop spins.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use authkit::conformance::{TestClock, verifier_with_clock};
use authkit::{Code, Config, IssuerSettings, Policy, RefreshMode, Verifier};
use parking_lot::Mutex;
use serde_json::json;
use support::server::{Answer, Server};
use support::{RESOURCE, accepted, claims_with, jwks, keys, refused};

/// The threads of a server.
const WORKERS: usize = 4;
/// Strangers that ask it for what the issuer alone can tell.
const STRANGERS: usize = 8;
/// For how long the issuer hangs: for more than one fetch.
const HANG: Duration = Duration::from_secs(8);
/// For how long it is measured what others do to good tokens.
const QUIET: Duration = Duration::from_secs(2);
/// How long the first of them may wait in good faith, and a little for their threads.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How much later good tokens may be judged for the strangers.
const MOST: Duration = Duration::from_millis(50);
/// Runs of a measurement, if the machine is busy.
const RUNS: usize = 3;
/// Between two requests of the same client.
const REST: Duration = Duration::from_millis(10);

/// When good tokens came, and how long their verdicts took, queue included.
type Times = Vec<(Duration, Duration)>;

type Job<'j> = Box<dyn FnOnce() + Send + 'j>;

/// What a server has to do, done by its few threads in the order of arrival.
struct Queue<'j> {
    jobs: Mutex<Sender<Job<'j>>>,
}

impl<'j> Queue<'j> {
    fn give(&self, job: impl FnOnce() + Send + 'j) {
        self.jobs.lock().send(Box::new(job)).unwrap();
    }

    /// Has a job done and waits for that.
    fn have_done(&self, job: impl FnOnce() + Send + 'j) {
        let (tell, told) = channel();
        self.give(move || {
            job();
            let _ = tell.send(());
        });
        told.recv().unwrap();
    }
}

/// What so many in a hundred of them took at most, of those that came after a while.
fn part(times: &Times, share: usize, after: Duration) -> Duration {
    let mut times: Vec<_> = times.iter().filter(|(at, _)| *at >= after).map(|it| it.1).collect();
    times.sort_unstable();
    times[times.len() * share / 100]
}

fn work(jobs: &Mutex<Receiver<Job<'_>>>) {
    loop {
        let job = jobs.lock().recv();
        let Ok(job) = job else { return };
        job();
    }
}

/// How old the verifier's keys are when the issuer begins to hang.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Keys {
    Fresh,
    Stale,
}

/// An issuer that published its keys and then hangs, and a verifier that has them.
struct Hanging {
    server: Server,
    issuer: String,
    verifier: Verifier,
    clock: TestClock,
}

impl Hanging {
    fn new(mode: RefreshMode) -> Self {
        let server = Server::http(Answer::document(jwks(&[keys::rsa()])));
        let issuer = server.url().replace("/oauth2/jwks", "");
        let config = Config::builder()
            .issuer(&issuer, IssuerSettings::default())
            .resource(RESOURCE)
            .refresh_mode(mode)
            .allow_insecure_loopback(true);
        let clock = TestClock::new();
        let verifier = verifier_with_clock(config.build().unwrap(), &clock).unwrap();
        Self { server, issuer, verifier, clock }
    }

    fn with_keys() -> Self {
        let hanging = Self::new(RefreshMode::Background);
        accepted(&hanging.verifier, hanging.token(), "while the issuer answers");
        hanging
    }

    fn hang(&self) {
        self.server.answer(Answer::Held(Box::new(Answer::Hangup)));
    }

    fn token(&self) -> String {
        keys::rsa().token(&self.claims())
    }

    /// A token that names a key which nobody has.
    fn forged(&self) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let kid = format!("nobody-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        keys::rsa().token_with_header(&json!({ "kid": kid }), &self.claims())
    }

    fn claims(&self) -> serde_json::Value {
        let now = self.clock.now();
        claims_with(&json!({ "iss": self.issuer, "iat": now, "exp": now + 600 }))
    }

    /// How long good tokens take that come at a steady pace, however long those before them take, while
    /// strangers have these jobs done; each with the time since that began.
    fn times(&self, span: Duration, stranger: impl Fn(&Self) + Sync) -> Times {
        let (token, (tell, times)) = (self.token(), channel());
        let (jobs, waiting) = channel::<Job<'_>>();
        let (queue, waiting) = (Queue { jobs: Mutex::new(jobs) }, Mutex::new(waiting));
        let (over, began) = (AtomicBool::new(false), Instant::now());
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| work(&waiting));
            }
            thread::scope(|scope| {
                for _ in 0..STRANGERS {
                    scope.spawn(|| {
                        while !over.load(Ordering::SeqCst) {
                            queue.have_done(|| stranger(self));
                            thread::sleep(REST);
                        }
                    });
                }
                while began.elapsed() < span {
                    let (at, tell, token) = (began.elapsed(), tell.clone(), &token);
                    queue.give(move || {
                        accepted(&self.verifier, token, "good");
                        let _ = tell.send((at, began.elapsed() - at));
                    });
                    thread::sleep(REST);
                }
                over.store(true, Ordering::SeqCst);
            });
            // No more jobs: the workers end with those that are left.
            drop(queue);
        });
        drop(tell);
        times.iter().collect()
    }

    /// What strangers add to the time of good tokens while the issuer hangs, beside strangers who ask what
    /// needs no issuer: to the median, and once the issuer is known to be slow to 95 of 100.
    fn added(&self, keys: Keys, stranger: impl Fn(&Self) + Sync) -> [Duration; 2] {
        let usual = self.times(QUIET, |hanging| {
            refused(&hanging.verifier, "no token", Code::Malformed, "no token");
        });
        self.hang();
        if keys == Keys::Stale {
            self.clock.advance(Duration::from_secs(600));
        }
        let times = self.times(HANG, stranger);
        [(50, Duration::ZERO), (95, PATIENCE)].map(|(share, after)| {
            part(&times, share, after).saturating_sub(part(&usual, share, Duration::ZERO))
        })
    }
}

/// Strangers hold up no good token. What else runs on the machine can only add to the time, so the best of
/// several runs counts.
fn check(keys: Keys, what: &str, stranger: impl Fn(&Hanging) + Sync) {
    for run in 1..=RUNS {
        let [median, most] = Hanging::with_keys().added(keys, &stranger);
        println!("{what}, {keys:?} keys: adds {median:?} to the median, then {most:?} to 95 %");
        if median < MOST && most < MOST {
            return;
        }
        assert!(run < RUNS, "{what}, {keys:?} keys: adds {median:?} to the median, then {most:?}");
    }
}

fn forge(hanging: &Hanging) {
    assert!(hanging.verifier.verify(hanging.forged(), &Policy::new()).is_err());
}

fn ask_for_metadata(hanging: &Hanging) {
    let path = "/.well-known/oauth-authorization-server";
    assert_eq!(hanging.verifier.well_known("GET", path).unwrap().status(), 503);
}

#[test]
fn forged_key_ids_hold_up_no_good_token_while_the_issuer_hangs() {
    check(Keys::Fresh, "forged key ids", forge);
}

#[test]
fn forged_key_ids_hold_up_no_good_token_while_the_issuer_hangs_and_keys_are_stale() {
    check(Keys::Stale, "forged key ids", forge);
}

#[test]
fn requests_for_metadata_hold_up_no_good_token_while_the_issuer_hangs() {
    check(Keys::Fresh, "metadata", ask_for_metadata);
}

#[test]
fn requests_for_metadata_hold_up_no_good_token_while_the_issuer_hangs_and_keys_are_stale() {
    check(Keys::Stale, "metadata", ask_for_metadata);
}

/// The issuer is one, whatever is asked of it: what has shown that it is slow is known to all.
#[test]
fn strangers_do_not_wait_at_all_for_an_issuer_that_is_known_to_be_slow() {
    let hanging = Hanging::with_keys();
    hanging.hang();
    hanging.clock.advance(Duration::from_secs(600));
    accepted(
        &hanging.verifier,
        hanging.token(),
        "with stale keys, after the issuer was waited for",
    );
    for stranger in [forge, ask_for_metadata] {
        let began = Instant::now();
        thread::scope(|scope| {
            for _ in 0..STRANGERS {
                scope.spawn(|| stranger(&hanging));
            }
        });
        // Half of the time that a call may wait in good faith.
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    }
}

/// The loop of a host whose refresh mode leaves the fetch to a call that can wait.
#[test]
fn who_tries_and_waits_does_not_spin_though_nobody_fetches() {
    for mode in [RefreshMode::Inline, RefreshMode::Manual] {
        let hanging = Hanging::new(mode);
        let token = hanging.token();
        let (began, step) = (Instant::now(), Duration::from_millis(500));
        let mut threads = 0;
        while began.elapsed() < 4 * step {
            let seen = hanging.verifier.fetches_ended();
            let error = hanging.verifier.try_verify(&token, &Policy::new()).unwrap_err();
            if error.code() != Code::WouldBlock {
                // Waiting brings no fetch, and the code says so.
                assert!(
                    matches!(error.code(), Code::FetchNeeded | Code::KeysUnavailable),
                    "{mode:?}: {error}"
                );
                break;
            }
            // The host's worker, which waits off the loop.
            threads += 1;
            let ended = thread::scope(|scope| {
                scope.spawn(|| hanging.verifier.wait(seen, step)).join().unwrap()
            });
            let fetched = hanging.verifier.fetches_ended() > seen;
            assert_eq!(ended, fetched, "{mode:?}: it says that a fetch has ended, and none has");
        }
        assert!(threads <= 5, "{mode:?}: {threads} threads in {:?}", began.elapsed());
        refused(&hanging.verifier, "no token", Code::Malformed, "it still judges");
    }
}

/// A host starts a thread for each call that would block, so strangers must not cause more of them than fetches.
#[test]
fn who_fetches_inline_is_sent_to_wait_only_where_waiting_fetches() {
    let hanging = Hanging::new(RefreshMode::Inline);
    accepted(&hanging.verifier, hanging.token(), "while the issuer answers");
    for answers in [true, false] {
        if !answers {
            hanging.server.answer(Answer::Status(500, Vec::new()));
        }
        let asked = hanging.server.requests();
        let mut blocked = 0;
        for _ in 0..200 {
            let forged = hanging.forged();
            let tried = hanging.verifier.try_verify(&forged, &Policy::new()).unwrap_err();
            if matches!(tried.code(), Code::WouldBlock | Code::FetchNeeded) {
                blocked += 1;
                assert!(hanging.verifier.verify(&forged, &Policy::new()).is_err());
            }
        }
        let fetched = hanging.server.requests() - asked;
        assert!(blocked <= fetched, "{blocked} were sent to wait for {fetched} fetches");
    }
}
