//! A connection to the address of a host that answers first (RFC 8305), TLS handshake included. An address that
//! is dead, or accepts but never answers, costs only 250 ms. One thread, the caller's, watches all of them.

use std::io;
use std::net::{self, SocketAddr};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConnection;

/// After this time the next address is tried in addition to those under way (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Most addresses that are tried.
const MAX_ADDRESSES: usize = 32;

/// How far an address got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Connection,
    Handshake,
}

/// Why an address failed.
#[derive(Debug)]
pub(super) enum Cause {
    TimedOut,
    Io(io::Error),
    Tls(rustls::Error),
}

/// The address that got farthest, and what stopped it.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) address: Option<SocketAddr>,
    pub(super) stage: Stage,
    pub(super) cause: Cause,
    /// How many addresses were tried.
    pub(super) tried: usize,
}

/// The address that answered first. Its handshake, if there is one, is done.
#[derive(Debug)]
pub(super) struct Won {
    pub(super) address: SocketAddr,
    pub(super) socket: net::TcpStream,
    pub(super) tls: Option<ClientConnection>,
}

/// Makes a client's side of TLS for one more connection.
pub(super) type MakeTls<'a> = dyn Fn() -> Result<ClientConnection, rustls::Error> + 'a;

/// The families in turn, the first address's first (RFC 8305 §4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let prefers_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == prefers_v6);
    let mut others = others.into_iter();
    let mut order = Vec::with_capacity(addresses.len());
    for address in preferred {
        order.push(address);
        order.extend(others.next());
    }
    order.extend(others);
    order.truncate(MAX_ADDRESSES);
    order
}

/// Connects to one of these addresses.
pub(super) fn run(
    addresses: &[SocketAddr],
    make_tls: Option<&MakeTls<'_>>,
    deadline: Instant,
) -> Result<Won, Lost> {
    let lost = |cause| Lost { address: None, stage: Stage::Connection, cause, tried: 0 };
    let poll = Poll::new().map_err(|error| lost(Cause::Io(error)))?;
    let race = Race { poll, make_tls, deadline, runners: Vec::new(), lost: None };
    race.run(&interleaved(addresses))
}

struct Race<'a> {
    poll: Poll,
    make_tls: Option<&'a MakeTls<'a>>,
    deadline: Instant,
    /// Each at the index that its token names; `None` once it has failed.
    runners: Vec<Option<Runner>>,
    lost: Option<Lost>,
}

struct Runner {
    address: SocketAddr,
    socket: TcpStream,
    tls: Option<ClientConnection>,
    stage: Stage,
}

impl Race<'_> {
    fn run(mut self, addresses: &[SocketAddr]) -> Result<Won, Lost> {
        let mut waiting = addresses.iter();
        let mut events = Events::with_capacity(MAX_ADDRESSES);
        let mut next_start = Instant::now();
        loop {
            let now = Instant::now();
            let under_way = self.runners.iter().flatten().count();
            if now >= self.deadline {
                return Err(self.timed_out());
            }
            if under_way == 0 || now >= next_start {
                match waiting.next() {
                    Some(address) => {
                        let has_started = self.start(*address);
                        next_start = if has_started { now + ATTEMPT_DELAY } else { now };
                        continue;
                    }
                    None if under_way == 0 => return Err(self.all_lost()),
                    None => {}
                }
            }
            let until =
                if waiting.len() > 0 { next_start.min(self.deadline) } else { self.deadline };
            match self.poll.poll(&mut events, Some(until.saturating_duration_since(now))) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.note(None, Stage::Handshake, Cause::Io(error));
                    return Err(self.all_lost());
                }
                Ok(()) => {}
            }
            for event in &events {
                match self.advance(event) {
                    Some(Ok(won)) => return Ok(won),
                    // The next address need not wait for its time.
                    Some(Err(())) => next_start = now,
                    None => {}
                }
            }
        }
    }

    /// Whether the attempt is under way.
    fn start(&mut self, address: SocketAddr) -> bool {
        match self.runner(address) {
            Ok(runner) => self.runners.push(Some(runner)),
            Err(cause) => {
                self.runners.push(None);
                self.note(Some(address), Stage::Connection, cause);
                return false;
            }
        }
        true
    }

    fn runner(&self, address: SocketAddr) -> Result<Runner, Cause> {
        let tls = self.make_tls.map(|make| make()).transpose().map_err(Cause::Tls)?;
        let mut socket = TcpStream::connect(address).map_err(Cause::Io)?;
        let token = Token(self.runners.len());
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, token, both).map_err(Cause::Io)?;
        Ok(Runner { address, socket, tls, stage: Stage::Connection })
    }

    /// The attempt that has won, or that one has failed.
    fn advance(&mut self, event: &Event) -> Option<Result<Won, ()>> {
        let place = self.runners.get_mut(event.token().0)?;
        let runner = place.as_mut()?;
        match runner.advance(self.deadline) {
            Ok(false) => None,
            Ok(true) => place.take().map(|runner| self.finish(runner)),
            Err(cause) => {
                let (address, stage) = (runner.address, runner.stage);
                *place = None;
                self.note(Some(address), stage, cause);
                Some(Err(()))
            }
        }
    }

    /// Hands the socket on as one that blocks.
    fn finish(&mut self, mut runner: Runner) -> Result<Won, ()> {
        let address = runner.address;
        let left = self.poll.registry().deregister(&mut runner.socket);
        let socket = net::TcpStream::from(runner.socket);
        let readied = left.and_then(|()| socket.set_nonblocking(false));
        match readied.and_then(|()| socket.set_nodelay(true)) {
            Ok(()) => Ok(Won { address, socket, tls: runner.tls }),
            Err(error) => {
                self.note(Some(address), runner.stage, Cause::Io(error));
                Err(())
            }
        }
    }

    /// Keeps the failure that says most: that of the address that got farthest, the first of several.
    fn note(&mut self, address: Option<SocketAddr>, stage: Stage, cause: Cause) {
        if self.lost.as_ref().is_none_or(|lost| lost.stage < stage) {
            self.lost = Some(Lost { address, stage, cause, tried: 0 });
        }
    }

    /// The attempts still under way explain best what the time was spent on.
    fn timed_out(mut self) -> Lost {
        let farthest = self.runners.iter().flatten().max_by_key(|runner| runner.stage);
        if let Some(runner) = farthest {
            let address = Some(runner.address);
            self.lost =
                Some(Lost { address, stage: runner.stage, cause: Cause::TimedOut, tried: 0 });
        }
        self.all_lost()
    }

    fn all_lost(self) -> Lost {
        let nothing =
            Lost { address: None, stage: Stage::Connection, cause: Cause::TimedOut, tried: 0 };
        Lost { tried: self.runners.len(), ..self.lost.unwrap_or(nothing) }
    }
}

impl Runner {
    /// Goes on as far as it can without waiting. True if it is connected.
    fn advance(&mut self, deadline: Instant) -> Result<bool, Cause> {
        if self.stage == Stage::Connection && !self.is_connected().map_err(Cause::Io)? {
            return Ok(false);
        }
        let Some(tls) = &mut self.tls else { return Ok(true) };
        self.stage = Stage::Handshake;
        let reached = handshake(tls, &mut self.socket, deadline);
        if matches!(reached, Err(Cause::Tls(_))) {
            // The alert that says why, where it can be sent.
            let _ = tls.write_tls(&mut self.socket);
        }
        reached
    }

    fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        // That a peer is known is the sign of a connection on every system (mio's documentation).
        match self.socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// As much of a handshake as the received octets allow.
fn handshake(
    tls: &mut ClientConnection,
    socket: &mut TcpStream,
    deadline: Instant,
) -> Result<bool, Cause> {
    let blocks = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    // A peer that sends without end must not hold the race.
    while Instant::now() < deadline {
        while tls.wants_write() {
            match tls.write_tls(socket) {
                Ok(_) => {}
                Err(error) if blocks(&error) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Cause::Io(error)),
            }
        }
        if !tls.is_handshaking() {
            return Ok(true);
        }
        match tls.read_tls(socket) {
            Ok(0) => return Err(Cause::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => tls.process_new_packets().map(|_| ()).map_err(Cause::Tls)?,
            Err(error) if blocks(&error) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Cause::Io(error)),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_the_resolvers_first_comes_first() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let [a, b, c] = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"].map(address);
        let [x, y] = ["[2001:db8::1]:1", "[2001:db8::2]:1"].map(address);
        assert_eq!(interleaved(&[x, y, a, b, c]), [x, a, y, b, c]);
        assert_eq!(interleaved(&[a, b, x]), [a, x, b]);
        assert_eq!(interleaved(&[a, b]), [a, b]);
        assert_eq!(interleaved(&vec![a; 99]).len(), MAX_ADDRESSES);
    }
}
