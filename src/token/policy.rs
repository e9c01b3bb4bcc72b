//! What one call asks beyond the configuration.

use crate::config::is_scope_token;
use crate::error::{Code, Error, Result, quoted};

/// The demands of one call: scopes in addition to the configuration's (all of some, any of others), and
/// the time to judge by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub(crate) scopes: Vec<String>,
    /// Groups of scopes, of each of which one is enough.
    pub(crate) alternatives: Vec<Vec<String>>,
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
        check(scope)?;
        if !self.scopes.iter().any(|known| known == scope) {
            self.scopes.push(scope.to_owned());
        }
        Ok(())
    }

    /// Demands one of these scopes, whichever; several calls demand one of each group.
    ///
    /// # Errors
    /// [`Code::Misuse`] for a text that cannot be a scope (RFC 6749 §3.3), and for no scopes at all,
    /// which no token could have one of.
    pub fn require_any_scope<S: Into<String>>(
        &mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let group: Vec<String> = scopes.into_iter().map(Into::into).collect();
        group.iter().try_for_each(|scope| check(scope))?;
        if group.is_empty() {
            return Err(Error::new(Code::Misuse, "one scope of none is demanded"));
        }
        self.alternatives.push(group);
        Ok(())
    }

    /// Judges the token as of this Unix time, in seconds.
    pub fn set_now(&mut self, unix_time: i64) {
        self.now = Some(unix_time);
    }
}

fn check(scope: &str) -> Result<()> {
    if is_scope_token(scope) {
        return Ok(());
    }
    let reason = format!("{} is not a scope (RFC 6749 section 3.3)", quoted(scope));
    Err(Error::new(Code::Misuse, reason))
}
