//! The library's decisions on an event loop: at once where nothing is to be fetched, else when it has been.

use std::time::Duration;

use authkit::{Code, Decision, Error, Policy, Request, Response, Verifier};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

/// Longest wait between two tries: then keys that are old but good are taken.
const TURN: Duration = Duration::from_secs(1);

pub(crate) struct Judge {
    verifier: Verifier,
    /// Whoever holds it waits for all, on one thread.
    turn: Mutex<()>,
}

impl Judge {
    pub(crate) fn new(verifier: Verifier) -> Self {
        Self { verifier, turn: Mutex::new(()) }
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// As [`Verifier::authorize`].
    pub(crate) async fn authorize(&self, request: &Request<'_>, policy: &Policy) -> Decision {
        let ask = || self.verifier.try_authorize(request, policy);
        self.decided(ask, |decision| is_open(decision.error())).await
    }

    /// As [`Verifier::well_known`].
    pub(crate) async fn well_known(&self, method: &str, path: &str) -> Option<Response> {
        let ask = || self.verifier.try_well_known(method, path);
        let is_open =
            |answer: &Option<Response>| is_open(answer.as_ref().and_then(Response::error));
        self.decided(ask, is_open).await
    }

    async fn decided<T>(&self, ask: impl Fn() -> T, is_open: impl Fn(&T) -> bool) -> T {
        let answer = ask();
        if is_open(&answer) { self.decided_later(ask, is_open).await } else { answer }
    }

    /// Asks anew whenever a fetch has ended. The last answer, when patience has, is a 503.
    async fn decided_later<T>(&self, ask: impl Fn() -> T, is_open: impl Fn(&T) -> bool) -> T {
        let deadline = Instant::now() + self.verifier.config().fetch_timeout();
        loop {
            // Read before the try, so that no fetch that ends after it is missed.
            let seen = self.verifier.fetches_ended();
            let answer = ask();
            if !is_open(&answer) || Instant::now() >= deadline {
                return answer;
            }
            let _ = timeout_at(deadline, self.fetch_ended(seen)).await;
        }
    }

    /// Waits until a fetch has ended since `seen` was read, for a turn at most once it is this caller's.
    async fn fetch_ended(&self, seen: u64) {
        let _turn = self.turn.lock().await;
        if self.verifier.fetches_ended() == seen {
            let verifier = self.verifier.clone();
            let _ = spawn_blocking(move || verifier.wait(seen, TURN)).await;
        }
    }
}

fn is_open(error: Option<&Error>) -> bool {
    error.is_some_and(|error| error.code() == Code::WouldBlock)
}
