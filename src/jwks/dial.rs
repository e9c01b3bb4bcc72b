//! From a URL's host to a connection that a request can be sent over: name look-up, TCP, the proxy's
//! CONNECT and TLS, all within one limit. The only file that speaks to proxies.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::config::Network;
use crate::error::printable;
use crate::foreign;
use crate::trust::{Authorities, Trust};

use super::names::{LookUp, Nameless, Names};
use super::race::{self, Cause, Lost, MakeTls, Stage, Won};

/// Longest head of a proxy's answer, in bytes and in lines.
const MAX_PROXY_HEAD: usize = 16 * 1024;
const MAX_PROXY_LINES: usize = 100;

/// A server that is to be spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) is_tls: bool,
    /// An IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A proxy, with its credentials.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) at: Target,
    /// `user:password`.
    pub(crate) credentials: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy")
    }
}

/// Makes connections as a configuration wants them.
#[derive(Debug)]
pub(crate) struct Dialer {
    network: Network,
    proxy: Option<Proxy>,
    trust: Trust,
    names: Names,
    /// Where each connection goes in place of its target, whose name TLS is still asked for.
    instead: Option<Place>,
    /// A variable that names a proxy, where no setting does.
    unused_proxy: Option<&'static str>,
}

/// The variables by which other programs find a proxy. This library follows its setting alone: what a process
/// inherits must not say through whom keys are fetched.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

fn proxy_variable() -> Option<&'static str> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    PROXY_VARIABLES.into_iter().find(is_set)
}

/// A host, an IPv6 address in brackets, and a port.
type Place = (String, u16);

/// Why there is no connection.
#[derive(Debug, Clone)]
pub(crate) struct DialError {
    /// One sentence, with the phase, the address and the time that it took.
    pub(crate) reason: String,
    /// Another try may succeed.
    pub(crate) passing: bool,
    /// A server answers, but its TLS is not acceptable.
    #[cfg_attr(not(feature = "conformance"), allow(dead_code))] // for `authkit doctor`
    pub(crate) is_tls: bool,
    /// Nothing was reached at all.
    pub(super) unreached: bool,
    /// There is no address for the name: of the server, or of the proxy.
    pub(super) unknown: Option<Unknown>,
}

/// Whose name is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Server,
    Proxy,
}

impl DialError {
    /// The sentence with what to change, where `setting` is what the server's address comes from.
    pub(crate) fn advising(&self, setting: &str) -> String {
        let setting = match self.unknown {
            None => return self.reason.clone(),
            Some(Unknown::Server) => setting,
            Some(Unknown::Proxy) => "the proxy setting",
        };
        format!("{}; look at {setting}, or this machine's name servers", self.reason)
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.advising("the name"))
    }
}

impl std::error::Error for DialError {}

impl DialError {
    pub(super) fn new(reason: String) -> Self {
        Self { reason, passing: false, is_tls: false, unreached: false, unknown: None }
    }
}

/// A connection, and with whom.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    pub(crate) is_tls: bool,
    /// Its address, or its proxy's.
    pub(crate) peer: String,
}

/// What the reason of a failed connection needs: its start, the server, and the authorities.
struct Attempt<'a> {
    began: Instant,
    peer: String,
    authorities: Option<&'a Authorities>,
}

impl Dialer {
    /// Reads the environment's certificate authorities, and refuses an unusable `ca_file`.
    pub(crate) fn new(
        network: &Network,
        proxy: Option<Proxy>,
        look_up: Option<Arc<LookUp>>,
    ) -> Result<Self, String> {
        let trust = Trust::new(network.ca_file.as_deref(), network.extra_ca_file.as_deref())?;
        let names = Names::new(look_up.unwrap_or_else(Names::of_this_machine));
        let unused_proxy = if proxy.is_none() { proxy_variable() } else { None };
        let (network, instead) = (network.clone(), None);
        Ok(Self { network, proxy, trust, names, instead, unused_proxy })
    }

    /// Goes to this place whatever the target is, past any proxy: for a server whose name leads elsewhere.
    #[cfg(feature = "conformance")]
    pub(crate) fn always_to(self, host: &str, port: u16) -> Self {
        Self { proxy: None, unused_proxy: None, instead: Some((host.to_owned(), port)), ..self }
    }

    /// What is wrong with certificate files that only the environment or the host's runtime names.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.trust.problems()
    }

    /// Connects, at the latest at the deadline.
    pub(crate) fn dial(&self, target: &Target, deadline: Instant) -> Result<Connection, DialError> {
        let connection = self.connect(target, deadline);
        connection.map_err(|error| match self.unused_proxy {
            Some(variable) if error.unreached && !is_loopback(&target.host) => {
                let reason = format!(
                    "{}; {variable} is set and not used: set proxy if it is needed",
                    error.reason
                );
                DialError { reason, ..error }
            }
            _ => error,
        })
    }

    fn connect(&self, target: &Target, deadline: Instant) -> Result<Connection, DialError> {
        let host = self.instead.as_ref().map_or(&target.host, |(host, _)| host);
        if !target.is_tls && !self.network.allows_http_to(host) {
            return Err(DialError::new(format!("http:// is not allowed for {}", printable(host))));
        }
        let is_tls = target.is_tls || self.proxy.as_ref().is_some_and(|proxy| proxy.at.is_tls);
        let authorities = is_tls.then(|| self.trust.authorities()).transpose();
        let authorities = authorities.map_err(DialError::new)?;
        let reach = |to: &Target, what| self.reach(to, what, authorities.as_ref(), deadline);
        let Some(proxy) = &self.proxy else {
            let (stream, address) = reach(target, "")?;
            return Ok(Connection { stream, is_tls: target.is_tls, peer: address.to_string() });
        };
        let (mut stream, address) = reach(&proxy.at, "the proxy ")?;
        let peer = format!("the proxy {address}");
        let attempt =
            |peer| Attempt { began: Instant::now(), peer, authorities: authorities.as_ref() };
        let asked = attempt(peer.clone());
        open_tunnel(&mut stream, target, proxy).map_err(|error| asked.tunnel_failure(&error))?;
        let Some(Authorities { client, .. }) = authorities.as_ref().filter(|_| target.is_tls)
        else {
            return Ok(Connection { stream, is_tls: false, peer });
        };
        let begun = attempt(format!("{}:{} through {peer}", printable(&target.host), target.port));
        let stream = secured(stream, client, target).map_err(|error| begun.tls_failure(&error))?;
        Ok(Connection { stream, is_tls: true, peer })
    }

    /// A connection with one of the host's addresses, TLS included.
    fn reach(
        &self,
        to: &Target,
        what: &str,
        authorities: Option<&Authorities>,
        deadline: Instant,
    ) -> Result<(Stream, SocketAddr), DialError> {
        let began = Instant::now();
        let (host, port) =
            self.instead.as_ref().map_or((&to.host, to.port), |(host, port)| (host, *port));
        let found = self.names.addresses(host, port, deadline);
        let whose = if what.is_empty() { Unknown::Server } else { Unknown::Proxy };
        let addresses = found
            .map_err(|problem| name_failure(problem, &format!("{what}{host}"), whose, began))?;
        let make_tls = authorities
            .filter(|_| to.is_tls)
            .map(|authorities| move || client_side(&authorities.client, to));
        let make_tls = make_tls.as_ref().map(|make| make as &MakeTls<'_>);
        let began = Instant::now();
        match race::run(&addresses, make_tls, deadline) {
            Ok(Won { address, socket, tls }) => {
                let plain = Stream::Plain(Timed { socket, deadline });
                Ok((plain.under(tls), address))
            }
            Err(lost) => {
                let address = lost.address.or(addresses.first().copied());
                let address = address.map(|address| address.to_string()).unwrap_or_default();
                let others = match lost.tried.saturating_sub(1) {
                    0 => String::new(),
                    others => format!(" (and {others} more)"),
                };
                let peer = format!("{what}{address}{others}");
                Err(Attempt { began, peer, authorities }.lost(&lost))
            }
        }
    }
}

fn client_side(
    client: &Arc<ClientConfig>,
    target: &Target,
) -> Result<ClientConnection, rustls::Error> {
    let bare = target.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| rustls::Error::UnsupportedNameType)?;
    ClientConnection::new(Arc::clone(client), name)
}

/// TLS inside a tunnel.
fn secured(mut stream: Stream, client: &Arc<ClientConfig>, target: &Target) -> io::Result<Stream> {
    let mut tls = client_side(client, target).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    Ok(stream.under(Some(tls)))
}

/// Why a proxy refuses the tunnel.
enum Tunnel {
    Io(io::Error),
    Status(u16),
    NoHttp,
}

impl From<io::Error> for Tunnel {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Any 2xx is the tunnel, whatever its fields say of a body (RFC 9110 §9.3.6).
fn open_tunnel(stream: &mut Stream, target: &Target, proxy: &Proxy) -> Result<(), Tunnel> {
    let authority = format!("{}:{}", target.host, target.port);
    let mut request = format!(
        "CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: {}\r\n",
        super::fetch::USER_AGENT
    );
    if let Some(credentials) = &proxy.credentials {
        let encoded = base64_simd::STANDARD.encode_to_string(credentials);
        request.push_str(&format!("proxy-authorization: Basic {encoded}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut left = MAX_PROXY_HEAD;
    loop {
        match status(&read_head(stream, &mut left)?).ok_or(Tunnel::NoHttp)? {
            // Before the answer (RFC 9110 §15.2).
            100..=199 => {}
            200..=299 => return Ok(()),
            status => return Err(Tunnel::Status(status)),
        }
    }
}

/// The octets up to an empty line, and not one beyond: what follows is the tunnel's.
fn read_head(stream: &mut Stream, left: &mut usize) -> Result<Vec<u8>, Tunnel> {
    let mut head = Vec::new();
    let mut lines = 0;
    while !(head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")) {
        *left = left.checked_sub(1).ok_or(Tunnel::NoHttp)?;
        let mut octet = [0];
        stream.read_exact(&mut octet)?;
        head.extend(octet);
        lines += usize::from(octet == *b"\n");
        if lines > MAX_PROXY_LINES + 2 {
            return Err(Tunnel::NoHttp);
        }
    }
    Ok(head)
}

/// `HTTP/1.1 200 Connection established`
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|octet| *octet == b'\n').next()?;
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (version, rest) = rest.split_first()?;
    let digits = rest.strip_prefix(b" ")?.get(..3)?;
    let ends = !rest.get(4).is_some_and(u8::is_ascii_digit);
    let is_number = version.is_ascii_digit() && ends && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

impl Attempt<'_> {
    fn took(&self) -> String {
        seconds(self.began)
    }

    fn lost(&self, lost: &Lost) -> DialError {
        match (lost.stage, &lost.cause) {
            (Stage::Connection, Cause::TimedOut) => DialError {
                passing: true,
                unreached: true,
                ..DialError::new(format!(
                    "connection: no answer from {} within {}",
                    self.peer,
                    self.took()
                ))
            },
            (Stage::Connection, Cause::Io(error)) => DialError {
                passing: is_passing(error),
                unreached: true,
                ..DialError::new(format!(
                    "connection: the one to {} {}, after {}",
                    self.peer,
                    foreign::connection(error),
                    self.took()
                ))
            },
            (Stage::Handshake, Cause::TimedOut) => {
                self.tls_failure(&io::ErrorKind::TimedOut.into())
            }
            (Stage::Handshake, Cause::Io(error)) => self.tls_failure(error),
            (_, Cause::Tls(error)) => self.tls_refusal(error),
        }
    }

    fn tls_failure(&self, error: &io::Error) -> DialError {
        if let Some(error) = foreign::tls_inside(error) {
            return self.tls_refusal(error);
        }
        let failed = foreign::connection(error);
        let (peer, took) = (&self.peer, self.took());
        DialError {
            passing: is_passing(error),
            ..DialError::new(format!("TLS handshake: the one with {peer} {failed}, after {took}"))
        }
    }

    fn tls_refusal(&self, error: &rustls::Error) -> DialError {
        let mut reason = format!(
            "TLS handshake: with {}, after {}: {}",
            self.peer,
            self.took(),
            foreign::tls(error)
        );
        // If authorities could not be read, that is the reason.
        use rustls::{CertificateError, Error};
        let is_unknown = matches!(
            error,
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature
            )
        );
        let problems = self.authorities.filter(|_| is_unknown).map(|it| it.problems.as_slice());
        let replaced = self.authorities.filter(|_| is_unknown).and_then(|it| it.replaced_by);
        if let Some(variable) = replaced {
            reason = format!(
                "TLS handshake: with {}, after {}: the certificate's authority is not trusted; {variable} replaces this system's authorities: correct it, or set ca_file",
                self.peer,
                self.took()
            );
        }
        if let Some([problem, ..]) = problems {
            reason = format!(
                "TLS handshake: with {}, after {}: the certificate's authority is not trusted, and {problem}",
                self.peer,
                self.took()
            );
        }
        DialError { is_tls: true, ..DialError::new(reason) }
    }

    fn tunnel_failure(&self, problem: &Tunnel) -> DialError {
        let (peer, took) = (&self.peer, self.took());
        let said = match problem {
            Tunnel::Io(error) => {
                let failed = foreign::connection(error);
                let reason = format!("proxy CONNECT: the connection to {peer} {failed}, after {took}");
                return DialError { passing: is_passing(error), ..DialError::new(reason) };
            }
            Tunnel::NoHttp => "does not answer as an HTTP proxy; correct the proxy setting".to_owned(),
            Tunnel::Status(407) => {
                "answered HTTP 407: put a user and password that it takes into the proxy setting (http://user:password@host:port)".to_owned()
            }
            Tunnel::Status(status) => format!(
                "answered HTTP {status}: allow the connection there, or correct the proxy setting"
            ),
        };
        DialError::new(format!("proxy CONNECT: {peer} {said}, after {took}"))
    }
}

fn name_failure(problem: Nameless, host: &str, whose: Unknown, began: Instant) -> DialError {
    let (host, took) = (printable(host), seconds(began));
    let (reason, unknown) = match problem {
        Nameless::TimedOut => (
            format!(
                "name look-up: no answer for {host} within {took}; see this machine's name servers"
            ),
            None,
        ),
        Nameless::NotFound => {
            (format!("name look-up: no address was found for {host}, after {took}"), Some(whose))
        }
        Nameless::NoThread => {
            let reason = format!(
                "name look-up: no thread could be made to find {host}; raise the limit of threads"
            );
            return DialError::new(reason);
        }
    };
    DialError { unreached: true, unknown, ..DialError::new(reason) }
}

/// A host that no proxy is needed for.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn seconds(began: Instant) -> String {
    format!("{:.1} s", began.elapsed().as_secs_f64())
}

/// Whether a connection was not made or was dropped.
pub(super) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

/// Octets with a server, plain or in TLS, or in TLS within TLS behind an https proxy.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Stream>>),
}

impl Stream {
    fn under(self, tls: Option<ClientConnection>) -> Self {
        match tls {
            Some(tls) => Self::Tls(Box::new(StreamOwned::new(tls, self))),
            None => self,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(octets),
            Self::Tls(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A socket whose reads and writes end at its deadline.
#[derive(Debug)]
pub(crate) struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// Systems differ in the error for a socket's timeout.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.socket.set_read_timeout(Some(self.left()?))?;
            match self.socket.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(timed_out),
            }
        }
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(octets).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_three_digits_of_http_1() {
        for (line, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Some(200)),
            ("HTTP/1.0 299\r\n\r\n", Some(299)),
            ("HTTP/1.1 407 \r\n", Some(407)),
            ("HTTP/1.1 2000 OK\r\n", None),
            ("HTTP/1.1 20\r\n", None),
            ("HTTP/2 200\r\n", None),
            ("HTTP/1.1  200\r\n", None),
            ("ICY 200 OK\r\n", None),
            ("\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(line.as_bytes()), expected, "{line:?}");
        }
    }
}
