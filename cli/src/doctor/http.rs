//! Requests to the servers under examination, within fixed limits. The command's only file that names ureq.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use authkit::Code;
use authkit::conformance::Setup;
use ureq::http::{HeaderMap, Request as HttpRequest, Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy};

use crate::failure::Failure;

/// For a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For one request, from the name look-up to the last byte of the body.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// For all requests of one run together.
const RUN_TIMEOUT: Duration = Duration::from_secs(60);
/// Most requests of one run; a whole examination needs about thirty.
const MAX_REQUESTS: u32 = 48;
/// Longest body that is read, in bytes.
const MAX_BODY_LENGTH: u64 = 256 * 1024;
const USER_AGENT: &str = concat!("authkit-doctor/", env!("CARGO_PKG_VERSION"));

/// Shortest part of the user's token that is kept out of what servers say, in characters.
const SHORTEST_SECRET: usize = 16;
const REDACTED: &str = "[token]";

/// Asks servers: no redirects, no other hosts than the URLs name, a limit to everything.
pub(crate) struct Client {
    agent: Agent,
    allow_insecure_loopback: bool,
    deadline: Instant,
    left: Cell<u32>,
    /// The user's token and its parts, longest first: a server may answer with them.
    secrets: Vec<String>,
}

/// One request. The body of the answer is read only where it is asked for: an event stream has no end.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) headers: Vec<(&'a str, Vec<u8>)>,
    pub(crate) body: Option<&'a str>,
    pub(crate) wants_body: bool,
}

/// What a server said; none of it is to be trusted.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case; values as Latin-1, so that no octet is lost.
    headers: Vec<(String, String)>,
    /// Empty where it was not asked for; else the body, or why there is none.
    pub(crate) body: Result<Vec<u8>, String>,
    /// Our time in the middle of the exchange.
    pub(crate) at: SystemTime,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// It was not asked, and why not.
    NotAsked(String),
    /// It is there, and its certificate or its TLS is not good.
    Tls(String),
    /// Nobody answered.
    Unreachable(String),
}

impl Trouble {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::NotAsked(text) | Self::Tls(text) | Self::Unreachable(text) => text,
        }
    }
}

impl Client {
    pub(crate) fn new(setup: &Setup<'_>, token: Option<&[u8]>) -> Result<Self, Failure> {
        Ok(Self {
            agent: agent(setup)?,
            allow_insecure_loopback: setup.allow_insecure_loopback,
            deadline: Instant::now() + RUN_TIMEOUT,
            left: Cell::new(MAX_REQUESTS),
            secrets: token.map(secrets).unwrap_or_default(),
        })
    }

    /// Fetches a document.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Trouble> {
        let mut all = vec![("accept", b"application/json".to_vec())];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes().to_vec())));
        self.send(&Request { method: "GET", url, headers: all, body: None, wants_body: true })
    }

    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Answer, Trouble> {
        self.check_scheme(request.url)?;
        let timeout = self.take_turn()?;
        let started = SystemTime::now();
        let response = self.exchange(request, timeout).map_err(trouble)?;
        let at = started + started.elapsed().unwrap_or_default() / 2;
        Ok(self.answer(response, request.wants_body, at))
    }

    /// The library would not fetch over plain http from another machine, and no token goes there.
    pub(crate) fn may_ask(&self, url: &str) -> bool {
        let uri: Option<Uri> = url.parse().ok();
        uri.is_some_and(|uri| match uri.scheme_str() {
            Some("https") => true,
            Some("http") => self.allow_insecure_loopback && uri.host().is_some_and(is_loopback),
            _ => false,
        })
    }

    fn check_scheme(&self, url: &str) -> Result<(), Trouble> {
        if self.may_ask(url) {
            return Ok(());
        }
        let text =
            "not asked: it is not https, nor http to this machine with allow_insecure_loopback";
        Err(Trouble::NotAsked(text.to_owned()))
    }

    /// One request less to come, and how long it may take.
    fn take_turn(&self) -> Result<Duration, Trouble> {
        let left = self.left.get().checked_sub(1);
        let time = self.deadline.saturating_duration_since(Instant::now());
        match left {
            Some(left) if !time.is_zero() => {
                self.left.set(left);
                Ok(time.min(REQUEST_TIMEOUT))
            }
            _ => Err(Trouble::NotAsked(format!(
                "not asked: {MAX_REQUESTS} requests or {} s are used up",
                RUN_TIMEOUT.as_secs()
            ))),
        }
    }

    fn exchange(
        &self,
        request: &Request<'_>,
        timeout: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut built = HttpRequest::builder().method(request.method).uri(request.url);
        for (name, value) in &request.headers {
            built = built.header(*name, value.as_slice());
        }
        match request.body {
            Some(body) => self.run(built.body(body)?, timeout),
            None => self.run(built.body(())?, timeout),
        }
    }

    fn run(
        &self,
        request: HttpRequest<impl ureq::AsSendBody>,
        timeout: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
        self.agent.run(request)
    }

    fn answer(&self, mut response: Response<Body>, wants_body: bool, at: SystemTime) -> Answer {
        let body = if wants_body { read(&mut response) } else { Ok(Vec::new()) };
        let headers = self.headers(response.headers());
        Answer { status: response.status().as_u16(), headers, body, at }
    }

    fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let text = |octets: &[u8]| self.redacted(octets.iter().map(|o| char::from(*o)).collect());
        headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
    }

    fn redacted(&self, text: String) -> String {
        self.secrets.iter().fold(text, |text, secret| text.replace(secret, REDACTED))
    }
}

impl Answer {
    /// A field's values, one for each line that carries it.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A field's values as one list (RFC 9110 §5.3).
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self.all(name).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The token whole, then its parts, so that no piece of it is left standing.
fn secrets(token: &[u8]) -> Vec<String> {
    let token = String::from_utf8_lossy(token).into_owned();
    let mut secrets: Vec<String> = token.split('.').map(str::to_owned).collect();
    secrets.insert(0, token);
    secrets.retain(|secret| secret.len() >= SHORTEST_SECRET);
    secrets
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read(response: &mut Response<Body>) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let limited = response.body_mut().as_reader().take(MAX_BODY_LENGTH + 1).read_to_end(&mut body);
    limited.map_err(|error| format!("the body broke off: {error}"))?;
    if body.len() as u64 > MAX_BODY_LENGTH {
        return Err(format!("the body is longer than {MAX_BODY_LENGTH} bytes"));
    }
    Ok(body)
}

/// TLS that fails is a finding about the server; anything else is silence.
fn trouble(error: ureq::Error) -> Trouble {
    let text = error.to_string();
    let is_tls = match &error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Io(error) => {
            error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
        }
        _ => false,
    };
    match error {
        _ if is_tls => Trouble::Tls(text),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
            Trouble::NotAsked("not asked: that cannot be sent in a header or as a URL".to_owned())
        }
        _ => Trouble::Unreachable(text),
    }
}

/// ureq's defaults are the opposite of nearly each line here.
fn agent(setup: &Setup<'_>) -> Result<Agent, Failure> {
    let unusable = |reason: String| Failure::new(Code::Config, reason);
    // Neither the URL nor what ureq says of it is repeated: it may hold a password.
    let proxy = setup.proxy.map(Proxy::new).transpose();
    let proxy = proxy.map_err(|_| unusable("the proxy setting is not a usable URL".to_owned()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(roots(setup.ca_file).map_err(unusable)?)
        .unversioned_rustls_crypto_provider(provider);
    let config = Agent::config_builder()
        .https_only(!setup.allow_insecure_loopback)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .allow_non_standard_methods(true)
        .proxy(proxy)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .tls_config(tls.build())
        .user_agent(USER_AGENT);
    Ok(config.build().new_agent())
}

/// The system's certificate authorities and the configured file's.
fn roots(ca_file: Option<&Path>) -> Result<RootCerts, String> {
    let system = rustls_native_certs::load_native_certs();
    let mut certificates: Vec<Certificate<'static>> =
        system.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if let Some(path) = ca_file {
        let extra = read_ca_file(path)
            .map_err(|error| format!("ca_file {} is unusable: {error}", path.display()))?;
        certificates.extend(extra);
    }
    Ok(RootCerts::from(certificates))
}

fn read_ca_file(path: &Path) -> io::Result<Vec<Certificate<'static>>> {
    let mut certificates = Vec::new();
    for item in parse_pem(&fs::read(path)?) {
        if let PemItem::Certificate(certificate) = item.map_err(io::Error::other)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(io::Error::other("it holds no certificate"));
    }
    Ok(certificates)
}
