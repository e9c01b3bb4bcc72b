//! Authorization server metadata (RFC 8414), passed on to clients that ask the resource server for them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use crate::error::{Result, quoted};
use crate::jwks::dial::Dialer;
use crate::jwks::document::Document;
use crate::jwks::fetch::{Ask, Fetch, FetchError, Fetched, HttpFetch};
use crate::token::json;

use super::decision::unavailable;
use super::metadata::split;
use super::response::Response;

const OAUTH_PLACE: &str = "/.well-known/oauth-authorization-server";
const OPENID_PLACE: &str = "/.well-known/openid-configuration";

/// For how long clients may keep the document, in seconds.
const MAX_AGE: u32 = 300;

/// What an authorization server says of itself, as it says it.
#[derive(Debug)]
pub(crate) struct ServerMetadata(String);

impl Document for ServerMetadata {
    /// The issuer that the document must be of.
    type Rules = String;
    const NAME: &'static str = "authorization_server";
    const WHAT: &'static str = "the authorization server's metadata";
    const IS_VITAL: bool = false;

    /// The issuer must be exactly the one that the address was made of. Otherwise somebody else could speak for it
    /// (RFC 8414 §3.3).
    fn read(octets: &[u8], issuer: &String) -> std::result::Result<Self, String> {
        let document = json::Document::parse(octets.to_vec())
            .map_err(|problem| format!("the authorization server's metadata are {problem}"))?;
        match document.get("issuer").and_then(json::Value::as_str) {
            Some(named) if named == issuer.as_str() => Ok(Self(document.text().to_owned())),
            Some(named) => Err(format!(
                "the authorization server's metadata are of the issuer {}, not of {}",
                quoted(&named),
                quoted(issuer)
            )),
            None => Err("the authorization server's metadata name no issuer".to_owned()),
        }
    }
}

/// The addresses at which an issuer may publish its metadata, asked in turn.
#[derive(Debug)]
pub(crate) struct Alternatives(Vec<HttpFetch>);

impl Alternatives {
    pub(crate) fn of(issuer: &str, setting: Cow<'static, str>, dialer: &Arc<Dialer>) -> Self {
        let fetch = |url| HttpFetch { url, setting: setting.clone(), dialer: Arc::clone(dialer) };
        Self(addresses(issuer).into_iter().map(fetch).collect())
    }
}

/// OAuth's address, then OpenID's as RFC 8414 §5 has it, then as OpenID Connect Discovery §4 has it.
fn addresses(issuer: &str) -> Vec<String> {
    let (origin, path) = split(issuer);
    let path = path.trim_end_matches('/');
    let mut addresses = vec![
        format!("{origin}{OAUTH_PLACE}{path}"),
        format!("{origin}{OPENID_PLACE}{path}"),
        format!("{origin}{path}{OPENID_PLACE}"),
    ];
    addresses.dedup();
    addresses
}

impl Fetch for Alternatives {
    /// If a server answers but has no document at this address, the next address is asked. A server that cannot be
    /// reached, or says when to come back, is not asked again.
    fn fetch(&self, ask: Ask<'_>) -> std::result::Result<Fetched, FetchError> {
        let deadline = Instant::now() + ask.timeout;
        let mut first_failure = None;
        for address in &self.0 {
            let timeout = deadline.saturating_duration_since(Instant::now());
            if timeout.is_zero() {
                break;
            }
            match address.fetch(Ask { timeout, ..ask }) {
                Ok(fetched) => return Ok(fetched),
                Err(error) if error.passing || error.retry_after.is_some() => return Err(error),
                Err(error) => first_failure = first_failure.or(Some(error)),
            }
        }
        Err(first_failure.unwrap_or_else(|| FetchError::new("there was no time to ask")))
    }
}

/// The document, or 503 where it could not be had.
pub(crate) fn response(found: Result<Arc<ServerMetadata>>) -> Response {
    match found {
        Ok(metadata) => Response::new(200)
            .with_header("cache-control", format!("public, max-age={MAX_AGE}"))
            .with_json(metadata.0.clone()),
        Err(error) => unavailable(
            error,
            "The authorization server's metadata cannot be had at the moment; try again later",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuers_metadata_are_at_these_addresses() {
        let root = &[
            "https://a.example/.well-known/oauth-authorization-server",
            "https://a.example/.well-known/openid-configuration",
        ][..];
        let below = &[
            "https://a.example:8443/.well-known/oauth-authorization-server/t/1",
            "https://a.example:8443/.well-known/openid-configuration/t/1",
            "https://a.example:8443/t/1/.well-known/openid-configuration",
        ];
        for (issuer, expected) in [
            ("https://a.example", root),
            ("https://a.example/", root),
            ("https://a.example:8443/t/1", below),
            ("https://a.example:8443/t/1/", below),
        ] {
            assert_eq!(addresses(issuer), expected, "{issuer}");
        }
    }

    #[test]
    fn metadata_are_of_the_very_issuer_and_passed_on_to_the_byte() {
        let issuer = "https://a.example".to_owned();
        let read = |text: &str| ServerMetadata::read(text.as_bytes(), &issuer).map(|read| read.0);
        let good =
            r#"{ "token_endpoint":"https://a.example/t", "issuer" : "https:\/\/a.example" }"#;
        assert_eq!(read(good).as_deref(), Ok(good));
        for bad in [
            r#"{"issuer":"https://a.example/"}"#,
            r#"{"issuer":"https://A.example"}"#,
            r#"{"issuer":"http://a.example"}"#,
            r#"{"issuer":"https://a.example","issuer":"https://a.example"}"#,
            r#"{"issuer":["https://a.example"]}"#,
            r#"{"issuer":null}"#,
            "{}",
            "[]",
            "<html>",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
