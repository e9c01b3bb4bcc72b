//! A web site on loopback whose answers a function makes; it remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What is answered; status 0 is a closed connection without a word.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// Announces more than it sends and keeps the connection open, as an event stream does.
    pub stays_open: bool,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        let date = httpdate::fmt_http_date(SystemTime::now());
        Self {
            status,
            headers: BTreeMap::from([("date".to_owned(), date)]),
            body: String::new(),
            stays_open: false,
        }
    }

    pub fn json(value: &Value) -> Self {
        Self { body: value.to_string(), ..Self::new(200) }
            .header("content-type", "application/json")
            .header("cache-control", "max-age=300")
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// Changes the JSON body.
    pub fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_str(&self.body).unwrap();
        change(&mut value);
        self.body = value.to_string();
    }
}

type Answering = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

struct Shared {
    answering: Answering,
    requests: Mutex<Vec<Request>>,
    stopping: AtomicBool,
}

/// The site; stops when dropped.
pub struct Site {
    shared: Arc<Shared>,
    pub address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

impl Site {
    /// On a listener made before, so that the answers can hold its address.
    pub fn start(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        answering: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answering: Box::new(answering),
            requests: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let accepting = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || accept(&listener, &shared, tls.as_ref()))
        };
        Self { shared, address, accepting: Some(accepting) }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// A certificate for localhost that nobody knows, and a file that makes it known.
pub fn certificate(name: &str) -> (Arc<ServerConfig>, PathBuf) {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca_file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&ca_file, certified.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), ca_file)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, tls: Option<&Arc<ServerConfig>>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let (shared, tls) = (Arc::clone(shared), tls.cloned());
        thread::spawn(move || {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
            match tls {
                Some(config) => {
                    let connection = ServerConnection::new(config).unwrap();
                    serve(StreamOwned::new(connection, stream), &shared);
                }
                None => serve(stream, &shared),
            }
        });
    }
}

fn serve(mut stream: impl Read + Write, shared: &Shared) {
    let Some(request) = read(&mut stream) else { return };
    shared.requests.lock().unwrap().push(request.clone());
    let reply = (shared.answering)(&request);
    if reply.status == 0 {
        return;
    }
    let length = reply.body.len() + if reply.stays_open { 1_000_000 } else { 0 };
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if reply.status != 204 {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    let _ = write!(stream, "{head}\r\n{}", reply.body);
    let _ = stream.flush();
    if reply.stays_open {
        // Ends when the other side has hung up.
        let _ = stream.read(&mut [0; 1]);
    }
}

fn read(stream: &mut impl Read) -> Option<Request> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let headers: BTreeMap<String, String> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    Some(Request { method, path, query, headers })
}
