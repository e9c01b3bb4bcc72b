//! Look-ups of host names. `getaddrinfo()` has no timeout, so each look-up runs on a thread that ends with it. A
//! call waits for it until its own limit. An answer after that serves the next try: if a resolver's first server
//! is silent, a look-up takes 5 s, and its answer would otherwise always come too late.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::fork::PerProcess;
use crate::sync::{Condvar, Mutex, PoisonError};

/// For how long an answer that came too late is used: longer than any pause between two tries.
const LATE_ANSWER: Duration = Duration::from_secs(120);

/// After which a look-up that has not answered is given up, and another one is made beside it.
const HUNG: Duration = Duration::from_secs(10);
/// Most look-ups of one host that hang at once.
const MAX_HUNG: usize = 4;

/// Finds a host's addresses; blocks for as long as it takes.
pub(crate) type LookUp = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Why there are no addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nameless {
    TimedOut,
    NotFound,
    NoThread,
}

type Found = Result<Vec<SocketAddr>, Nameless>;

/// Who looks up, and the look-ups under way.
pub(crate) struct Names {
    look_up: Arc<LookUp>,
    questions: PerProcess<Mutex<HashMap<String, Arc<Question>>>>,
}

/// One look-up, shared by all callers that wait for it.
struct Question {
    asked: Instant,
    /// How many before it hang.
    hung: usize,
    answer: Mutex<Option<(Found, Instant)>>,
    answered: Condvar,
}

impl Names {
    /// The machine's own resolver.
    pub(crate) fn of_this_machine() -> Arc<LookUp> {
        Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }

    pub(crate) fn new(look_up: Arc<LookUp>) -> Self {
        Self { look_up, questions: PerProcess::new(Default::default) }
    }

    /// The addresses of a host, at least one.
    pub(crate) fn addresses(&self, host: &str, port: u16, deadline: Instant) -> Found {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let key = format!("{host}:{port}");
        let question = self.ask(&key, host, port)?;
        let found = question.wait(deadline)?;
        // Answered in time: the next try asks anew.
        let questions = self.questions.get();
        let mut questions = questions.lock().unwrap_or_else(PoisonError::into_inner);
        if questions.get(&key).is_some_and(|known| Arc::ptr_eq(known, &question)) {
            questions.remove(&key);
        }
        found
    }

    /// The look-up under way, or one that was answered too late for its caller; else a new one.
    fn ask(&self, key: &str, host: &str, port: u16) -> Result<Arc<Question>, Nameless> {
        let questions = self.questions.get();
        let mut questions = questions.lock().unwrap_or_else(PoisonError::into_inner);
        let before = questions.get(key);
        if let Some(question) = before.filter(|question| question.is_of_use()) {
            return Ok(Arc::clone(question));
        }
        let hung = before.filter(|question| question.is_open()).map_or(0, |it| it.hung + 1);
        let question = Arc::new(Question::new(hung));
        let (asked, look_up, host) =
            (Arc::clone(&question), Arc::clone(&self.look_up), host.to_owned());
        thread::Builder::new()
            .name("authkit-names".to_owned())
            .spawn(move || {
                // Removed if the look-up panics, so that no caller waits for it.
                let answering = Answering(&asked);
                let found = look_up(&host, port).ok().filter(|found| !found.is_empty());
                answering.give(found.ok_or(Nameless::NotFound));
            })
            .map_err(|_| Nameless::NoThread)?;
        questions.insert(key.to_owned(), Arc::clone(&question));
        Ok(question)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// Answers its look-up, in the worst case with "nothing was found".
struct Answering<'q>(&'q Question);

impl Answering<'_> {
    fn give(&self, found: Found) {
        let mut answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.get_or_insert((found, Instant::now()));
        self.0.answered.notify_all();
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.give(Err(Nameless::NotFound));
    }
}

impl Question {
    fn new(hung: usize) -> Self {
        let (answer, answered) = (Mutex::default(), Condvar::default());
        Self { asked: Instant::now(), hung, answer, answered }
    }

    fn is_open(&self) -> bool {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Whether it is under way, or has an unused answer that is not too old.
    fn is_of_use(&self) -> bool {
        match &*self.answer.lock().unwrap_or_else(PoisonError::into_inner) {
            None => self.asked.elapsed() < HUNG || self.hung >= MAX_HUNG,
            Some((found, at)) => found.is_ok() && at.elapsed() < LATE_ANSWER,
        }
    }

    fn wait(&self, deadline: Instant) -> Result<Found, Nameless> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some((found, _)) = &*answer {
                return Ok(found.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Nameless::TimedOut);
            }
            let woken = self.answered.wait_timeout(answer, left);
            answer = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], 443))
    }

    #[test]
    fn an_address_is_not_looked_up() {
        let names = Names::new(Arc::new(|_, _| panic!("looked up")));
        assert_eq!(names.addresses("127.0.0.7", 443, soon()), Ok(vec![address(7)]));
        let sixth = "[::1]:443".parse().unwrap();
        assert_eq!(names.addresses("[::1]", 443, soon()), Ok(vec![sixth]));
    }

    #[test]
    fn what_comes_too_late_serves_the_next_try_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let (go_on, held) = mpsc::channel::<()>();
        let (held, counted) = (std::sync::Mutex::new(held), Arc::clone(&asked));
        let names = Names::new(Arc::new(move |_, _| {
            let times = counted.fetch_add(1, Ordering::SeqCst);
            let _ = held.lock().unwrap().recv();
            Ok(vec![address(u8::try_from(times).unwrap())])
        }));
        let now = Instant::now();
        assert_eq!(names.addresses("a.example", 443, now), Err(Nameless::TimedOut));
        // The second try joins the look-up of the first.
        assert_eq!(names.addresses("a.example", 443, now), Err(Nameless::TimedOut));
        go_on.send(()).unwrap();
        assert_eq!(names.addresses("a.example", 443, soon()), Ok(vec![address(0)]));
        go_on.send(()).unwrap();
        assert_eq!(names.addresses("a.example", 443, soon()), Ok(vec![address(1)]));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_late_failure_is_forgotten_and_a_look_up_that_panics_is_one() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let names =
            Names::new(Arc::new(move |_, _| match counted.fetch_add(1, Ordering::SeqCst) {
                0 => Err(io::ErrorKind::NotFound.into()),
                1 => panic!("on purpose"),
                2 => Ok(Vec::new()),
                _ => Ok(vec![address(9)]),
            }));
        for _ in 0..3 {
            assert_eq!(names.addresses("a.example", 443, soon()), Err(Nameless::NotFound));
        }
        assert_eq!(names.addresses("a.example", 443, soon()), Ok(vec![address(9)]));
    }

    #[test]
    fn a_look_up_that_hangs_is_given_up_and_few_hang_at_once() {
        let hung = |count| Question { asked: Instant::now() - HUNG, ..Question::new(count) };
        assert!(Question::new(0).is_of_use());
        assert!(!hung(0).is_of_use());
        assert!(hung(MAX_HUNG).is_of_use());
    }

    #[test]
    fn a_forked_child_asks_for_itself() {
        let names = Names::new(Arc::new(|_, _| {
            thread::sleep(Duration::from_millis(50));
            Ok(vec![address(1)])
        }));
        let now = Instant::now();
        assert_eq!(names.addresses("a.example", 443, now), Err(Nameless::TimedOut));
        let parents = names.questions.get();
        let _held = parents.lock().unwrap();
        names.questions.forget_process();
        assert_eq!(names.addresses("a.example", 443, soon()), Ok(vec![address(1)]));
    }
}
