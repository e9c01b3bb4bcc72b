//! Addresses that behave badly, all on loopback.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// An address at which a connection is never answered: the queue of its listener is full, so that the system
/// drops whatever asks for another.
pub struct Dead {
    pub address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Dead {
    pub fn new() -> Self {
        Self::on("127.0.0.1:0")
    }

    pub fn on(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            queued.push(stream);
            assert!(queued.len() < 100, "the queue does not fill");
        }
        Self { address, _listener: listener, _queued: queued }
    }
}

/// An address that refuses at once.
pub fn refusing() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, crate::support::server::closed_port()))
}

/// A listener whose connections are handled by this function, each on a thread.
pub struct Service {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Service {
    pub fn new(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (serve, connections) = (Arc::new(serve), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self { address, connections }
    }

    /// Accepts, and never says a word.
    pub fn silent() -> Self {
        Self::new(|mut stream| {
            let mut dropped = [0; 1024];
            while stream.read(&mut dropped)? > 0 {}
            Ok(())
        })
    }

    /// Passes everything on to another address, after a while.
    pub fn relay(to: SocketAddr, after: Duration) -> Self {
        Self::new(move |stream| {
            // The slowness is the point.
            thread::sleep(after);
            pipe(stream, TcpStream::connect(to)?)
        })
    }

    /// A proxy that answers each CONNECT with this head, and then passes on what comes.
    pub fn proxy(head: impl Into<Vec<u8>>, after: Duration) -> Self {
        let head = head.into();
        Self::new(move |mut stream| {
            let to = connect_target(&mut stream)?;
            thread::sleep(after);
            stream.write_all(&head)?;
            pipe(stream, TcpStream::connect((Ipv4Addr::LOCALHOST, to))?)
        })
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The port of a CONNECT request, whose head is read to its end.
fn connect_target(stream: &mut impl Read) -> io::Result<u16> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet)?;
        head.push(octet[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let authority = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap();
    Ok(authority.rsplit(':').next().unwrap().parse().unwrap())
}

fn pipe(one: TcpStream, other: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (one.try_clone()?, other.try_clone()?);
    let back = thread::spawn(move || io::copy(&mut to, &mut from));
    let (mut from, mut to) = (one, other);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
    let _ = back.join();
    Ok(())
}
