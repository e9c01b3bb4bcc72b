//! What one call asks beyond the configuration.

use crate::config::is_scope_token;
use crate::error::{Code, Error, Result, quoted};

/// The demands of one call: scopes in addition to the configuration's, and the time to judge by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub(crate) scopes: Vec<String>,
    pub(crate) now: Option<i64>,
}

impl Policy {
    /// A policy that asks for nothing more.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Demands a scope; all demanded scopes must be granted.
    ///
    /// # Errors
    /// [`Code::Misuse`] for a text that cannot be a scope (RFC 6749 §3.3).
    pub fn require_scope(&mut self, scope: &str) -> Result<()> {
        if !is_scope_token(scope) {
            return Err(Error::new(
                Code::Misuse,
                format!("{} is not a scope (RFC 6749 section 3.3)", quoted(scope)),
            ));
        }
        if !self.scopes.iter().any(|known| known == scope) {
            self.scopes.push(scope.to_owned());
        }
        Ok(())
    }

    /// Judges the token as of this Unix time, in seconds.
    pub fn set_now(&mut self, unix_time: i64) {
        self.now = Some(unix_time);
    }
}
