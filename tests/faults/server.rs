//! A server on loopback that answers as its path says, however wrong, and counts what it is asked.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rustls::{ServerConnection, StreamOwned};

use crate::replies::{self, Ask, Part};
use crate::tls::{self, CaFile, Certificate};

/// How the server is reached, and whether it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// HTTP at 127.0.0.1.
    Http,
    /// HTTP at `localhost`, which may also be an address where nobody listens.
    Localhost,
    /// HTTP at `[::1]`.
    Http6,
    /// HTTPS at `localhost`.
    Tls(Certificate),
    /// HTTPS in the URL; HTTP, silence, noise or an old version on the port.
    NotTls(NotTls),
    /// A port that nobody listens at.
    Closed,
    /// A port whose connections nobody takes any more.
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTls {
    PlainHttp,
    Silence,
    Hangup,
    Alert,
    OldVersion,
    Endless,
}

impl Base {
    /// The base of a scenario; `None` where it is a URL.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "http" => Self::Http,
            "localhost" => Self::Localhost,
            "http6" => Self::Http6,
            "tls" => Self::Tls(Certificate::Good),
            "tls_selfsigned" => Self::Tls(Certificate::SelfSigned),
            "tls_unknown_ca" => Self::Tls(Certificate::UnknownAuthority),
            "tls_expired" => Self::Tls(Certificate::Expired),
            "tls_not_yet" => Self::Tls(Certificate::NotYetValid),
            "tls_wrong_host" => Self::Tls(Certificate::WrongHost),
            "tls_not_ca" => Self::Tls(Certificate::IssuedByALeaf),
            "tls_client_auth" => Self::Tls(Certificate::AsksForOne),
            "tls_garbage" => Self::NotTls(NotTls::PlainHttp),
            "tls_silence" => Self::NotTls(NotTls::Silence),
            "tls_hangup" => Self::NotTls(NotTls::Hangup),
            "tls_alert" => Self::NotTls(NotTls::Alert),
            "tls_old" => Self::NotTls(NotTls::OldVersion),
            "tls_endless" => Self::NotTls(NotTls::Endless),
            "closed" => Self::Closed,
            "full" => Self::Full,
            _ => return None,
        })
    }
}

struct Shared {
    base: Base,
    url: String,
    evil: String,
    phase: AtomicUsize,
    connections: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
    /// Names that no reply is written for: a mistake in a scenario.
    unknown: Mutex<Vec<String>>,
    stopping: AtomicBool,
    stop: Condvar,
    stop_lock: Mutex<()>,
}

/// The server; stops when dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_file: Option<CaFile>,
    /// What keeps a port closed, or full.
    _held: Vec<TcpStream>,
}

impl Server {
    /// `evil` is where this one sends who follows it.
    pub fn start(base: Base, evil: String) -> io::Result<Self> {
        let listener =
            TcpListener::bind(if base == Base::Http6 { "[::1]:0" } else { "127.0.0.1:0" })?;
        let mut address = listener.local_addr()?;
        let mut held = Vec::new();
        if base == Base::Closed {
            // The near end of a connection holds its port, and nobody listens there.
            let near = TcpStream::connect(address)?;
            address = near.local_addr()?;
            held.push(near);
        }
        let url = match base {
            Base::Http | Base::Http6 | Base::Closed | Base::Full => format!("http://{address}"),
            Base::Localhost => format!("http://localhost:{}", address.port()),
            Base::Tls(_) | Base::NotTls(_) => format!("https://localhost:{}", address.port()),
        };
        let shared = Arc::new(Shared {
            base,
            url,
            evil,
            phase: AtomicUsize::new(0),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            unknown: Mutex::new(Vec::new()),
            stopping: AtomicBool::new(false),
            stop: Condvar::new(),
            stop_lock: Mutex::new(()),
        });
        if base == Base::Full {
            held.extend(fill(address));
        }
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        let ca_file = shared.url.starts_with("https:").then(CaFile::new);
        Ok(Self { shared, address, ca_file, _held: held })
    }

    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The authority that certifies the server, where anything does.
    pub fn ca_file(&self) -> Option<PathBuf> {
        self.ca_file.as_ref().map(|file| file.0.clone())
    }

    pub fn set_phase(&self, phase: usize) {
        self.shared.phase.store(phase, Ordering::SeqCst);
    }

    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Requests whose first line has been read.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// What was asked for that no reply is written for.
    pub fn unknown(&self) -> Vec<String> {
        self.shared.unknown.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        drop(self.shared.stop_lock.lock());
        self.shared.stop.notify_all();
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(100));
    }
}

/// Connects until no more connections are taken.
fn fill(address: SocketAddr) -> impl Iterator<Item = TcpStream> {
    std::iter::from_fn(move || {
        TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()
    })
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    if shared.base == Base::Full {
        shared.wait(Duration::MAX);
        return;
    }
    for stream in listener.incoming() {
        if shared.stopping() {
            return;
        }
        let Ok(stream) = stream else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
            let _ = stream.set_write_timeout(Some(Duration::from_secs(20)));
            // Who is being misled hangs up sooner or later: that is no error here.
            let _ = meet(stream, &shared);
        });
    }
}

fn meet(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    match shared.base {
        Base::Tls(certificate) => {
            let connection =
                ServerConnection::new(tls::config(certificate)).map_err(io::Error::other)?;
            let end = stream.try_clone()?;
            serve(StreamOwned::new(connection, stream), &end, shared)
        }
        Base::NotTls(kind) => mislead(stream, kind, shared),
        _ => {
            let end = stream.try_clone()?;
            serve(stream, &end, shared)
        }
    }
}

/// Answers the first message of TLS with something else.
fn mislead(mut stream: TcpStream, kind: NotTls, shared: &Shared) -> io::Result<()> {
    let mut hello = [0; 1024];
    let _ = stream.read(&mut hello)?;
    match kind {
        NotTls::PlainHttp => {
            let mut sent = Sent { stream: &mut stream, shared };
            sent.write_all(&replies::good())
        }
        NotTls::Silence => {
            shared.wait(Duration::MAX);
            Ok(())
        }
        NotTls::Hangup => Ok(()),
        NotTls::Alert => stream.write_all(tls::HANDSHAKE_FAILURE),
        NotTls::OldVersion => {
            stream.write_all(&tls::server_hello_of_1_0())?;
            shared.wait(Duration::from_secs(1));
            Ok(())
        }
        NotTls::Endless => {
            let mut sent = Sent { stream: &mut stream, shared };
            loop {
                sent.write_all(tls::EMPTY_RECORD)?;
            }
        }
    }
}

fn serve(mut stream: impl Read + Write, end: &TcpStream, shared: &Shared) -> io::Result<()> {
    let line = read_line(&mut stream)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let number = shared.requests.fetch_add(1, Ordering::SeqCst) + 1;
    // What is not read makes closing a reset.
    let head = if path.contains("reset") { String::new() } else { read_head(&mut stream)? };
    let ask = Ask {
        path: &path,
        head: &head,
        number,
        phase: shared.phase.load(Ordering::SeqCst),
        url: &shared.url,
        evil: &shared.evil,
    };
    let Some(reply) = replies::reply(&ask) else {
        shared.unknown.lock().push(path);
        return Ok(());
    };
    let mut stream = Sent { stream: &mut stream, shared };
    for part in reply {
        give(&mut stream, end, part, shared)?;
    }
    stream.flush()
}

fn give(stream: &mut impl Write, end: &TcpStream, part: Part, shared: &Shared) -> io::Result<()> {
    match part {
        Part::Octets(octets) => {
            stream.write_all(&octets)?;
            stream.flush()
        }
        Part::Times(octets, times) => {
            for _ in 0..times {
                stream.write_all(&octets)?;
            }
            stream.flush()
        }
        Part::Drip(octets, pause) => {
            for octet in octets {
                stream.write_all(&[octet])?;
                stream.flush()?;
                if !pause.is_zero() && shared.wait(pause) {
                    break;
                }
            }
            Ok(())
        }
        Part::Pause(pause) => {
            shared.wait(pause);
            Ok(())
        }
        Part::Hang => {
            shared.wait(Duration::MAX);
            Ok(())
        }
        Part::HalfClose => end.shutdown(Shutdown::Write),
    }
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Waits so long, or until the server stops; whether it does.
    fn wait(&self, span: Duration) -> bool {
        let mut lock = self.stop_lock.lock();
        let span = span.min(Duration::from_secs(120));
        self.stop.wait_while_for(&mut lock, |()| !self.stopping(), span);
        self.stopping()
    }
}

/// Counts what is written, and ends with the server.
struct Sent<'s, S> {
    stream: &'s mut S,
    shared: &'s Shared,
}

impl<S: Write> Write for Sent<'_, S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.shared.stopping() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let written = self.stream.write(octets)?;
        self.shared.bytes.fetch_add(written as u64, Ordering::SeqCst);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A line without its end, read octet by octet: what follows stays unread.
fn read_line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut octet = [0];
    while line.len() < 16 * 1024 {
        stream.read_exact(&mut octet)?;
        match octet[0] {
            b'\n' => return Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
            octet => line.push(octet),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// The header lines, in lower case up to the colon.
fn read_head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = String::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok(head);
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        head.push_str(&format!("{}:{value}\n", name.to_ascii_lowercase()));
    }
}
