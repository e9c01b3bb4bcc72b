//! Connections: how many there may be, which go when there are too many or idle for long, and how they end.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use authkit::conformance::file_problem;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::answer::Endpoint;
use super::listen::Listener;
use super::log::Log;

/// Octets of a request's head: four times the longest token, for the client's target and headers besides.
const MAX_HEAD: usize = 64 * 1024;
/// Longer than nginx keeps connections to an upstream (60 s), so that it is the one to close them.
const IDLE: Duration = Duration::from_secs(75);
const SWEEP: Duration = Duration::from_secs(5);
/// For requests that are being answered when the end is asked for; none waits longer for keys.
const GRACE: Duration = Duration::from_secs(6);
/// After an `accept` that failed: mostly for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `end`, then ends every connection when its request is answered.
pub(crate) async fn serve(
    listener: Listener,
    endpoint: Arc<Endpoint>,
    most: usize,
    log: &Log,
    end: impl Future<Output = ()>,
) {
    let open = Arc::new(Open::new(most));
    let (ending, ended) = watch::channel(false);
    tokio::select! {
        () = accept(&listener, &endpoint, &open, &ended, log) => (),
        () = sweep(&open) => (),
        () = end => (),
    }
    drop(listener);
    let _ = ending.send(true);
    let _ = timeout(GRACE, open.none_left()).await;
}

async fn accept(
    listener: &Listener,
    endpoint: &Arc<Endpoint>,
    open: &Arc<Open>,
    ended: &watch::Receiver<bool>,
    log: &Log,
) {
    loop {
        let (endpoint, ended) = (Arc::clone(endpoint), ended.clone());
        let accepted = match listener {
            Listener::Tcp(listener, _) => listener.accept().await.map(|(stream, _)| {
                // An answer is one short segment, and somebody waits for it.
                let _ = stream.set_nodelay(true);
                tokio::spawn(attend(stream, endpoint, open.enter(), ended));
            }),
            Listener::Unix(listener, _) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(attend(stream, endpoint, open.enter(), ended));
            }),
        };
        if let Err(error) = accepted {
            give_way(&error, log).await;
        }
        open.make_room().await;
    }
}

async fn give_way(error: &io::Error, log: &Log) {
    log.tell(format!("a connection cannot be accepted: {}", file_problem(error)));
    sleep(PAUSE).await;
}

/// Answers one connection's requests, until either side ends it.
async fn attend(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    endpoint: Arc<Endpoint>,
    place: Place,
    mut ended: watch::Receiver<bool>,
) {
    let connection = &place.connection;
    let answer = service_fn(|request| async {
        connection.is_busy();
        let answer = endpoint.answer(request).await;
        connection.is_quiet(place.open.now());
        answer
    });
    let mut http = http1::Builder::new();
    // Heads that do not come are for `sweep`; answers are short, and sent in one piece.
    http.max_buf_size(MAX_HEAD).header_read_timeout(None).writev(false);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), answer));
    tokio::select! {
        _ = serving.as_mut() => return,
        () = connection.close.notified() => return,
        _ = ended.wait_for(|ended| *ended) => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// Closes what has been quiet for long: idle, or a head that comes octet by octet, or an answer not fetched.
async fn sweep(open: &Open) {
    loop {
        sleep(SWEEP).await;
        open.close_quiet_since(open.now().saturating_sub(millis(IDLE)));
    }
}

/// The open connections.
struct Open {
    most: usize,
    began: Instant,
    next: AtomicU64,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    left: Notify,
}

struct Connection {
    /// Since when, in milliseconds, no request is being answered; `BUSY` while one is.
    quiet_since: AtomicU64,
    close: Notify,
}

const BUSY: u64 = u64::MAX;

/// A connection's place among the open ones, given up when dropped.
struct Place {
    open: Arc<Open>,
    number: u64,
    connection: Arc<Connection>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.connections().remove(&self.number);
        self.open.left.notify_one();
    }
}

impl Connection {
    fn is_busy(&self) {
        self.quiet_since.store(BUSY, Ordering::Relaxed);
    }

    fn is_quiet(&self, now: u64) {
        self.quiet_since.store(now, Ordering::Relaxed);
    }

    fn quiet_since(&self) -> u64 {
        self.quiet_since.load(Ordering::Relaxed)
    }
}

impl Open {
    fn new(most: usize) -> Self {
        let connections = Mutex::default();
        Self {
            most,
            began: Instant::now(),
            next: AtomicU64::new(0),
            connections,
            left: Notify::new(),
        }
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>) -> Place {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let quiet_since = AtomicU64::new(self.now());
        let connection = Arc::new(Connection { quiet_since, close: Notify::new() });
        self.connections().insert(number, Arc::clone(&connection));
        Place { open: Arc::clone(self), number, connection }
    }

    /// Waits until one more may come. The one that has been quiet longest goes for it: whoever opens
    /// connections and leaves them be closes their own, and a proxy's next request finds a place. Where all
    /// are busy, one will end.
    async fn make_room(&self) {
        while self.connections().len() >= self.most {
            self.close_quietest();
            self.left.notified().await;
        }
    }

    fn close_quietest(&self) {
        let connections = self.connections();
        // Many come within a millisecond: of those, the one that came first.
        let quiet =
            connections.iter().map(|(number, found)| ((found.quiet_since(), *number), found));
        let quietest =
            quiet.filter(|((since, _), _)| *since != BUSY).min_by_key(|(order, _)| *order);
        if let Some((_, connection)) = quietest {
            connection.close.notify_one();
        }
    }

    fn close_quiet_since(&self, since: u64) {
        for connection in self.connections().values() {
            if connection.quiet_since() < since {
                connection.close.notify_one();
            }
        }
    }

    async fn none_left(&self) {
        while !self.connections().is_empty() {
            self.left.notified().await;
        }
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
