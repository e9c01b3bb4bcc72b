//! A whole JWKS document, and the choice of the key for a token.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::algorithm::Algorithm;
use crate::token::signature::Unusable;

use super::admission::{self, Key};

/// Longest document that is read, in bytes; real ones of 50 KiB have been seen.
pub(crate) const MAX_DOCUMENT_LENGTH: usize = 256 * 1024;
/// Most keys that are looked at.
const MAX_KEYS: usize = 100;
/// Most keys of one id and algorithm that are tried on a token.
const MAX_CANDIDATES: usize = 4;

/// The admitted keys of one document, and why the others were dropped.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
    dropped: Vec<Unusable>,
}

/// Why no key fits a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    /// No key has the token's key id: it may have been rotated in since.
    UnknownId,
    /// The key is there, for another algorithm.
    OtherAlgorithm,
    /// The token names no key, and not exactly one would do.
    NotNamed,
}

/// The outer form alone; each key is judged by itself, so that one bad entry spoils no other.
#[derive(Deserialize)]
struct Form<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Reads a document. One without a single usable key is refused: it can only be a mistake.
    pub(crate) fn parse(document: &[u8], allowed: &[Algorithm]) -> Result<Self, String> {
        if document.len() > MAX_DOCUMENT_LENGTH {
            return Err(format!("the JWKS is longer than {MAX_DOCUMENT_LENGTH} bytes"));
        }
        let text = std::str::from_utf8(document).map_err(|_| "the JWKS is not UTF-8")?;
        // serde would take an array for an object, and its messages repeat the text.
        if !text.trim_start().starts_with('{') {
            return Err("the JWKS is not a JSON object".to_owned());
        }
        let form: Form<'_> = serde_json::from_str(text).map_err(|error| {
            format!("the JWKS is not a key set (line {}, column {})", error.line(), error.column())
        })?;
        if form.keys.len() > MAX_KEYS {
            return Err(format!(
                "the JWKS has {} keys; at most {MAX_KEYS} are read",
                form.keys.len()
            ));
        }
        let mut set = Self { keys: Vec::new(), dropped: Vec::new() };
        for jwk in form.keys {
            match admission::admit(jwk.get(), allowed) {
                Ok(key) => set.keys.push(key),
                Err(reason) => set.dropped.push(reason),
            }
        }
        if set.keys.is_empty() { Err(set.explain_emptiness()) } else { Ok(set) }
    }

    fn explain_emptiness(&self) -> String {
        match self.dropped.first() {
            None => "the JWKS has no keys".to_owned(),
            Some(reason) => format!(
                "none of the {} keys of the JWKS is usable; the first: {reason}",
                self.dropped.len()
            ),
        }
    }

    /// The keys to try for a token, at most four; or why there is none.
    pub(crate) fn candidates(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<impl Iterator<Item = &Key>, Miss> {
        let fits = move |key: &&Key| {
            key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id)
        };
        match (self.keys.iter().filter(fits).count(), id) {
            (0, Some(id)) if self.keys.iter().any(|key| key.id.as_deref() == Some(id)) => {
                Err(Miss::OtherAlgorithm)
            }
            (0, Some(_)) => Err(Miss::UnknownId),
            (1, _) | (_, Some(_)) => Ok(self.keys.iter().filter(fits).take(MAX_CANDIDATES)),
            (_, None) => Err(Miss::NotNamed),
        }
    }
}
