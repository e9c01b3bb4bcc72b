//! The JWKS over HTTPS, within fixed limits. The only file that names ureq.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use httpdate::parse_http_date;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy};

use crate::config::{Network, ProxyUrl};
use crate::error::{printable, quoted};
use crate::stats::SeenHeaders;

use super::freshness::time_to_live;
use super::keyset::MAX_DOCUMENT_LENGTH;

/// For a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For everything, from the name look-up to the last byte of the body.
pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait that a server may ask for.
const MAX_RETRY_AFTER: u32 = 60;
const USER_AGENT: &str = concat!("authkit-verifier/", env!("CARGO_PKG_VERSION"));
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
        Self { reason: reason.into(), retry_after: None, passing: false }
    }
}

/// What is asked of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The tag of the document that is there already: the server may say that it is still the one.
    pub(crate) known_tag: Option<&'a str>,
    /// A cache on the way must ask the server (RFC 9111 §5.2.1.4).
    pub(crate) first_hand: bool,
    /// One more request may be made if the first fails in passing.
    pub(crate) may_retry: bool,
    /// For all of it.
    pub(crate) timeout: Duration,
}

/// Where documents come from; a seam for tests of time and failure.
pub(crate) trait Fetch: Send + Sync + std::fmt::Debug {
    /// Fetches the document, or learns that it is still the known one.
    fn fetch(&self, ask: Ask<'_>) -> Result<Fetched, FetchError>;
}

/// One URL, asked over a connection of its own each time: a fetch comes every few minutes, and a
/// kept connection or pool would be one more thing for fork() to break.
#[derive(Debug)]
pub(crate) struct HttpFetch {
    pub(crate) url: String,
    pub(crate) network: Network,
}

impl Fetch for HttpFetch {
    /// One try, and one more if the first failed in passing; both within the one limit.
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
}

impl HttpFetch {
    fn attempt(&self, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        let known_tag = ask.known_tag;
        let mut request = agent(&self.network, ask.timeout)?.get(&self.url);
        if let Some(tag) = known_tag {
            request = request.header("if-none-match", tag);
        }
        if ask.first_hand {
            request = request.header("cache-control", "no-cache");
        }
        let response = request.call().map_err(|error| self.failure(&error))?;
        match response.status().as_u16() {
            200 => self.document(response),
            304 if known_tag.is_some() => {
                Ok(Fetched { tag: known_tag.map(str::to_owned), ..heading(response.headers()) })
            }
            // Redirects are not followed: the keys' address is the configured one, or it is nobody's.
            status => Err(self.refusal(status, response.headers())),
        }
    }

    fn document(&self, mut response: Response<Body>) -> Result<Fetched, FetchError> {
        self.check_head(&response)?;
        let heading = heading(response.headers());
        let limit = MAX_DOCUMENT_LENGTH as u64 + 1;
        let mut document = Vec::new();
        let body = response.body_mut().as_reader().take(limit).read_to_end(&mut document);
        body.map_err(|error| {
            FetchError::new(format!("{} broke off: {}", self.url, quoted(&error.to_string())))
        })?;
        if document.len() > MAX_DOCUMENT_LENGTH {
            return Err(self.too_long());
        }
        Ok(Fetched { document: Some(document), ..heading })
    }

    /// Refuses by its head alone what the body could only confirm.
    fn check_head(&self, response: &Response<Body>) -> Result<(), FetchError> {
        // Text under a coding that it is not in says that some box on the way has been at it.
        let coding = header(response.headers(), "content-encoding");
        if !(coding.is_empty() || coding.eq_ignore_ascii_case("identity")) {
            let coding = quoted(&coding);
            return Err(FetchError::new(format!("{} sent the coding {coding}", self.url)));
        }
        match response.body().content_length() {
            Some(length) if length > MAX_DOCUMENT_LENGTH as u64 => Err(self.too_long()),
            _ => Ok(()),
        }
    }

    fn too_long(&self) -> FetchError {
        FetchError::new(format!("{} sent more than {MAX_DOCUMENT_LENGTH} bytes", self.url))
    }

    /// A gateway that says when to come back is not asked before.
    fn refusal(&self, status: u16, headers: &HeaderMap) -> FetchError {
        let retry_after = retry_after(headers);
        let passing = matches!(status, 502..=504) && retry_after.is_none();
        FetchError { reason: format!("{} answered HTTP {status}", self.url), retry_after, passing }
    }

    /// What a server or a proxy answered may be part of ureq's message.
    fn failure(&self, error: &ureq::Error) -> FetchError {
        let reason = format!("{} could not be reached: {}", self.url, quoted(&error.to_string()));
        FetchError { reason, retry_after: None, passing: is_passing(error) }
    }
}

/// Whether a connection was not made or was dropped; TLS that fails will fail again.
fn is_passing(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
        ),
        ureq::Error::ConnectionFailed | ureq::Error::Timeout(ureq::Timeout::Connect) => true,
        _ => false,
    }
}

/// ureq's defaults are the opposite of nearly each line here.
fn agent(network: &Network, timeout: Duration) -> Result<Agent, FetchError> {
    let proxy = match &network.proxy {
        // Neither the URL nor what ureq says of it is repeated: it may hold a password.
        Some(ProxyUrl(url)) => Some(
            Proxy::new(url)
                .map_err(|_| FetchError::new("the proxy setting is not a usable URL"))?,
        ),
        None => None,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(roots(network.ca_file.as_deref())?)
        .unversioned_rustls_crypto_provider(provider);
    let config = Agent::config_builder()
        .https_only(!network.allow_insecure_loopback)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .proxy(proxy)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(timeout))
        .tls_config(tls.build())
        .user_agent(USER_AGENT)
        .accept(ACCEPT)
        .accept_encoding(ACCEPT_ENCODING);
    Ok(config.build().new_agent())
}

/// The system's certificate authorities and the configured file's.
fn roots(ca_file: Option<&Path>) -> Result<RootCerts, FetchError> {
    let system = rustls_native_certs::load_native_certs();
    let mut certificates: Vec<Certificate<'static>> =
        system.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if let Some(path) = ca_file {
        let extra = read_ca_file(path).map_err(|error| {
            FetchError::new(format!("ca_file {} is unusable: {error}", path.display()))
        })?;
        certificates.extend(extra);
    }
    if certificates.is_empty() {
        return Err(FetchError::new(
            "this system has no certificate authorities; install its ca-certificates package or set ca_file",
        ));
    }
    Ok(RootCerts::from(certificates))
}

fn read_ca_file(path: &Path) -> io::Result<Vec<Certificate<'static>>> {
    let pem = fs::read(path)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(io::Error::other)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(io::Error::other("it holds no certificate"));
    }
    Ok(certificates)
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
