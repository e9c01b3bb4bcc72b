//! The decision on one request: go on with these claims, or answer with this and no more.

use std::borrow::Cow;

use crate::error::{Class, Code, Error, Result};
use crate::log::LogLine;
use crate::token::claims::Claims;

use super::challenge::{Terms, challenge};
use super::response::Response;

/// Seconds to wait where the error knows of none.
const RETRY_AFTER: u32 = 1;
/// Of RFC 6749 §4.1.2.1; clients know it.
const TEMPORARILY_UNAVAILABLE: &str = "temporarily_unavailable";

/// May this request go on? With claims it may; without them, [`Decision::response`] is the answer.
#[derive(Debug)]
#[must_use]
pub struct Decision {
    response: Response,
    claims: Option<Claims>,
    log_line: Option<LogLine>,
}

impl Decision {
    /// The decision that follows from a verdict. The terms are asked for only where they are told.
    pub(crate) fn new<'t>(verdict: Result<Claims>, terms: impl FnOnce() -> Terms<'t>) -> Self {
        match verdict {
            Ok(claims) => {
                Self { response: Response::new(200), claims: Some(claims), log_line: None }
            }
            Err(error) => Self { response: refusal(error, &terms()), claims: None, log_line: None },
        }
    }

    pub(crate) fn with_log_line(self, log_line: Option<LogLine>) -> Self {
        Self { log_line, ..self }
    }

    /// What to write into the log if the response is sent. `None` if the request may go on or has no credentials, or
    /// if the same cause was told less than 10 s ago. It is then counted, and a later line tells how often.
    #[must_use]
    pub fn log_line(&self) -> Option<&LogLine> {
        self.log_line.as_ref()
    }

    /// What the accepted token says; `None` where the request may not go on.
    #[must_use]
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// The claims, to keep.
    #[must_use]
    pub fn into_claims(self) -> Option<Claims> {
        self.claims
    }

    /// What to answer where the request may not go on; an empty 200 where it may.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// Why the request may not go on, for the log: it says more than the client is told.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.response.error()
    }
}

/// The answer to a request that may not go on: 400, 401, 403, 429, 500 or 503.
fn refusal(error: Error, terms: &Terms<'_>) -> Response {
    let description = description(&error);
    let response = match status(&error) {
        status @ (429 | 503) => later(status, &error),
        // A defect or a wrong setting here is nothing that another token would mend.
        500 => Response::new(500),
        status => {
            let told = oauth_error(&error).map(|name| (name, description.as_ref()));
            // Scopes ask for a login, too.
            let terms = if error.is_beyond_login() { &terms.without_scopes() } else { terms };
            Response::new(status)
                .with_header("www-authenticate", challenge(told, terms))
                .with_header("access-control-expose-headers", "WWW-Authenticate")
        }
    };
    let response = response
        .with_header("cache-control", "no-store")
        .with_json(body(body_error(&error), &description));
    response.because(error)
}

/// The code's status; but 429 for a call that must not wait and names an unknown key while usable keys are
/// there, as if it had waited long enough.
fn status(error: &Error) -> u16 {
    match error.code().class() {
        Class::WouldBlock if error.retry_after().is_some() => Code::KeyUnconfirmed.http_status(),
        _ => error.code().http_status(),
    }
}

/// The answer to a request for a document that cannot be had at the moment.
pub(crate) fn unavailable(error: Error, description: &str) -> Response {
    let response = later(503, &error).with_header("cache-control", "no-store");
    response.with_json(body(Some(TEMPORARILY_UNAVAILABLE), description)).because(error)
}

/// An answer that says when to come back.
fn later(status: u16, error: &Error) -> Response {
    let seconds = error.retry_after().unwrap_or(RETRY_AFTER).max(RETRY_AFTER);
    Response::new(status)
        .with_header("retry-after", seconds.to_string())
        .with_header("access-control-expose-headers", "Retry-After")
}

/// `{"error":…,"error_description":…}`, the shape of OAuth's errors (RFC 6749 §5.2).
fn body(error: Option<&str>, description: &str) -> String {
    let mut members = serde_json::Map::new();
    if let Some(error) = error {
        members.insert("error".to_owned(), error.into());
    }
    members.insert("error_description".to_owned(), description.into());
    serde_json::Value::Object(members).to_string()
}

/// The challenge's error code; none for what no login cures, since a client that is told one logs in again.
fn oauth_error(error: &Error) -> Option<&'static str> {
    error.code().oauth_error().filter(|_| !error.is_beyond_login())
}

/// The body's error code: the challenge's, or RFC 6749's where there is no challenge.
fn body_error(error: &Error) -> Option<&'static str> {
    match error.code().http_status() {
        429 | 503 => Some(TEMPORARILY_UNAVAILABLE),
        500 => Some("server_error"),
        _ => oauth_error(error),
    }
}

/// What the client is told. A sentence for each code and not the error's own reason, which speaks to
/// the operator: of settings, addresses and what the token said. Scopes alone are named, since the
/// challenge names them anyway; they are the configuration's and the policy's, never the token's.
fn description(error: &Error) -> Cow<'_, str> {
    Cow::Borrowed(match error.code() {
        Code::NoCredentials => "This server needs an access token: Authorization: Bearer",
        Code::InvalidRequest => {
            "Send one access token, as Authorization: Bearer, and none anywhere else"
        }
        Code::Malformed => "The access token is not a signed JWT",
        Code::TooLarge => "The access token is too large",
        Code::CriticalHeader => "The access token demands an extension that is not supported",
        Code::Algorithm => "The access token is signed with an algorithm that is not accepted here",
        Code::Type => "The token is not an access token",
        Code::Issuer => "The access token is from an issuer that is not accepted here",
        Code::Claim => "The access token lacks a claim or has a wrong one",
        Code::Expired => "The access token expired",
        Code::NotYetValid => "The access token is not valid yet",
        Code::Audience => "The access token is meant for another resource",
        Code::UnknownKey => "The access token is signed with an unknown key",
        Code::Signature => "The access token's signature does not verify",
        Code::Scope => return Cow::Owned(sentence(error.reason())),
        Code::KeysUnavailable | Code::KeyUnconfirmed | Code::WouldBlock | Code::FetchNeeded => {
            "The access token cannot be verified at the moment; try again later"
        }
        Code::Misuse | Code::Config | Code::Absent | Code::Internal => {
            "The server cannot decide on this request"
        }
    })
}

fn sentence(reason: &str) -> String {
    match reason.strip_prefix("the token") {
        Some(rest) => format!("The access token{rest}"),
        None => reason.to_owned(),
    }
}
