//! The JWKS over HTTPS, within fixed limits. The only file that names ureq.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy};

use crate::config::{Network, ProxyUrl};
use crate::error::quoted;

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

/// A document as it came, and how long its server wants it believed.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) document: Vec<u8>,
    pub(crate) ttl: Duration,
}

/// Why there is no document; a sentence without secrets.
#[derive(Debug, Clone)]
pub(crate) struct FetchError {
    pub(crate) reason: String,
    pub(crate) retry_after: Option<u32>,
}

impl FetchError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retry_after: None }
    }
}

/// Where documents come from; a seam for tests of time and failure.
pub(crate) trait Fetch: Send + Sync + std::fmt::Debug {
    fn fetch(&self) -> Result<Fetched, FetchError>;
}

/// One URL, asked over a connection of its own each time: a fetch comes every few minutes, and a
/// kept connection or pool would be one more thing for fork() to break.
#[derive(Debug)]
pub(crate) struct HttpFetch {
    pub(crate) url: String,
    pub(crate) network: Network,
}

impl Fetch for HttpFetch {
    fn fetch(&self) -> Result<Fetched, FetchError> {
        let agent = agent(&self.network)?;
        let response = agent.get(&self.url).call().map_err(|error| self.failure(&error))?;
        self.document(response)
    }
}

impl HttpFetch {
    fn document(&self, mut response: Response<Body>) -> Result<Fetched, FetchError> {
        // Redirects are not followed: the keys' address is the configured one, or it is nobody's.
        if response.status() != 200 {
            return Err(FetchError {
                reason: format!("{} answered HTTP {}", self.url, response.status().as_u16()),
                retry_after: retry_after(response.headers()),
            });
        }
        let headers = response.headers();
        let ttl = time_to_live(&header(headers, "cache-control"), &header(headers, "age"));
        let limit = MAX_DOCUMENT_LENGTH as u64 + 1;
        let mut document = Vec::new();
        let body = response.body_mut().as_reader().take(limit).read_to_end(&mut document);
        body.map_err(|error| {
            FetchError::new(format!("{} broke off: {}", self.url, quoted(&error.to_string())))
        })?;
        if document.len() > MAX_DOCUMENT_LENGTH {
            return Err(FetchError::new(format!(
                "{} sent more than {MAX_DOCUMENT_LENGTH} bytes",
                self.url
            )));
        }
        Ok(Fetched { document, ttl })
    }

    /// What a server or a proxy answered may be part of ureq's message.
    fn failure(&self, error: &ureq::Error) -> FetchError {
        FetchError::new(format!(
            "{} could not be reached: {}",
            self.url,
            quoted(&error.to_string())
        ))
    }
}

/// ureq's defaults are the opposite of nearly each line here.
fn agent(network: &Network) -> Result<Agent, FetchError> {
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
        .timeout_global(Some(FETCH_TIMEOUT))
        .tls_config(tls.build())
        .user_agent(USER_AGENT)
        .accept(ACCEPT);
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

fn retry_after(headers: &HeaderMap) -> Option<u32> {
    Some(header(headers, "retry-after").trim().parse::<u32>().ok()?.min(MAX_RETRY_AFTER))
}
