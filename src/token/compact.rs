//! The compact serialization (RFC 7515 §7.1): three parts, nothing before, between or after.

use memchr::memchr;

use crate::error::{Code, Error, Result};

use super::base64url;
use super::json::{Document, Problem};
use super::pasted;

/// Longest token that is looked at, in bytes; AuthKit's are about 1 KiB.
pub const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// A token taken apart; still encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compact<'t> {
    pub(crate) header: &'t [u8],
    pub(crate) payload: &'t [u8],
    pub(crate) signature: &'t [u8],
    /// The header and payload parts as they came: what the signature is over.
    pub(crate) signing_input: &'t [u8],
}

impl<'t> Compact<'t> {
    /// Takes a token apart without copying. However many dots come, at most three are looked for
    /// (CVE-2025-30204, CVE-2025-27144).
    pub(crate) fn split(token: &'t [u8]) -> Result<Self> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(Error::new(
                Code::TooLarge,
                format!(
                    "the token is {} bytes long; at most {MAX_TOKEN_LENGTH} are read",
                    token.len()
                ),
            ));
        }
        let cut = |text: &'t [u8]| text.split_at_checked(memchr(b'.', text)?);
        let (header, payload, signature) = cut(token)
            .and_then(|(header, rest)| {
                let (payload, rest) = cut(rest.get(1..)?)?;
                Some((header, payload, rest.get(1..)?))
            })
            .filter(|(_, _, signature)| memchr(b'.', signature).is_none())
            .ok_or_else(|| not_compact(token))?;
        if header.is_empty() || payload.is_empty() {
            return Err(malformed("the token has an empty part"));
        }
        let (signing_input, _) = token.split_at(header.len() + 1 + payload.len());
        Ok(Self { header, payload, signature, signing_input })
    }

    /// The header as the strict parser reads it, with room for the payload.
    pub(crate) fn header_object(&self) -> Result<Document> {
        let mut octets = Vec::with_capacity(self.signing_input.len() / 4 * 3);
        base64url::append(self.header, &mut octets).ok_or_else(|| not_base64url("header"))?;
        Document::parse(octets).map_err(|problem| not_json("header", problem))
    }

    /// The payload as the strict parser reads it, in memory that the header has made.
    pub(crate) fn payload_object(&self, header: Document) -> Result<Document> {
        Document::after(header, |octets| base64url::append(self.payload, octets))
            .ok_or_else(|| not_base64url("payload"))?
            .map_err(|problem| not_json("payload", problem))
    }

    /// The signature's octets; none at all is for the key to refuse.
    pub(crate) fn signature_octets(&self) -> Result<Vec<u8>> {
        octets(self.signature, "signature")
    }
}

/// A part that is one JSON object.
#[cfg(feature = "conformance")]
pub(crate) fn object(encoded: &[u8], part: &str) -> Result<Document> {
    Document::parse(octets(encoded, part)?).map_err(|problem| not_json(part, problem))
}

/// A part's octets.
pub(crate) fn octets(encoded: &[u8], part: &str) -> Result<Vec<u8>> {
    base64url::decode(encoded).ok_or_else(|| not_base64url(part))
}

#[track_caller]
fn not_base64url(part: &str) -> Error {
    malformed(format!("the {part} is not base64url"))
}

#[track_caller]
fn not_json(part: &str, problem: Problem) -> Error {
    malformed(format!("the {part} is not acceptable JSON: {problem}"))
}

fn not_compact(token: &[u8]) -> Error {
    match token {
        [] => malformed("the token is empty")
            .with_hint("let the client get an access token before it sends one"),
        _ => malformed("the token is not three parts with a dot between them").with_hint(
            "send AuthKit's access token whole; no setting of this server needs to change",
        ),
    }
}

/// Says what a malformed token looks like instead, since hosts often pass on what they were given.
#[cold]
pub(crate) fn explained(error: Error, token: &[u8]) -> Error {
    let is_malformed = error.code() == Code::Malformed;
    pasted::explain(error.code(), token).filter(|_| is_malformed).unwrap_or(error)
}

#[track_caller]
pub(crate) fn malformed(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::Malformed, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_parts_pass() {
        let parts = Compact::split(b"aa.bb.cc").unwrap();
        assert_eq!(
            (parts.header, parts.payload, parts.signature, parts.signing_input),
            (&b"aa"[..], &b"bb"[..], &b"cc"[..], &b"aa.bb"[..])
        );
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            "a..c",
            ".b.c",
            "a.b.c.",
            ".a.b.c",
            "a.b.c.d",
            "a.b.c.d.e",
            "....",
            "{}",
        ] {
            assert_eq!(
                Compact::split(bad.as_bytes()).unwrap_err().code(),
                Code::Malformed,
                "{bad:?}"
            );
        }
        assert_eq!(
            Compact::split(&vec![b'.'; MAX_TOKEN_LENGTH]).unwrap_err().code(),
            Code::Malformed
        );
        assert_eq!(
            Compact::split(&vec![b'.'; MAX_TOKEN_LENGTH + 1]).unwrap_err().code(),
            Code::TooLarge
        );
    }
}
