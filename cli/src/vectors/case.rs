//! One test vector, as its line of JSON spells it.

use authkit::conformance::json_problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Largest token that a `token_gen` may describe, in octets.
const MAX_GENERATED: usize = 64 * 1024 * 1024;

/// A vector. What is absent at its level is `None`.
#[derive(Debug, Deserialize)]
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    pub(crate) level: String,
    #[serde(borrow)]
    pub(crate) jwks: Option<&'a RawValue>,
    /// The document's exact text, where `jwks` could not spell it.
    pub(crate) jwks_raw: Option<String>,
    pub(crate) config: Option<CaseConfig>,
    token: Option<String>,
    token_b64: Option<String>,
    token_gen: Option<Vec<Piece>>,
    pub(crate) alg: Option<String>,
    msg_hex: Option<String>,
    sig_hex: Option<String>,
    pub(crate) expect: Option<Expect>,
    pub(crate) strength: Option<Strength>,
    pub(crate) reason: Option<String>,
    pub(crate) needs: Option<Vec<String>>,
}

/// The verifier's settings in the vectors' words. What is absent has the verifier's default.
#[derive(Debug, Deserialize)]
pub(crate) struct CaseConfig {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<Audience>,
    pub(crate) algorithms: Vec<String>,
    pub(crate) leeway: Option<serde_json::Number>,
    pub(crate) required_scopes: Option<Vec<String>>,
    pub(crate) now: Option<serde_json::Number>,
    pub(crate) typ: Option<Vec<String>>,
    pub(crate) max_age: Option<serde_json::Number>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Any(Vec<String>),
}

/// A piece of a token too long to be written down.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Repeated { repeat: String, count: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expect {
    Accept,
    Reject,
}

/// How much a disagreement matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strength {
    /// A vulnerability, or a break of interoperability.
    Must,
    /// A deviation wants a written reason.
    Should,
    /// A documented choice.
    May,
}

impl<'a> Case<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(line)
            .map_err(|error| format!("is no test vector: {}", json_problem(&error)))
    }

    /// The key set's text.
    pub(crate) fn jwks(&self) -> Result<&str, String> {
        let document = self.jwks_raw.as_deref().or(self.jwks.map(RawValue::get));
        document.ok_or_else(|| "has no jwks".to_owned())
    }

    /// The token's exact octets.
    pub(crate) fn token(&self) -> Result<Vec<u8>, String> {
        if let Some(encoded) = &self.token_b64 {
            return STANDARD.decode(encoded).map_err(|_| "token_b64 is no base64".to_owned());
        }
        if let Some(pieces) = &self.token_gen {
            return generate(pieces);
        }
        self.token
            .as_ref()
            .map(|token| token.as_bytes().to_vec())
            .ok_or_else(|| "has no token".to_owned())
    }

    /// Message and signature of a raw vector.
    pub(crate) fn message_and_signature(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let octets = |name: &str, text: &Option<String>| {
            text.as_deref()
                .and_then(from_hex)
                .ok_or_else(|| format!("{name} is missing or no hexadecimal"))
        };
        Ok((octets("msg_hex", &self.msg_hex)?, octets("sig_hex", &self.sig_hex)?))
    }
}

fn generate(pieces: &[Piece]) -> Result<Vec<u8>, String> {
    let mut token = Vec::new();
    for piece in pieces {
        let (text, count) = match piece {
            Piece::Text(text) => (text, 1),
            Piece::Repeated { repeat, count } => (repeat, *count),
        };
        let room = MAX_GENERATED - token.len();
        if text.len().saturating_mul(count) > room {
            return Err(format!("token_gen makes more than {MAX_GENERATED} octets"));
        }
        token.extend(text.as_bytes().repeat(count));
    }
    Ok(token)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn case(line: &str) -> Case<'_> {
        Case::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn hexadecimal_comes_in_pairs() {
        assert_eq!(from_hex("00ffA1"), Some(vec![0, 255, 161]));
        assert_eq!(from_hex(""), Some(vec![]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
    }

    #[test]
    fn tokens_are_taken_octet_by_octet() {
        assert_eq!(case(r#"{"name":"n","level":"jwt","token":" a\n"}"#).token().unwrap(), b" a\n");
        assert_eq!(
            case(r#"{"name":"n","level":"jwt","token":null,"token_b64":"AP8="}"#).token().unwrap(),
            [0, 255]
        );
        let made = r#"{"name":"n","level":"jwt","token":null,"token_gen":["x",{"repeat":"ab","count":3}]}"#;
        assert_eq!(case(made).token().unwrap(), b"xababab");
        let huge =
            r#"{"name":"n","level":"jwt","token_gen":[{"repeat":"ab","count":9999999999999}]}"#;
        assert!(case(huge).token().is_err());
        assert!(case(r#"{"name":"n","level":"jwt"}"#).token().is_err());
    }

    #[test]
    fn the_exact_text_of_a_key_set_goes_before_its_value() {
        assert_eq!(
            case(r#"{"name":"n","level":"jwt","jwks":{ "keys":[]}}"#).jwks(),
            Ok(r#"{ "keys":[]}"#)
        );
        assert_eq!(case(r#"{"name":"n","level":"jwt","jwks":{},"jwks_raw":"{"}"#).jwks(), Ok("{"));
    }
}
