//! Requests to the servers under examination, within fixed limits. The command's only file that names ureq.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::Read as _;
use std::time::{Duration, Instant, SystemTime};

use authkit::conformance::{Obstacle, Requester, Setup, connection_problem};
use ureq::http::{HeaderMap, Request as HttpRequest, Response, Uri};
use ureq::{Agent, Body};

use super::address;
use super::connect::Connect;
use crate::failure::Failure;

/// For one request, from the name look-up to the last byte of the body.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// For all requests of one run together.
const RUN_TIMEOUT: Duration = Duration::from_secs(60);
/// Most requests of one run; a whole examination needs about forty, and one for each tool.
const MAX_REQUESTS: u32 = 64;
/// Longest body that is read, in bytes.
const MAX_BODY_LENGTH: u64 = 256 * 1024;
const USER_AGENT: &str = concat!("authkit-doctor/", env!("CARGO_PKG_VERSION"));

/// Shortest part of the user's token that is kept out of what servers say, in characters.
const SHORTEST_SECRET: usize = 16;
const REDACTED: &str = "[token]";

/// Asks servers: no redirects, no other hosts than the URLs name, a limit to everything.
pub(crate) struct Client<'s> {
    requester: Requester,
    /// For URLs of the server's own origin, where it is reached elsewhere.
    detour: Option<Detour<'s>>,
    setup: &'s Setup<'s>,
    deadline: Instant,
    left: Cell<u32>,
    /// The user's token and its parts, longest first: a server may answer with them.
    secrets: Vec<String>,
}

/// How the server is reached in place of its public address.
struct Detour<'s> {
    origin: &'s str,
    connect: &'s Connect,
    requester: Requester,
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

impl<'s> Client<'s> {
    pub(crate) fn new(setup: &'s Setup<'s>, token: Option<&[u8]>) -> Result<Self, Failure> {
        Ok(Self {
            requester: Requester::new(setup)?,
            detour: None,
            setup,
            deadline: Instant::now() + RUN_TIMEOUT,
            left: Cell::new(MAX_REQUESTS),
            secrets: token.map(secrets).unwrap_or_default(),
        })
    }

    /// Reaches the resource's server at another place, under its own names.
    pub(crate) fn with_detour(
        self,
        resource: &'s str,
        connect: &'s Connect,
    ) -> Result<Self, Failure> {
        let requester = Requester::through(self.setup, &connect.place)?;
        let detour = Detour { origin: address::split(resource).0, connect, requester };
        Ok(Self { detour: Some(detour), ..self })
    }

    fn detour(&self, url: &str) -> Option<&Detour<'s>> {
        self.detour.as_ref().filter(|detour| address::split(url).0 == detour.origin)
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
        let response = self.exchange(request, timeout)?;
        let at = started + started.elapsed().unwrap_or_default() / 2;
        Ok(self.answer(response, request.wants_body, at))
    }

    /// The library would not fetch over plain http from another machine, and no token goes there.
    pub(crate) fn may_ask(&self, url: &str) -> bool {
        let uri: Option<Uri> = url.parse().ok();
        uri.is_some_and(|uri| match uri.scheme_str() {
            Some("https") => true,
            Some("http") => uri.host().is_some_and(|host| self.setup.allows_http_to(host)),
            _ => false,
        })
    }

    fn check_scheme(&self, url: &str) -> Result<(), Trouble> {
        if self.detour(url).map_or_else(|| self.may_ask(url), |detour| detour.may_ask(self, url)) {
            return Ok(());
        }
        let text = "not asked: it is not https, nor http to a host that allow_insecure_loopback or allow_insecure_http allows";
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
    ) -> Result<Response<Body>, Trouble> {
        let detour = self.detour(request.url);
        let requester = detour.map_or(&self.requester, |detour| &detour.requester);
        let url = detour.map_or(Cow::Borrowed(request.url), |detour| detour.url(request.url));
        let mut built = HttpRequest::builder().method(request.method).uri(url.as_ref());
        for (name, value) in &request.headers {
            built = built.header(*name, value.as_slice());
        }
        let asked = match request.body {
            Some(body) => requester.ask(limits(timeout), built.body(body).map_err(not_sent)?),
            None => requester.ask(limits(timeout), built.body(()).map_err(not_sent)?),
        };
        asked.map_err(trouble)
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

impl Detour<'_> {
    /// What goes out in plain text must be allowed for where it goes.
    fn may_ask(&self, client: &Client<'_>, url: &str) -> bool {
        match self.connect.is_plain || url.starts_with("http:") {
            true => client.setup.allows_http_to(&self.connect.place.host),
            false => client.may_ask(url),
        }
    }

    /// The URL under which it is asked there: the same names, without TLS if that is so. `Host` comes of it.
    fn url<'u>(&self, url: &'u str) -> Cow<'u, str> {
        match url.strip_prefix("https:") {
            Some(rest) if self.connect.is_plain => Cow::Owned(format!("http:{rest}")),
            _ => Cow::Borrowed(url),
        }
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

fn read(response: &mut Response<Body>) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let limited = response.body_mut().as_reader().take(MAX_BODY_LENGTH + 1).read_to_end(&mut body);
    limited.map_err(|error| {
        format!("the body broke off: the connection {}", connection_problem(&error))
    })?;
    if body.len() as u64 > MAX_BODY_LENGTH {
        return Err(format!("the body is longer than {MAX_BODY_LENGTH} bytes"));
    }
    Ok(body)
}

/// TLS that fails is a finding about the server; anything else is silence.
fn trouble(obstacle: Obstacle) -> Trouble {
    if obstacle.is_tls {
        Trouble::Tls(obstacle.reason)
    } else {
        Trouble::Unreachable(obstacle.reason)
    }
}

/// What cannot be put into a request, such as a token with a line break.
fn not_sent(_: ureq::http::Error) -> Trouble {
    Trouble::NotAsked("not asked: that cannot be sent in a header or as a URL".to_owned())
}

/// ureq's defaults are the opposite of nearly each line here.
fn limits(timeout: Duration) -> ureq::config::Config {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .allow_non_standard_methods(true)
        .timeout_global(Some(timeout))
        .user_agent(USER_AGENT)
        .build()
}
