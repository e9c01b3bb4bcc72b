//! A JWKS server on loopback that misbehaves on command and counts what it is asked.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A 200 with this body and these header lines.
    Document(String, Vec<String>),
    /// A status with these header lines and no body.
    Status(u16, Vec<String>),
    /// These octets, whatever they are, and then the end of the connection.
    Raw(Vec<u8>),
    /// Headers of a 200, and then one octet of the body a second.
    Slow(String),
    /// Nothing, until the server is told to go on.
    Held(Box<Answer>),
    /// What a cache on the way answers: its own copy, unless the request has it ask the server.
    Cached { copy: Box<Answer>, server: Box<Answer> },
    /// An accepted connection, closed without a word.
    Hangup,
}

impl Answer {
    pub fn document(text: impl Into<String>) -> Self {
        Self::Document(text.into(), Vec::new())
    }
}

struct Shared {
    /// What is answered next; the last one again and again.
    script: Mutex<VecDeque<Answer>>,
    requests: AtomicUsize,
    arrived: Condvar,
    arrivals: Mutex<usize>,
    go_on: Condvar,
    released: Mutex<bool>,
    stopping: AtomicBool,
    last_request: Mutex<String>,
}

/// The server; stops when dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    tls: Option<Tls>,
    accepting: Option<JoinHandle<()>>,
}

/// A certificate of its own authority, written to a file for `ca_file`.
struct Tls {
    ca_file: PathBuf,
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.ca_file);
    }
}

impl Server {
    /// Speaks plain HTTP on a free port of 127.0.0.1.
    pub fn http(answer: Answer) -> Self {
        Self::start(answer, None, None)
    }

    /// Speaks HTTPS as `localhost`, certified by an authority nobody else knows.
    pub fn https(answer: Answer) -> Self {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let ca_file = std::env::temp_dir()
            .join(format!("authkit-test-ca-{}-{number}.pem", std::process::id()));
        std::fs::write(&ca_file, certified.cert.pem()).unwrap();
        let key =
            rustls::pki_types::PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        Self::start(answer, Some(Arc::new(config)), Some(Tls { ca_file }))
    }

    fn start(answer: Answer, config: Option<Arc<ServerConfig>>, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(VecDeque::from([answer])),
            requests: AtomicUsize::new(0),
            arrived: Condvar::new(),
            arrivals: Mutex::new(0),
            go_on: Condvar::new(),
            released: Mutex::new(false),
            stopping: AtomicBool::new(false),
            last_request: Mutex::new(String::new()),
        });
        let accepting = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || accept(&listener, &shared, config.as_ref()))
        };
        Self { shared, address, tls, accepting: Some(accepting) }
    }

    pub fn url(&self) -> String {
        match self.tls {
            Some(_) => format!("https://localhost:{}/oauth2/jwks", self.address.port()),
            None => format!("http://127.0.0.1:{}/oauth2/jwks", self.address.port()),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn ca_file(&self) -> PathBuf {
        self.tls.as_ref().unwrap().ca_file.clone()
    }

    /// Replaces what is answered from now on.
    pub fn answer(&self, answer: Answer) {
        *self.shared.script.lock() = VecDeque::from([answer]);
    }

    /// Answers these in turn, the last one again and again.
    pub fn answer_in_turn(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.shared.script.lock() = answers.into_iter().collect();
    }

    /// Requests whose head has been read so far.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// The head of the last request.
    pub fn last_request(&self) -> String {
        self.shared.last_request.lock().clone()
    }

    /// Waits until so many requests have come in all.
    pub fn await_requests(&self, count: usize) {
        let mut arrivals = self.shared.arrivals.lock();
        let waiting = |arrivals: &mut usize| *arrivals < count;
        let timeout =
            self.shared.arrived.wait_while_for(&mut arrivals, waiting, Duration::from_secs(20));
        assert!(!timeout.timed_out(), "request {count} never came");
    }

    /// Lets the held requests, and those to come, be answered.
    pub fn release(&self) {
        *self.shared.released.lock() = true;
        self.shared.go_on.notify_all();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.release();
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, config: Option<&Arc<ServerConfig>>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        let config = config.cloned();
        thread::spawn(move || {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
            match config {
                Some(config) => {
                    let Ok(connection) = ServerConnection::new(config) else { return };
                    serve(StreamOwned::new(connection, stream), &shared);
                }
                None => serve(stream, &shared),
            }
        });
    }
}

fn serve(mut stream: impl Read + Write, shared: &Shared) {
    let Some(head) = read_head(&mut stream) else { return };
    *shared.last_request.lock() = head;
    let answer = {
        let mut script = shared.script.lock();
        if script.len() > 1 { script.pop_front() } else { script.front().cloned() }
    };
    shared.requests.fetch_add(1, Ordering::SeqCst);
    *shared.arrivals.lock() += 1;
    shared.arrived.notify_all();
    if let Some(answer) = answer {
        let answer = match answer {
            Answer::Cached { server, .. } if asks_the_server(&shared.last_request.lock()) => {
                *server
            }
            Answer::Cached { copy, .. } => *copy,
            answer => answer,
        };
        let _ = give(&mut stream, shared, answer);
        let _ = stream.flush();
    }
}

fn give(stream: &mut impl Write, shared: &Shared, answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Document(body, headers) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{}content-length: {}\r\n\r\n{body}",
                lines(&headers),
                body.len()
            )
        }
        Answer::Status(status, headers) => {
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nconnection: close\r\n{}content-length: 0\r\n\r\n",
                lines(&headers)
            )
        }
        Answer::Raw(octets) => stream.write_all(&octets),
        Answer::Slow(body) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            )?;
            for octet in body.bytes() {
                stream.write_all(&[octet])?;
                stream.flush()?;
                // The slowness is the point; it ends with the connection or the server.
                let mut released = shared.released.lock();
                shared.go_on.wait_for(&mut released, Duration::from_secs(1));
                if *released {
                    break;
                }
            }
            Ok(())
        }
        Answer::Held(answer) => {
            shared.go_on.wait_while(&mut shared.released.lock(), |released| !*released);
            give(stream, shared, *answer)
        }
        Answer::Cached { copy, .. } => give(stream, shared, *copy),
        Answer::Hangup => Ok(()),
    }
}

/// RFC 9111 section 5.2.1.4.
fn asks_the_server(head: &str) -> bool {
    head.lines().any(|line| line.eq_ignore_ascii_case("cache-control: no-cache"))
}

fn lines(headers: &[String]) -> String {
    headers.iter().map(|line| format!("{line}\r\n")).collect()
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head.len() - before <= 2 {
            return Some(head);
        }
    }
}

/// A port nobody listens on.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    port
}
