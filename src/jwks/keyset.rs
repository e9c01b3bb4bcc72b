//! A whole JWKS document, and the choice of the key for a token.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::algorithm::Algorithm;
use crate::error::printable;
use crate::journal::Happening;
use crate::stats::{DroppedKey, KeyInfo};
use crate::token::json::Document as Json;
use crate::token::signature::Unusable;

use super::admission::{self, Key};
use super::document::Document;

/// Longest document that is read, in bytes; real ones of 50 KiB have been seen.
pub(crate) const MAX_DOCUMENT_LENGTH: usize = 256 * 1024;
/// Most keys that are looked at.
const MAX_KEYS: usize = 100;
/// Most keys of one id and algorithm that are tried on a token.
const MAX_CANDIDATES: usize = 4;
/// Most keys whose uselessness an error explains.
const MAX_EXPLAINED: usize = 2;

/// The admitted keys of one document, and why the others were dropped.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
    dropped: Vec<DroppedKey>,
    /// The ids of dropped entries, if legible, and why each entry is unusable.
    dropped_ids: Vec<(String, Unusable)>,
}

/// Why no key fits a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    /// No key has the token's key id: it may have been rotated in since.
    UnknownId,
    /// The issuer publishes it, but it is unusable for this reason. Another fetch would not help.
    Dropped(Unusable),
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
        let mut set = Self { keys: Vec::new(), dropped: Vec::new(), dropped_ids: Vec::new() };
        for (index, jwk) in form.keys.iter().enumerate() {
            match admission::admit(jwk.get(), allowed) {
                Ok(key) => set.keys.push(key),
                Err(reason) => set.note_dropped(index, legible_id(jwk.get()), reason),
            }
        }
        if set.keys.is_empty() { Err(set.explain_emptiness()) } else { Ok(set) }
    }

    fn why_dropped(&self, id: &str) -> Option<Unusable> {
        self.dropped_ids.iter().find(|(dropped, _)| dropped == id).map(|(_, reason)| *reason)
    }

    /// The first entry that is not used and whose id cannot be read: it may be the one that a token names.
    pub(crate) fn illegible(&self) -> Option<&DroppedKey> {
        self.dropped.iter().find(|key| key.kid.is_none())
    }

    fn note_dropped(&mut self, index: usize, id: Option<String>, reason: Unusable) {
        self.dropped.push(DroppedKey { index, kid: id.as_deref().map(printable), reason });
        self.dropped_ids.extend(id.map(|id| (id, reason)));
    }

    fn explain_emptiness(&self) -> String {
        if self.dropped.is_empty() {
            return "the JWKS has no keys".to_owned();
        }
        let entry = |key: &DroppedKey| format!("entry {}: {}", key.index, key.reason);
        let told: Vec<_> = self.dropped.iter().take(MAX_EXPLAINED).map(entry).collect();
        let count = self.dropped.len();
        let more = if count > told.len() { "; and so on" } else { "" };
        format!("none of the {count} keys of the JWKS is usable: {}{more}", told.join("; "))
    }

    /// The keys in use.
    pub(crate) fn admitted(&self) -> Vec<KeyInfo> {
        let info = |key: &Key| KeyInfo {
            kid: key.id.as_deref().map(printable),
            alg: key.algorithm.name(),
        };
        self.keys.iter().map(info).collect()
    }

    /// The entries that are not used.
    pub(crate) fn dropped(&self) -> &[DroppedKey] {
        &self.dropped
    }

    /// The ids of the keys that the other set lacks; a key without an id has an empty one.
    fn ids_not_in(&self, other: &KeySet) -> Vec<String> {
        let missing = self.keys.iter().filter(|key| !other.keys.iter().any(|known| known.is(key)));
        missing.map(|key| printable(key.id.as_deref().unwrap_or_default())).collect()
    }

    fn rotation_since(&self, before: &KeySet) -> Option<Happening> {
        let (added, removed) = (self.ids_not_in(before), before.ids_not_in(self));
        let rotated = !added.is_empty() || !removed.is_empty();
        rotated.then_some(Happening::Rotated { added, removed })
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
            (0, Some(id)) => Err(self.why_dropped(id).map_or(Miss::UnknownId, Miss::Dropped)),
            (1, _) | (_, Some(_)) => Ok(self.keys.iter().filter(fits).take(MAX_CANDIDATES)),
            (_, None) => Err(Miss::NotNamed),
        }
    }
}

impl Document for KeySet {
    type Rules = Vec<Algorithm>;
    const NAME: &'static str = "jwks";
    const WHAT: &'static str = "the issuer's keys";

    fn read(octets: &[u8], allowed: &Vec<Algorithm>) -> Result<Self, String> {
        Self::parse(octets, allowed)
    }

    fn key_ids(&self) -> Vec<&str> {
        let admitted = self.keys.iter().filter_map(|key| key.id.as_deref());
        admitted.chain(self.dropped_ids.iter().map(|(id, _)| id.as_str())).collect()
    }

    fn news_since(&self, before: Option<&Self>) -> Vec<Happening> {
        let mut news = Vec::new();
        if before.is_none_or(|before| before.dropped != self.dropped) {
            news.extend(self.dropped.iter().cloned().map(Happening::from));
        }
        news.extend(before.and_then(|before| self.rotation_since(before)));
        news
    }
}

impl From<DroppedKey> for Happening {
    fn from(DroppedKey { index, kid, reason }: DroppedKey) -> Self {
        Self::KeyDropped { index, kid, reason }
    }
}

/// The id of an entry that is not a key: for a person to find it by. Also of one that the strict parser refuses: a
/// token that names it is told why, and not that nobody publishes it.
fn legible_id(jwk: &str) -> Option<String> {
    match Json::parse(jwk.as_bytes().to_vec()) {
        Ok(jwk) => jwk.get("kid")?.as_str().map(Cow::into_owned),
        Err(_) => {
            let jwk: serde_json::Value = serde_json::from_str(jwk).ok()?;
            jwk.get("kid")?.as_str().map(str::to_owned)
        }
    }
}
