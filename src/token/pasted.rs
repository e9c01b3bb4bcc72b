//! What people and programs send in place of an access token, told as what it is. Nothing of it is repeated: it may
//! be a secret, or a good token but for one character.

use crate::error::{Code, Error};

/// What a program writes for a value that it does not have.
const NO_VALUES: [&[u8]; 7] =
    [b"undefined", b"null", b"none", b"nil", b"nan", b"[object object]", b"[object promise]"];
/// Straight quotes, as shells and env files leave them.
const QUOTES: &[u8] = b"\"'`";
/// Those that word processors make.
const TYPESET_QUOTES: [&str; 4] = ["\u{201c}", "\u{201d}", "\u{2018}", "\u{2019}"];

/// The error for a text that is no compact token; `None` if it looks like nothing known.
#[cold]
pub(crate) fn explain(code: Code, text: &[u8]) -> Option<Error> {
    let is = |reason: &'static str| Some(Error::new(code, reason));
    let bare = text.trim_ascii();
    let has_dot = bare.contains(&b'.');
    let error = if bare.is_empty() {
        return None;
    } else if is_quoted(bare) {
        is("the token has quotes around it")?.with_hint("pass the token without quotes")
    } else if NO_VALUES.iter().any(|word| bare.eq_ignore_ascii_case(word)) {
        is("a program's word for no value came in place of a token")?
            .with_hint("let the client get an access token before it sends one; no setting of this server needs to change")
    } else if is_placeholder(bare) {
        is("the name of a variable came in place of a token")?
            .with_hint("the client must put the variable's value there; a shell does so inside double quotes only")
    } else if bare.starts_with(b"{") || bare.starts_with(b"[") {
        is("a JSON document came in place of a token")?.with_hint(
            "pass the value of access_token alone, not the whole answer of the token endpoint",
        )
    } else if starts_with_scheme(bare) {
        is("the token starts with its scheme")?.with_hint("pass the token alone, without Bearer")
    } else if bare.starts_with(b"sk_") && !has_dot {
        is("this is an API key (sk_...), not an access token")?
            .with_hint("let the client get an access token by logging in at AuthKit, and revoke the key if a client should not know it")
    } else if bare.starts_with(b"client_") && !has_dot {
        is("this is a client id (client_...), not an access token")?
            .with_hint("let the client get an access token with it; the id alone proves nothing")
    } else if bare.len() < text.len() {
        is("the token has white space around it")?
            .with_hint("pass the token without spaces and line breaks before and after it")
    } else if bare.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        is("the token has a line break in it")?
            .with_hint("pass it as one line: a terminal or an editor may have wrapped it")
    } else if bare.iter().any(u8::is_ascii_whitespace) {
        is("the token has a space or a tab in it")?.with_hint("pass one token, in one piece")
    } else if bare.iter().filter(|octet| **octet == b'.').count() == 4 {
        is("this is an encrypted token (JWE): it has five parts")?
            .with_hint("AuthKit's access tokens are signed and not encrypted; let the client send the one that AuthKit gave it")
    } else if !has_dot {
        is("this is an opaque text, not a JWT")?
            .with_hint("a refresh token, an authorization code or an API key is opaque; send AuthKit's access token")
    } else {
        return None;
    };
    Some(error)
}

fn is_quoted(text: &[u8]) -> bool {
    let is_quote = |octet: Option<&u8>| octet.is_some_and(|octet| QUOTES.contains(octet));
    let is_typeset =
        |quote: &&str| text.starts_with(quote.as_bytes()) || text.ends_with(quote.as_bytes());
    is_quote(text.first()) || is_quote(text.last()) || TYPESET_QUOTES.iter().any(is_typeset)
}

/// `$TOKEN`, `${TOKEN}`, `$(...)`, `%TOKEN%`, `{{token}}`, `<token>`: what a shell or a template left in place.
fn is_placeholder(text: &[u8]) -> bool {
    let encloses = |open: &[u8], close: &[u8]| text.starts_with(open) && text.ends_with(close);
    text.starts_with(b"$") || encloses(b"%", b"%") || encloses(b"{{", b"}}") || encloses(b"<", b">")
}

/// `Bearer` and what may stand behind it, also encoded.
pub(crate) fn starts_with_scheme(text: &[u8]) -> bool {
    let rest = text.split_at_checked(6).filter(|(start, _)| start.eq_ignore_ascii_case(b"Bearer"));
    rest.is_some_and(|(_, rest)| {
        rest.is_empty()
            || rest.starts_with(b"%20")
            || matches!(rest.first(), Some(b' ' | b'\t' | b':' | b'='))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln";

    #[test]
    fn what_is_pasted_is_told_as_what_it_is() {
        let cases = [
            (format!("\"{JWT}\""), "quotes"),
            (format!("'{JWT}"), "quotes"),
            (format!("{JWT}`"), "quotes"),
            (format!("\u{201c}{JWT}\u{201d}"), "quotes"),
            (format!("\"Bearer {JWT}\""), "quotes"),
            (format!(" {JWT}"), "white space around"),
            (format!("{JWT}\r\n"), "white space around"),
            (JWT.replace('.', ".\n"), "line break in it"),
            (JWT.replace('.', ". "), "space or a tab in it"),
            (format!("{JWT} {JWT}"), "space or a tab in it"),
            (format!("Bearer {JWT}"), "its scheme"),
            (format!("bearer: {JWT}"), "its scheme"),
            (format!("Bearer%20{JWT}"), "its scheme"),
            ("sk_live_hunter2".to_owned(), "API key"),
            ("client_01HUNTER2".to_owned(), "client id"),
            ("a.b.c.d.e".to_owned(), "JWE"),
            ("hunter2hunter2".to_owned(), "opaque"),
            ("undefined".to_owned(), "no value"),
            ("null".to_owned(), "no value"),
            ("None".to_owned(), "no value"),
            ("[object Object]".to_owned(), "no value"),
            ("$TOKEN".to_owned(), "a variable"),
            ("${TOKEN}".to_owned(), "a variable"),
            ("${env:TOKEN.x}".to_owned(), "a variable"),
            ("{{token}}".to_owned(), "a variable"),
            ("<token>".to_owned(), "a variable"),
            (format!("{{\"access_token\":\"{JWT}\"}}"), "JSON document"),
        ];
        let mut places = Vec::new();
        for (text, says) in cases {
            let error = explain(Code::Malformed, text.as_bytes()).expect(&text);
            assert!(error.reason().contains(says), "{text}: {error}");
            places.push((says, error.place().line()));
        }
        // Told apart in the log, too.
        for (says, line) in &places {
            assert!(places.iter().all(|(other, at)| (says == other) == (line == at)), "{says}");
        }
        for fine in [JWT, "", " ", "a.b", "a.b.c.d"] {
            assert!(explain(Code::Malformed, fine.as_bytes()).is_none(), "{fine}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_it_is_repeated(secret in "[0-9A-Z]{8,20}", before in "[\"' ${<\\[%]{0,3}|sk_|client_|Bearer ", after in "[\"' }>\\]%.\n]{0,5}") {
            let text = format!("{before}{secret}{after}");
            if let Some(error) = explain(Code::Malformed, text.as_bytes()) {
                prop_assert!(!error.to_string().contains(&secret), "{}", error);
            }
        }
    }
}
