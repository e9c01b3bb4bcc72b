//! What went wrong, as a fixed code, and what the reader can do about it.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

/// The kind of outcome a [`Code`] belongs to; it alone fixes the HTTP status.
///
/// The numbers are the low byte of the C ABI's `authkit_status`: fixed, append-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Class {
    /// The caller broke the API's contract (a null pointer, text that is not UTF-8).
    Misuse = 1,
    /// A setting is missing or wrong; no verifier was built.
    Config = 2,
    /// The token is not acceptable: HTTP 401, `invalid_token`.
    Token = 3,
    /// The token is good but does not carry what the operation needs: HTTP 403, `insufficient_scope`.
    Forbidden = 4,
    /// The issuer's keys could not be had: HTTP 503. Says nothing about the token.
    KeysUnavailable = 5,
    /// The answer needs the network and the caller asked not to wait.
    WouldBlock = 6,
    /// The thing asked for is not there (a claim that the token does not carry).
    Absent = 7,
    /// A defect in this library, stopped before it could do harm: HTTP 500.
    Internal = 8,
    /// The request carries no bearer token: HTTP 401, and no error named (RFC 6750 §3.1).
    NoCredentials = 9,
    /// The request carries its token in a way that must not be: HTTP 400, `invalid_request`.
    Request = 10,
    /// HTTP 429. The token may be good: the issuer could not be asked about its key. Usable keys are there.
    Unconfirmed = 11,
}

/// Detail codes: `detail << 8 | class`, so that a code is one number with its class inside.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $detail:literal, $class:ident, $text:literal;)*) => {
        /// A stable, machine-readable reason. Values never change and are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name = ($detail << 8) | Class::$class as i32,)* }

        impl Code {
            /// Every code, in order of declaration.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The class that fixes the HTTP status.
            #[must_use]
            pub fn class(self) -> Class {
                match self { $(Code::$name => Class::$class,)* }
            }

            /// The code's stable name in upper case, such as `"EXPIRED"`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The caller broke the API's contract.
    Misuse = 0, Misuse, "MISUSE";
    /// A setting is missing or wrong.
    Config = 0, Config, "CONFIG";
    /// Not a compact JWS over one strict JSON object each (RFC 7515 §7.1, RFC 8725 §2.4).
    Malformed = 1, Token, "MALFORMED";
    /// Longer than any token this library reads.
    TooLarge = 2, Token, "TOO_LARGE";
    /// The algorithm is not allow-listed, or not the key's (RFC 8725 §3.1).
    Algorithm = 3, Token, "ALGORITHM";
    /// The header demands an extension; none is supported (RFC 7515 §4.1.11).
    CriticalHeader = 4, Token, "CRITICAL_HEADER";
    /// The token is something other than an access token (RFC 8725 §3.11): by its `typ`, or an ID token by its claims.
    Type = 5, Token, "TYPE";
    /// No key of the issuer has this key id.
    UnknownKey = 6, Token, "UNKNOWN_KEY";
    /// The signature does not verify.
    Signature = 7, Token, "SIGNATURE";
    /// `exp` is past, or `iat` older than the configured age.
    Expired = 8, Token, "EXPIRED";
    /// `nbf` or `iat` is still to come.
    NotYetValid = 9, Token, "NOT_YET_VALID";
    /// A claim is missing or of the wrong type, or binds the token to a key (`cnf`), which is not checked here.
    Claim = 10, Token, "CLAIM";
    /// The issuer is not allow-listed.
    Issuer = 11, Token, "ISSUER";
    /// The token is meant for another resource, or is a session token of another client.
    Audience = 12, Token, "AUDIENCE";
    /// A required scope is missing.
    Scope = 1, Forbidden, "SCOPE";
    /// The issuer's keys could not be had.
    KeysUnavailable = 0, KeysUnavailable, "KEYS_UNAVAILABLE";
    /// The answer needs the network; a fetch is under way.
    WouldBlock = 0, WouldBlock, "WOULD_BLOCK";
    /// The answer needs the network, and no fetch is under way: only a call that may wait starts one
    /// (`refresh_mode` inline).
    FetchNeeded = 1, WouldBlock, "FETCH_NEEDED";
    /// The thing asked for is not there.
    Absent = 0, Absent, "ABSENT";
    /// A defect in this library.
    Internal = 0, Internal, "INTERNAL";
    /// The request carries no bearer token.
    NoCredentials = 0, NoCredentials, "NO_CREDENTIALS";
    /// The token names a key that is not among the issuer's known keys, and the issuer could not be asked:
    /// it fails, is slow, or was asked too often. Another try can succeed.
    KeyUnconfirmed = 0, Unconfirmed, "KEY_UNCONFIRMED";
    /// The request carries its token wrongly: twice, in the query, or spelled as no token is.
    InvalidRequest = 0, Request, "INVALID_REQUEST";
}

impl Code {
    /// The number that the C ABI calls `authkit_status`; never 0, which is success.
    #[must_use]
    pub fn status(self) -> i32 {
        self as i32
    }

    /// The code of a C ABI status number; `None` for success and for numbers not in use.
    #[must_use]
    pub fn from_status(status: i32) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.status() == status)
    }

    /// The HTTP status a resource server answers with.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self.class() {
            Class::Request => 400,
            Class::NoCredentials | Class::Token => 401,
            Class::Forbidden => 403,
            Class::Unconfirmed => 429,
            Class::KeysUnavailable | Class::WouldBlock => 503,
            Class::Misuse | Class::Config | Class::Absent | Class::Internal => 500,
        }
    }

    /// The `error` of a `WWW-Authenticate: Bearer` challenge (RFC 6750 §3.1), where one is due.
    #[must_use]
    pub fn oauth_error(self) -> Option<&'static str> {
        match self.class() {
            Class::Request => Some("invalid_request"),
            Class::Token => Some("invalid_token"),
            Class::Forbidden => Some("insufficient_scope"),
            _ => None,
        }
    }
}

/// A refusal: its code, one sentence of reason and, where the cause is a known slip, a hint.
///
/// Reason and hint are safe to log: they never hold the token or a secret, and what an attacker
/// chose in them is escaped to printable ASCII and cut short.
// One pointer, so that a result costs little where there is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Refusal>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    code: Code,
    reason: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    retry_after: Option<u32>,
    client_id: Option<Box<str>>,
    /// Another login would give the client a token that is refused for the same.
    beyond_login: bool,
    /// Where in this library it was made: a cause without anything that a client chose.
    place: &'static Location<'static>,
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A refusal with a code and one sentence.
    // Cold: what leads here stays out of the way of tokens that are accepted.
    #[cold]
    #[track_caller]
    pub(crate) fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        let (reason, place) = (bounded(reason.into()), Location::caller());
        let (hint, retry_after, client_id, beyond_login) = (None, None, None, false);
        #[rustfmt::skip]
        let refusal = Refusal { code, reason, hint, retry_after, client_id, beyond_login, place };
        Self(Box::new(refusal))
    }

    /// Adds what the reader should change. The hint tells causes apart, so its place replaces the reason's.
    #[must_use]
    #[track_caller]
    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(bounded(hint.into()));
        self.0.place = Location::caller();
        self
    }

    /// Adds the client that the token names; it may be whoever the sender likes.
    #[cold]
    #[must_use]
    pub(crate) fn of_client(mut self, client_id: Option<Cow<'_, str>>) -> Self {
        self.0.client_id = client_id.map(|client| printable(&client).into());
        self
    }

    /// Notes that no login cures it: the client is not to be asked for one.
    #[cold]
    #[must_use]
    pub(crate) fn beyond_login(mut self) -> Self {
        self.0.beyond_login = true;
        self
    }

    /// Whether another login would end in the same refusal.
    pub(crate) fn is_beyond_login(&self) -> bool {
        self.0.beyond_login
    }

    /// Adds when another try can succeed, in seconds.
    #[must_use]
    pub(crate) fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The same error in other words.
    pub(crate) fn reworded(mut self, word: impl Fn(&str) -> String) -> Self {
        self.0.reason = bounded(word(&self.0.reason).into());
        self.0.hint = self.0.hint.take().map(|hint| bounded(word(&hint).into()));
        self
    }

    /// This error for a later call, which must not go on without the setting that failed.
    #[cold]
    pub(crate) fn of_earlier(&self, setter: &str) -> Self {
        let reason = format!("an earlier {setter} failed: {}", self.reason());
        let told = Self::new(self.code(), reason);
        match &self.0.hint {
            Some(hint) => told.with_hint(hint.clone()),
            None => told,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// One sentence for a log or a person; never the token, never a secret.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What to change, where the cause is a known configuration slip.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The `client_id` that the token names, else its `azp`: escaped, cut, and unproven if the token is refused.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// Where in this library the cause was found.
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.0.place
    }

    /// Seconds after which another try can succeed, if keys could not be had or asked about.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.reason)?;
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Longest piece of foreign text that a message repeats, in characters.
const QUOTED_LIMIT: usize = 80;
/// Longest reason and longest hint, in characters, whatever their maker put in.
pub(crate) const SENTENCE_LIMIT: usize = 300;

/// A sentence that is printable ASCII on one line, and short; `…` ends one that was cut.
#[cold]
pub(crate) fn bounded(text: Cow<'static, str>) -> Cow<'static, str> {
    let is_plain = |octet: u8| matches!(octet, b' '..=b'~');
    if text.len() <= SENTENCE_LIMIT && text.bytes().all(is_plain) {
        return text;
    }
    // Only as much as can be needed: it may be megabytes.
    // `…` is ours, the sign of a text that was cut.
    let pieces = text.chars().take(SENTENCE_LIMIT + 1).map(|character| match character {
        '…' => "…".to_owned(),
        other => escaped(other.encode_utf8(&mut [0; 4])),
    });
    let escaped: String = pieces.collect();
    let mut end = escaped.char_indices().map(|(at, _)| at).skip(SENTENCE_LIMIT - 1);
    match (end.next(), end.next()) {
        (Some(last), Some(_)) => format!("{}…", escaped.get(..last).unwrap_or_default()).into(),
        _ => escaped.into(),
    }
}

/// What is said in place of a text that looks like a secret: one that was set in place of a path or a name.
const HIDDEN: &str = "(not shown: it looks like a key or a password)";

/// Whether a text looks like a PEM key, a WorkOS API key, or a URL with a password in it.
fn is_secret(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next());
    ["-----BEGIN", "PRIVATE KEY"].iter().any(|sign| text.contains(sign))
        || text.trim_start().starts_with("sk_")
        || authority.flatten().is_some_and(|authority| authority.contains('@'))
}

/// Foreign text made safe for a log line: quoted, printable ASCII only, cut short.
pub(crate) fn quoted(text: &str) -> String {
    if is_secret(text) {
        return HIDDEN.to_owned();
    }
    let (shown, ellipsis) = cut(text, |character| match character {
        '\\' => r"\\".to_owned(),
        '\'' => r"\'".to_owned(),
        other => escaped(other.encode_utf8(&mut [0; 4])),
    });
    format!("'{shown}'{ellipsis}")
}

/// Foreign text as a value of its own: printable ASCII only, cut short, not quoted.
pub(crate) fn printable(text: &str) -> String {
    if is_secret(text) {
        return HIDDEN.to_owned();
    }
    let (shown, ellipsis) = cut(text, |character| escaped(character.encode_utf8(&mut [0; 4])));
    format!("{shown}{ellipsis}")
}

/// As much of the beginning as is short in the spelling that is shown, and the sign that there is more. What a
/// sentence of ours says beside it must not be pushed out by escapes.
fn cut(text: &str, spelt: impl Fn(char) -> String) -> (String, &'static str) {
    let mut shown = String::new();
    for character in text.chars() {
        let piece = spelt(character);
        if shown.len() + piece.len() > QUOTED_LIMIT {
            return (shown, "…");
        }
        shown.push_str(&piece);
    }
    (shown, "")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => out.push(character),
            _ => out.extend(character.escape_unicode()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_survive_the_round_trip() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(Code::from_status(code.status()), Some(*code));
            assert_eq!(code.status() & 0xff, code.class() as i32);
            assert!(Code::ALL[..index].iter().all(|other| other.status() != code.status()));
        }
        assert_eq!(Code::from_status(0), None);
        assert_eq!(Code::from_status(-1), None);
    }

    proptest::proptest! {
        /// Whatever its caller put in: a document, a key, an escape sequence.
        #[test]
        fn a_reason_and_a_hint_are_printable_and_short(text in "\\PC{0,700}|(?s).{0,700}") {
            let error = Error::new(Code::Config, text.clone()).with_hint(text.clone());
            for said in [error.reason(), error.hint().unwrap()] {
                proptest::prop_assert!(said.chars().count() <= SENTENCE_LIMIT);
                proptest::prop_assert!(said.chars().all(|c| matches!(c, ' '..='~' | '…')));
            }
            let is_plain = text.len() <= SENTENCE_LIMIT && text.bytes().all(|b| matches!(b, b' '..=b'~'));
            proptest::prop_assert!(!is_plain || error.reason() == text);
        }
    }

    #[test]
    fn a_sentence_is_cut_with_a_sign_and_only_where_it_is_too_long() {
        let bound = |text: String| bounded(text.into()).into_owned();
        assert_eq!(bound("x".repeat(300)), "x".repeat(300));
        assert_eq!(bound("x".repeat(301)), format!("{}…", "x".repeat(299)));
        assert_eq!(bound("x".repeat(10_000_000)).chars().count(), 300);
        assert_eq!(bound("cut…".to_owned()), "cut…");
        assert_eq!(bound("é\n\u{202e}".to_owned()), r"\u{e9}\u{a}\u{202e}");
        assert!(matches!(bounded("as it is".into()), Cow::Borrowed("as it is")));
    }

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----";
        let broken = key.replace('\n', r"\n");
        for secret in
            [key, &broken, "sk_test_a1b2", " sk_live_x", "http://u:hunter2@h/", "https://t@h:1?x"]
        {
            assert_eq!([quoted(secret), printable(secret)], [HIDDEN, HIDDEN], "{secret}");
        }
        for name in ["/etc/ssl/key.pem", "a@b", "https://h/a@b", "risk_x", "BEGIN"] {
            assert_eq!(printable(name), name);
        }
    }

    #[test]
    fn printable_text_is_escaped_and_cut_like_quoted_text() {
        assert_eq!(printable("a'b\\c"), r"a'b\c");
        assert_eq!(printable("a\r\nb é"), r"a\u{d}\u{a}b \u{e9}");
        assert_eq!(printable(&"x".repeat(10_000)).chars().count(), QUOTED_LIMIT + 1);
    }

    #[test]
    fn quoted_text_is_printable_ascii_on_one_line_and_short() {
        assert_eq!(quoted("a'b\\c"), r"'a\'b\\c'");
        assert_eq!(quoted("a\r\nSet-Cookie: x"), r"'a\u{d}\u{a}Set-Cookie: x'");
        assert_eq!(quoted("é\0"), r"'\u{e9}\u{0}'");
        let long = quoted(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), QUOTED_LIMIT + 3);
    }
}
