//! The JWKS over HTTPS, within fixed limits. The only file that names ureq.

use std::borrow::Cow;
use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use httpdate::parse_http_date;
use ureq::http::{HeaderMap, Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, Body};

use crate::config::{Network, ProxyUrl};
use crate::error::{bounded, printable, quoted};
use crate::foreign;
use crate::stats::SeenHeaders;

use super::dial::{self, Connection, DialError, Dialer, Proxy, Target};
use super::freshness::time_to_live;
use super::keyset::MAX_DOCUMENT_LENGTH;
use super::names::LookUp;

/// Longest wait that a server may ask for.
const MAX_RETRY_AFTER: u32 = 60;
pub(super) const USER_AGENT: &str = concat!("authkit-verifier/", env!("CARGO_PKG_VERSION"));
const ACCEPT: &str = "application/jwk-set+json, application/json";
/// Without it a server may send any coding (RFC 9110 §12.5.3): ours is none, so that a small body stays small.
const ACCEPT_ENCODING: &str = "identity";

/// Longest entity tag that is kept and sent back, in bytes.
pub(crate) const MAX_TAG_LENGTH: usize = 256;

/// A document as it came, and how long its server wants it believed.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// `None` where the document is still the one that was asked about (RFC 9110 §15.4.5).
    pub(crate) document: Option<Vec<u8>>,
    pub(crate) ttl: Duration,
    /// What to ask about next time (RFC 9110 §8.8.3).
    pub(crate) tag: Option<String>,
    /// The server's clock as it answered, in Unix seconds.
    pub(crate) server_time: Option<i64>,
    pub(crate) headers: SeenHeaders,
}

/// Why there is no document; a sentence without secrets.
#[derive(Debug, Clone)]
pub(crate) struct FetchError {
    pub(crate) reason: String,
    pub(crate) retry_after: Option<u32>,
    /// Another try may find what this one did not: nobody was there, or a gateway found nobody.
    pub(crate) passing: bool,
}

impl FetchError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: bounded(reason.into().into()).into_owned(),
            retry_after: None,
            passing: false,
        }
    }
}

/// What is asked of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The tag of the document that is there already. The server may answer that it has not changed.
    pub(crate) known_tag: Option<&'a str>,
    /// A cache on the way must ask the server (RFC 9111 §5.2.1.4).
    pub(crate) first_hand: bool,
    /// One more request may be made if the first failure may be temporary.
    pub(crate) may_retry: bool,
    /// For all of it.
    pub(crate) timeout: Duration,
}

/// Where documents come from; a seam for tests of time and failure.
pub(crate) trait Fetch: Send + Sync + std::fmt::Debug {
    /// Fetches the document, or learns that it is still the known one.
    fn fetch(&self, ask: Ask<'_>) -> Result<Fetched, FetchError>;

    /// What to change if a document came and is no such document.
    fn advice(&self) -> Option<String> {
        None
    }
}

/// One URL, asked over a connection of its own each time: a fetch comes every few minutes, and a
/// kept connection or pool would be one more thing for fork() to break.
#[derive(Debug)]
pub(crate) struct HttpFetch {
    pub(crate) url: String,
    /// The setting that the URL comes from, in the reader's spelling.
    pub(crate) setting: Cow<'static, str>,
    pub(crate) dialer: Arc<Dialer>,
}

impl Fetch for HttpFetch {
    /// One try, and one more if the first failure may be temporary. Both share one limit.
    fn fetch(&self, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + ask.timeout;
        let first = self.attempt(ask);
        let timeout = deadline.saturating_duration_since(Instant::now());
        match first {
            Err(error) if error.passing && ask.may_retry && !timeout.is_zero() => {
                self.attempt(Ask { timeout, ..ask })
            }
            answer => answer,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(format!("look at {}", self.setting))
    }
}

impl HttpFetch {
    fn attempt(&self, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        let (known_tag, began) = (ask.known_tag, Instant::now());
        let (agent, peer) = self.agent(ask.timeout);
        let mut request = agent.get(&self.url);
        if let Some(tag) = known_tag {
            request = request.header("if-none-match", tag);
        }
        if ask.first_hand {
            request = request.header("cache-control", "no-cache");
        }
        let failed = |error: &ureq::Error, phase| {
            let trouble = trouble(error, phase, &peer, began);
            let reason = trouble.advising(&self.setting);
            let reason = format!("{} could not be reached: {reason}", self.origin());
            FetchError { passing: trouble.passing, ..FetchError::new(reason) }
        };
        let response = request.call().map_err(|error| failed(&error, "answer"))?;
        match response.status().as_u16() {
            200 => self.document(response, |error| failed(&error, "body")),
            304 if known_tag.is_some() => {
                Ok(Fetched { tag: known_tag.map(str::to_owned), ..heading(response.headers()) })
            }
            // Redirects are not followed: the keys' address is the configured one, or it is nobody's.
            status => Err(self.refusal(status, response.headers())),
        }
    }

    /// ureq's defaults are the opposite of nearly each line here.
    fn agent(&self, timeout: Duration) -> (Agent, Peer) {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .timeout_global(Some(timeout))
            .user_agent(USER_AGENT)
            .accept(ACCEPT)
            .accept_encoding(ACCEPT_ENCODING);
        agent_through(&self.dialer, config.build())
    }

    /// The URL without its path, which matters only once there is an answer.
    fn origin(&self) -> String {
        let host = self.url.find("://").map_or(0, |at| at + 3);
        let path = self.url.get(host..).and_then(|rest| rest.find('/')).map(|at| host + at);
        printable(path.and_then(|at| self.url.get(..at)).unwrap_or(&self.url))
    }

    /// The URL as reasons name it.
    fn shown(&self) -> String {
        printable(&self.url)
    }

    fn document(
        &self,
        mut response: Response<Body>,
        failed: impl FnOnce(ureq::Error) -> FetchError,
    ) -> Result<Fetched, FetchError> {
        self.check_head(&response)?;
        let heading = heading(response.headers());
        let limit = MAX_DOCUMENT_LENGTH as u64 + 1;
        let mut document = Vec::new();
        let body = response.body_mut().as_reader().take(limit).read_to_end(&mut document);
        body.map_err(|error| FetchError { passing: false, ..failed(error.into()) })?;
        if document.len() > MAX_DOCUMENT_LENGTH {
            return Err(self.too_long());
        }
        let begins = document.trim_ascii_start().first();
        match begins {
            None => Err(self.unlike("sent nothing")),
            // Also what a proxy or a captive portal puts in place of the answer.
            Some(b'<') => Err(self.unlike("sent a web page (HTML) in place of JSON")),
            Some(_) => Ok(()),
        }?;
        Ok(Fetched { document: Some(document), ..heading })
    }

    /// Refuses by its head alone what the body could only confirm.
    fn check_head(&self, response: &Response<Body>) -> Result<(), FetchError> {
        // Text under a coding that it is not in says that some box on the way has been at it.
        let coding = header(response.headers(), "content-encoding");
        if !(coding.is_empty() || coding.eq_ignore_ascii_case("identity")) {
            let coding = quoted(&coding);
            return Err(FetchError::new(format!("{} sent the coding {coding}", self.shown())));
        }
        match response.body().content_length() {
            Some(length) if length > MAX_DOCUMENT_LENGTH as u64 => Err(self.too_long()),
            _ => Ok(()),
        }
    }

    fn too_long(&self) -> FetchError {
        self.unlike(&format!("sent more than {MAX_DOCUMENT_LENGTH} bytes"))
    }

    /// What came is nothing that can be at the right address.
    fn unlike(&self, came: &str) -> FetchError {
        FetchError::new(format!("{} {came}; correct {}", self.shown(), self.setting))
    }

    /// A gateway that says when to come back is not asked before.
    fn refusal(&self, status: u16, headers: &HeaderMap) -> FetchError {
        let retry_after = retry_after(headers);
        let passing = matches!(status, 502..=504) && retry_after.is_none();
        let setting = &self.setting;
        let cure = match status {
            300..=399 => format!(
                "a redirect, which is not followed; set {setting} so that it leads to the address itself"
            ),
            401 | 403 | 407 => format!(
                "it, or something on the way, refuses this machine; allow the request there, or correct {setting}"
            ),
            404 | 410 => format!("there is nothing at that address; correct {setting}"),
            429 => "it was asked too often; no setting needs to change".to_owned(),
            500..=599 => "a fault of its own; no setting needs to change".to_owned(),
            _ => format!("see what is there, or correct {setting}"),
        };
        let reason = format!("{} answered HTTP {status}: {cure}", self.shown());
        FetchError { retry_after, passing, ..FetchError::new(reason) }
    }
}

/// Makes connections as a configuration wants them.
pub(crate) fn dialer(network: &Network, look_up: Option<Arc<LookUp>>) -> Result<Dialer, String> {
    let proxy = network.proxy.as_ref().map(proxy).transpose()?;
    Dialer::new(network, proxy, look_up)
}

/// Neither the URL nor ureq's message about it is repeated: it may hold a password.
fn proxy(ProxyUrl(url): &ProxyUrl) -> Result<Proxy, String> {
    let proxy = ureq::Proxy::new(url).map_err(|_| "proxy is not a usable URL".to_owned())?;
    let at = Target {
        is_tls: url.starts_with("https://"),
        host: proxy.host().to_owned(),
        port: proxy.port(),
    };
    let credentials = match (proxy.username(), proxy.password()) {
        (None, None) => None,
        (user, password) => {
            Some(format!("{}:{}", user.unwrap_or_default(), password.unwrap_or_default()))
        }
    };
    Ok(Proxy { at, credentials })
}

/// The server that a request goes to, once that is known.
type Peer = Arc<OnceLock<String>>;

/// Why there is no answer, as for a connection.
pub(crate) type Trouble = DialError;

/// An agent whose connections are the dialer's. Only the global limit ends its waits.
fn agent_through(dialer: &Arc<Dialer>, config: ureq::config::Config) -> (Agent, Peer) {
    let peer = Peer::default();
    let connect = Connect { dialer: Arc::clone(dialer), peer: Arc::clone(&peer) };
    (Agent::with_parts(config, connect, DialersOwn), peer)
}

/// Sends a request that is not for keys, over the dialer's connections and within `config`'s global limit.
#[cfg(feature = "conformance")]
pub(crate) fn ask(
    dialer: &Arc<Dialer>,
    config: ureq::config::Config,
    request: ureq::http::Request<impl ureq::AsSendBody>,
) -> Result<Response<Body>, Trouble> {
    let began = Instant::now();
    let (agent, peer) = agent_through(dialer, config);
    agent.run(request).map_err(|error| trouble(&error, "answer", &peer, began))
}

/// Why a request failed, in our own sentence.
fn trouble(error: &ureq::Error, phase: &'static str, peer: &Peer, began: Instant) -> Trouble {
    if let ureq::Error::Other(inner) = error
        && let Some(error) = inner.downcast_ref::<DialError>()
    {
        return error.clone();
    }
    let peer = peer.get().map_or("the server", String::as_str);
    let took = format!("{:.1} s", began.elapsed().as_secs_f64());
    let (said, passing, is_tls) = match error {
        ureq::Error::Io(error) => match foreign::tls_inside(error) {
            Some(error) => (foreign::tls(error), false, true),
            None if error.kind() == io::ErrorKind::TimedOut => {
                let reason = format!("{phase}: not all of it came from {peer} within {took}");
                return Trouble::new(reason);
            }
            None => {
                let failed = foreign::connection(error);
                (format!("the connection {failed}"), dial::is_passing(error), false)
            }
        },
        ureq::Error::Timeout(_) => {
            let reason = format!("{phase}: not all of it came from {peer} within {took}");
            return Trouble::new(reason);
        }
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
            ("what came is not HTTP/1.1 that can be relied on".to_owned(), false, false)
        }
        ureq::Error::LargeResponseHeader(..) => {
            ("the answer's header is too long".to_owned(), false, false)
        }
        ureq::Error::BadUri(_) => ("the URL cannot be asked".to_owned(), false, false),
        ureq::Error::ConnectionFailed => ("there is no connection".to_owned(), true, false),
        _ => ("the request failed".to_owned(), false, false),
    };
    let reason = format!("{phase}: {said}; {peer}, after {took}");
    Trouble { passing, is_tls, ..Trouble::new(reason) }
}

/// Connections of the dialer's in ureq's terms.
#[derive(Debug)]
struct Connect {
    dialer: Arc<Dialer>,
    peer: Peer,
}

impl Connector<()> for Connect {
    type Out = Line;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Line>, ureq::Error> {
        let target = target(details.uri).ok_or_else(|| ureq::Error::BadUri(String::new()))?;
        let deadline = Instant::now() + (*details.timeout.after).min(MAX_WAIT);
        let connection = self.dialer.dial(&target, deadline);
        let connection = connection.map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let _ = self.peer.set(connection.peer.clone());
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Line { connection, buffers }))
    }
}

/// Longer than any request: what a request without a limit gets.
const MAX_WAIT: Duration = Duration::from_secs(60);

fn target(uri: &Uri) -> Option<Target> {
    let is_tls = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    Some(Target { is_tls, host: uri.host()?.to_owned(), port })
}

/// The dialer looks names up itself.
#[derive(Debug)]
struct DialersOwn;

impl Resolver for DialersOwn {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// A connection in ureq's terms. Its deadline is its own.
#[derive(Debug)]
struct Line {
    connection: Connection,
    buffers: LazyBuffers,
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let octets = self.buffers.output().get(..amount).unwrap_or_default();
        self.connection.stream.write_all(octets)?;
        Ok(self.connection.stream.flush()?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let read = self.connection.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    /// Never asked: no connection is kept.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls
    }
}

/// A header's values as one list (RFC 9110 §5.3); unreadable ones count as absent.
fn header(headers: &HeaderMap, name: &str) -> String {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",")
}

/// What an answer's headers say, without its body.
fn heading(headers: &HeaderMap) -> Fetched {
    let (cache_control, age) = (header(headers, "cache-control"), header(headers, "age"));
    Fetched {
        document: None,
        ttl: time_to_live(&cache_control, &age, expires_in(headers)),
        tag: tag(headers),
        server_time: server_time(&header(headers, "date"), &age),
        headers: seen(headers),
    }
}

/// A cache's answer is dated by its origin, and `Age` seconds old (RFC 9111 §4.2.3).
fn server_time(date: &str, age: &str) -> Option<i64> {
    let date = parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let age = Duration::from_secs(age.trim().parse().unwrap_or(0));
    i64::try_from(date.saturating_add(age).as_secs()).ok()
}

fn seen(headers: &HeaderMap) -> SeenHeaders {
    let shown = |name| {
        let value = header(headers, name);
        (!value.is_empty()).then(|| printable(&value))
    };
    SeenHeaders {
        date: shown("date"),
        age: shown("age"),
        cache_control: shown("cache-control"),
        etag: shown("etag"),
        expires: shown("expires"),
    }
}

/// How long after its own date a response expires (RFC 9111 §5.3). Taken by the server's clock where it
/// tells its date, so that ours need not be right; at once where that is no date.
fn expires_in(headers: &HeaderMap) -> Option<Duration> {
    let expires = headers.get("expires")?;
    let expires = expires.to_str().ok().and_then(|text| parse_http_date(text).ok());
    let sent = date(headers).unwrap_or_else(SystemTime::now);
    Some(expires.and_then(|expires| expires.duration_since(sent).ok()).unwrap_or_default())
}

/// When the server says that it answered.
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    parse_http_date(headers.get("date")?.to_str().ok()?).ok()
}

/// The document's entity tag, if it is one that can be sent back: `*` or a list would ask about other
/// documents too, and be told that nothing has changed (RFC 9110 §8.8.3, §13.1.2).
fn tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get("etag")?.to_str().ok()?;
    let opaque = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = opaque.strip_prefix('"')?.strip_suffix('"')?;
    let is_one = inner.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'"');
    (is_one && tag.len() <= MAX_TAG_LENGTH).then(|| tag.to_owned())
}

/// Seconds, or a date to count them to (RFC 9110 §10.2.3), by the server's clock where it tells its date.
fn retry_after(headers: &HeaderMap) -> Option<u32> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let seconds = if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
        text.parse().unwrap_or(u64::MAX)
    } else {
        let until = parse_http_date(text).ok()?;
        let now = date(headers).unwrap_or_else(SystemTime::now);
        until.duration_since(now).unwrap_or_default().as_secs()
    };
    Some(u32::try_from(seconds).unwrap_or(u32::MAX).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use ureq::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        lines.iter().map(pair).collect()
    }

    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_minute_at_most() {
        let cases = [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("99999", Some(60)),
            ("99999999999999999999999", Some(60)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20)),
            ("Sunday, 06-Nov-94 08:49:57 GMT", Some(20)),
            ("Sun Nov  6 08:49:57 1994", Some(20)),
            ("Sun, 06 Nov 1994 09:49:57 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("+7", None),
            ("1.5", None),
            ("1, 2", None),
            ("soon", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            let headers = headers(&[DATE, ("retry-after", text)]);
            assert_eq!(retry_after(&headers), seconds, "{text:?}");
        }
        assert_eq!(retry_after(&headers(&[DATE])), None);
        // Without its date ours must do: that year is over.
        let undated = headers(&[("retry-after", "Sun, 06 Nov 1994 08:49:57 GMT")]);
        assert_eq!(retry_after(&undated), Some(0));
    }

    #[test]
    fn only_what_is_one_entity_tag_is_kept() {
        let longest = format!("\"{}\"", "x".repeat(MAX_TAG_LENGTH - 2));
        for good in ["\"a\"", "W/\"a\"", "\"\"", "\"a,b\"", longest.as_str()] {
            assert_eq!(tag(&headers(&[("etag", good)])).as_deref(), Some(good));
        }
        let too_long = format!("\"{}\"", "x".repeat(MAX_TAG_LENGTH - 1));
        for bad in
            ["", "*", "a", "\"", "\"a", "w/\"a\"", "\"a\", \"b\"", "\"a b\"", "\"é\"", &too_long]
        {
            assert_eq!(tag(&headers(&[("etag", bad)])), None, "{bad}");
        }
    }

    #[test]
    fn expiry_counts_from_the_servers_date_where_there_is_no_max_age() {
        let expiring = |expires| headers(&[DATE, ("expires", expires)]);
        let cases = [
            ("ten minutes", expiring("Sun, 06 Nov 1994 08:59:37 GMT"), 600),
            ("its own date", expiring("Sun, 06 Nov 1994 08:49:37 GMT"), 60),
            ("past", expiring("Thu, 01 Jan 1970 00:00:00 GMT"), 60),
            ("far", expiring("Fri, 31 Dec 9999 23:59:59 GMT"), 3600),
            ("zero", expiring("0"), 60),
            ("not ASCII", expiring("é"), 60),
            ("long ago by our clock", headers(&[("expires", "Sun, 06 Nov 1994 08:59:37 GMT")]), 60),
            ("nothing said", headers(&[DATE]), 300),
        ];
        for (what, headers, seconds) in cases {
            assert_eq!(heading(&headers).ttl.as_secs(), seconds, "{what}");
        }
    }
}
