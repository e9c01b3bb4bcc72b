//! How a request carries its token (RFC 6750 §2.1, RFC 9110 §11.4), read here and nowhere else.

use std::fmt;

use crate::error::{Code, Error, Result};
use crate::token::compact::MAX_TOKEN_LENGTH;
use crate::token::pasted;

const SCHEME: &[u8] = b"Bearer";

/// What of an HTTP request decides whether it may go on: its `Authorization` header, its query and its path.
///
/// ```
/// use authkit::Request;
/// let request = Request::new().authorization("Bearer eyJhbGciOi...").query("session=1");
/// ```
#[derive(Clone, Copy, Default)]
pub struct Request<'r> {
    authorization: Option<&'r [u8]>,
    repeated: bool,
    query: Option<&'r [u8]>,
    pub(super) path: Option<&'r [u8]>,
    pub(super) decoded_path: Option<&'r [u8]>,
    pub(super) root_path: &'r [u8],
}

impl fmt::Debug for Request<'_> {
    /// No octet of the request: it holds the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

impl<'r> Request<'r> {
    /// A request without credentials and query.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of an `Authorization` header line, as it came. To be called for each line that the
    /// request has: two are one too many.
    #[must_use]
    pub fn authorization<A: AsRef<[u8]> + ?Sized>(mut self, value: &'r A) -> Self {
        self.repeated = self.authorization.replace(value.as_ref()).is_some();
        self
    }

    /// The query of the request's target, still encoded, with or without its `?`.
    #[must_use]
    pub fn query<Q: AsRef<[u8]> + ?Sized>(mut self, query: &'r Q) -> Self {
        self.query = Some(query.as_ref());
        self
    }

    /// The raw path of the request's target; a query after it is ignored. For
    /// [`Access::judge`](crate::Access::judge).
    #[must_use]
    pub fn path<P: AsRef<[u8]> + ?Sized>(mut self, path: &'r P) -> Self {
        self.path = Some(path.as_ref());
        self
    }

    /// The percent-decoded path that the host's router uses, if the host knows it: ASGI's `path`, WSGI's
    /// `SCRIPT_NAME` with `PATH_INFO`. The demands of both paths hold. The request is public only if both are.
    #[must_use]
    pub fn decoded_path<P: AsRef<[u8]> + ?Sized>(mut self, path: &'r P) -> Self {
        self.decoded_path = Some(path.as_ref());
        self
    }

    /// The percent-decoded prefix below which the host has mounted its application: ASGI's `root_path`, WSGI's
    /// `SCRIPT_NAME`. The path may begin with it or not.
    #[must_use]
    pub fn root_path<P: AsRef<[u8]> + ?Sized>(mut self, root: &'r P) -> Self {
        self.root_path = root.as_ref();
        self
    }

    /// The one bearer token of the request, spelled as a token is; not yet looked into.
    pub(crate) fn token(&self) -> Result<&'r [u8]> {
        if self.query.is_some_and(has_access_token) {
            // Logged by every server on the way, and sent on in Referer (RFC 6750 §5.3).
            return Err(invalid("the query carries an access_token")
                .with_hint("send the token as Authorization: Bearer, and only there"));
        }
        if self.repeated {
            return Err(invalid("the request has more than one Authorization header")
                .with_hint("send one; a proxy or a client's settings may add another"));
        }
        bearer(self.authorization.unwrap_or_default())
    }
}

/// The token of a header's value: `"Bearer" 1*SP b64token`.
fn bearer(value: &[u8]) -> Result<&[u8]> {
    let value = trim(value);
    let end = value.iter().position(|octet| !is_scheme_octet(*octet)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    if value.is_empty() {
        return Err(Error::new(Code::NoCredentials, "the request has no Authorization header"));
    }
    if scheme.is_empty() {
        return Err(invalid("the Authorization header does not begin with a scheme")
            .with_hint("send Authorization: Bearer and the token, without quotes"));
    }
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(other_scheme(scheme, rest));
    }
    match rest.first() {
        None => Err(invalid("the Authorization header has no token after Bearer")
            .with_hint("the client's variable may be empty: let it get an access token first")),
        Some(b' ') => b64token(without_spaces(rest)),
        Some(_) => Err(invalid("the Authorization header has no space after Bearer")
            .with_hint("send Authorization: Bearer, one space, and the token")),
    }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 §2.1).
fn b64token(text: &[u8]) -> Result<&[u8]> {
    if text.len() > MAX_TOKEN_LENGTH {
        return Err(invalid(format!("the token is longer than {MAX_TOKEN_LENGTH} bytes"))
            .with_hint("AuthKit's access tokens are about 1 KiB; send one of these"));
    }
    let end = text.iter().position(|octet| !is_token_octet(*octet)).unwrap_or(text.len());
    let (token, rest) = text.split_at(end);
    let strange = rest.iter().find(|octet| **octet != b'=');
    if strange.is_some()
        && let Some(error) = misspelt(text)
    {
        return Err(error);
    }
    match strange {
        None if !token.is_empty() => Ok(text),
        Some(b' ' | b',') => Err(invalid("the Authorization header holds more than one thing")
            .with_hint("send one header, Authorization: Bearer and the token alone")),
        _ => Err(invalid("the token holds an octet that no token has")
            .with_hint("send the access token as AuthKit gave it")),
    }
}

/// What came in place of a token; `None` for several things in one header, which is told as that.
#[cold]
fn misspelt(text: &[u8]) -> Option<Error> {
    let pieces = text.split(|octet| matches!(octet, b' ' | b',')).filter(|piece| !piece.is_empty());
    let are_several = pieces.count() > 1 && !pasted::starts_with_scheme(text);
    let is_whole = matches!(text.first(), Some(b'{' | b'[' | b'$' | b'<' | b'"' | b'\''));
    pasted::explain(Code::InvalidRequest, text).filter(|_| is_whole || !are_several)
}

/// Credentials that are not a bearer token's count as none (RFC 6750 §3.1), unless a bearer token
/// stands behind them, as when two header lines were joined by a comma (RFC 9110 §5.3). The scheme is
/// not repeated: it may be a token whose sender forgot the scheme. But for DPoP (RFC 9449 §7.1), whose clients believe
/// to send an access token.
fn other_scheme(scheme: &[u8], rest: &[u8]) -> Error {
    let mut further = rest.split(|octet| *octet == b',').skip(1).map(trim);
    let is_bearer = |part: &[u8]| {
        part.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
            && part.get(SCHEME.len()).is_none_or(|next| *next == b' ')
    };
    if further.any(is_bearer) {
        return invalid("the Authorization header holds more than one thing")
            .with_hint("send one header, Authorization: Bearer and the token alone");
    }
    if scheme.eq_ignore_ascii_case(b"DPoP") {
        let reason = "the Authorization header's scheme is DPoP, and this server cannot check such a token's key";
        return Error::new(Code::NoCredentials, reason)
            .with_hint("let the client get a plain bearer token and send Authorization: Bearer");
    }
    Error::new(Code::NoCredentials, "the Authorization header's scheme is not Bearer")
        .with_hint("send Authorization: Bearer and the token")
}

/// Whether a query names `access_token` (RFC 6750 §2.3), however it is encoded or separated.
fn has_access_token(query: &[u8]) -> bool {
    let query = query.strip_prefix(b"?").unwrap_or(query);
    query.split(|octet| matches!(octet, b'&' | b';')).any(|parameter| {
        let name = parameter.split(|octet| *octet == b'=').next().unwrap_or_default();
        percent_decoded(name).eq(b"access_token".iter().copied())
    })
}

pub(crate) fn percent_decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (decoded, length) = match rest {
            [b'%', high, low, ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            [octet, ..] => (*octet, 1),
            [] => return None,
        };
        rest = rest.get(length..).unwrap_or_default();
        Some(decoded)
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Without the white space that is no part of a header's value (RFC 9110 §5.5).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `1*SP` is spaces alone: a tab is no part of it.
fn without_spaces(mut rest: &[u8]) -> &[u8] {
    while let [b' ', after @ ..] = rest {
        rest = after;
    }
    rest
}

/// An octet of a scheme: a `token` of RFC 9110 §5.6.2.
fn is_scheme_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet)
}

#[track_caller]
fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::InvalidRequest, reason)
}
