//! What an issuer publishes at one URL, as far as the cache needs to know it.

use std::fmt::Debug;

use crate::journal::Happening;

/// What an issuer publishes at one URL.
pub(crate) trait Document: Sized + Debug + Send + Sync + 'static {
    /// By what it is judged.
    type Rules: Debug + Send + Sync;
    /// Its name in events.
    const NAME: &'static str;
    /// Its name in sentences.
    const WHAT: &'static str;

    /// Reads it; the error is a sentence.
    fn read(octets: &[u8], rules: &Self::Rules) -> std::result::Result<Self, String>;

    /// Whether every call needs it. Without one that is not vital, a call waits for its own fetch only.
    const IS_VITAL: bool = true;

    /// What is worth telling of it, coming after another one.
    fn news_since(&self, _before: Option<&Self>) -> Vec<Happening> {
        Vec::new()
    }

    /// The key ids that it holds.
    fn key_ids(&self) -> Vec<&str> {
        Vec::new()
    }
}
