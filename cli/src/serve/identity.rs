//! Who is calling, as headers for the server behind the proxy.

use authkit::Claims;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a header's value must not hold as it is: what ends a line or splits a list, and the sign of encoding
/// itself. Octets beyond ASCII are encoded in any case.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b',').add(b'\\');

/// Adds every header of ours, empty where the token says nothing: a proxy that copies them leaves none that
/// the client has sent.
pub(crate) fn add_to(headers: &mut HeaderMap, claims: &Claims) {
    let mut add = |name: &'static str, value: String| {
        // Encoded, it is a header's value; were it not, an empty one would give nobody a right.
        let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
        headers.insert(HeaderName::from_static(name), value);
    };
    add("x-authkit-subject", encoded(claims.subject()));
    add("x-authkit-client-id", encoded(&claims.client_id()));
    add("x-authkit-scopes", list(claims.scopes()));
    add("x-authkit-issuer", encoded(claims.issuer()));
    add("x-authkit-kind", claims.kind().name().to_owned());
    add("x-authkit-family", claims.family().name().to_owned());
    add("x-authkit-expires-at", whole(claims.expires_at()));
    add("x-authkit-org-id", optional(claims.org_id()));
    add("x-authkit-session-id", optional(claims.session_id()));
    add("x-authkit-role", optional(claims.role()));
    add("x-authkit-permissions", list(claims.permissions()));
    add("x-authkit-impersonated", claims.is_impersonated().to_string());
    add("x-authkit-actor", optional(claims.actor()));
    add("x-authkit-actors", list(claims.actors()));
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn optional(text: Option<impl AsRef<str>>) -> String {
    text.map(|text| encoded(text.as_ref())).unwrap_or_default()
}

/// Each encoded, so that a space stands between two and nowhere else.
fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| encoded(item.as_ref())).collect();
    items.join(" ")
}

/// Seconds without their fraction.
fn whole(seconds: f64) -> String {
    format!("{:.0}", seconds.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_token_ends_a_header_or_splits_a_list() {
        for (text, sent) in [
            ("user_01ABC", "user_01ABC"),
            ("https://app.example/client?id=1&v=2", "https://app.example/client?id=1&v=2"),
            ("a\r\nX-Authkit-Role: admin", "a%0D%0AX-Authkit-Role:%20admin"),
            (" a\tb\0\u{7f} ", "%20a%09b%00%7F%20"),
            ("a,b \"c\" \\", "a%2Cb%20%22c%22%20%5C"),
            ("100%41", "100%2541"),
            ("\u{e9}\u{10d0a}\u{2028}", "%C3%A9%F0%90%B4%8A%E2%80%A8"),
            ("", ""),
        ] {
            assert_eq!(encoded(text), sent, "{text:?}");
            assert!(HeaderValue::from_str(sent).is_ok());
        }
        assert_eq!(list(["a", "b c", ""]), "a b%20c ");
        assert_eq!(whole(1_760_000_300.9), "1760000300");
    }
}
