//! The single flight and the snapshot through every order of their steps that two or three threads can
//! take, by the model checker loom: the very source files of the library, over loom's primitives.
#![allow(missing_docs, dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "../../src/jwks/flight.rs"]
mod flight;
#[path = "../../src/jwks/newest.rs"]
mod newest;
mod sync;

use std::sync::Arc;
use std::time::{Duration, Instant};

use flight::{Boarding, Flight};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use newest::Newest;

/// A fetch's keys: which fetch it was.
#[derive(Debug)]
struct Keys(usize);

/// One issuer: its fetches counted, and that no two are made at once.
struct Issuer {
    flight: Flight<bool>,
    newest: Newest<Keys>,
    fetching: AtomicUsize,
    fetches: AtomicUsize,
}

impl Issuer {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            flight: Flight::new(true),
            newest: Newest::none(),
            fetching: AtomicUsize::new(0),
            fetches: AtomicUsize::new(0),
        })
    }

    /// As the cache does it: keys at hand, or a fetch, or another caller's.
    fn keys(&self) -> Option<Arc<Keys>> {
        if let Some(keys) = self.newest.get() {
            return Some(keys);
        }
        match self.flight.board(far_off(), |_| self.newest.get()) {
            Boarding::Stay(arrived) => Some(arrived),
            Boarding::Lead(_) => {
                self.fetch();
                self.newest.get()
            }
            Boarding::Follow(ticket) => {
                assert!(self.flight.await_landing(ticket, far_off()), "it never landed");
                self.newest.get()
            }
        }
    }

    fn fetch(&self) {
        assert_eq!(self.fetching.fetch_add(1, Ordering::SeqCst), 0, "two fetches at once");
        let number = self.fetches.fetch_add(1, Ordering::SeqCst);
        let _ = self.newest.put_unless(Keys(number), |current| current.0 > number);
        self.fetching.fetch_sub(1, Ordering::SeqCst);
        self.flight.land(|well| *well = true);
    }
}

/// Every order with at most so many preemptions: that is where known bugs of such code are found, and
/// without a bound three threads take hours.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// loom's clock does not run: no wait ends by its deadline.
fn far_off() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[test]
fn cold_callers_make_one_fetch_and_all_get_its_keys() {
    explore(2, || {
        let issuer = Issuer::new();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let issuer = Arc::clone(&issuer);
                thread::spawn(move || issuer.keys().expect("keys").0)
            })
            .collect();
        assert_eq!(issuer.keys().expect("keys").0, 0);
        for caller in callers {
            assert_eq!(caller.join().unwrap(), 0);
        }
        assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_leader_on_another_thread_wakes_who_handed_it_over() {
    explore(3, || {
        let issuer = Issuer::new();
        let Boarding::Lead(ticket) = issuer.flight.board(far_off(), |_| None::<()>) else {
            panic!("nothing else is under way")
        };
        let leader = Arc::clone(&issuer);
        let leading = thread::spawn(move || leader.fetch());
        let follower = Arc::clone(&issuer);
        let following = thread::spawn(move || follower.keys().expect("keys").0);
        assert!(issuer.flight.await_landing(ticket, far_off()));
        assert!(issuer.newest.get().is_some(), "in force before it landed");
        leading.join().unwrap();
        assert_eq!(following.join().unwrap(), 0);
        assert!(issuer.flight.under_way_since().is_none());
    });
}

#[test]
fn a_fetch_that_fails_wakes_its_followers_too() {
    explore(3, || {
        let issuer = Issuer::new();
        let failing = Arc::clone(&issuer);
        let leading = thread::spawn(move || {
            if let Boarding::Lead(_) = failing.flight.board(far_off(), |_| None::<()>) {
                failing.flight.land(|well| *well = false);
            }
        });
        // Led, followed, or came after it: whichever, it comes back.
        match issuer.flight.board(far_off(), |_| None::<()>) {
            Boarding::Lead(_) => issuer.flight.land(|_| ()),
            Boarding::Follow(ticket) => {
                assert!(issuer.flight.await_landing(ticket, far_off()));
                assert!(!issuer.flight.pace(|well| *well), "its failure is known");
            }
            Boarding::Stay(()) => panic!("nobody says so"),
        }
        leading.join().unwrap();
    });
}

#[test]
fn of_two_documents_the_newer_stays_whichever_comes_last() {
    explore(3, || {
        let newest = Arc::new(Newest::none());
        let threads: Vec<_> = [1, 2]
            .into_iter()
            .map(|number| {
                let newest = Arc::clone(&newest);
                thread::spawn(move || {
                    newest.put_unless(Keys(number), |current: &Keys| current.0 > number).is_ok()
                })
            })
            .collect();
        let seen = newest.get().map_or(0, |keys: Arc<Keys>| keys.0);
        let installed: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let last = newest.get().unwrap().0;
        assert_eq!(last, 2);
        assert!(last >= seen, "nobody goes back");
        assert!(installed[1], "the newer is always installed");
    });
}
