//! What one call asks beyond the configuration.

use crate::config::is_scope_token;
use crate::error::{Code, Error, Result, printable, quoted};

/// The demands of one call: scopes in addition to the configuration's (all of some, any of others), and
/// the time to judge by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub(crate) scopes: Vec<String>,
    /// Groups of scopes, of each of which one is enough.
    pub(crate) alternatives: Vec<Vec<String>>,
    pub(crate) now: Option<i64>,
    /// What the call is for, in the log.
    pub(crate) tool: Option<Box<str>>,
    /// The first demand that failed. Without it the policy would demand too little.
    failure: Option<Error>,
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
    /// [`Code::Misuse`] for a text that cannot be a scope (RFC 6749 §3.3). From then on every verdict under
    /// this policy is refused with that reason, even if the result is ignored. Make a new policy.
    pub fn require_scope(&mut self, scope: &str) -> Result<()> {
        check(scope).map_err(|error| self.fail("require_scope", error))?;
        if !self.scopes.iter().any(|known| known == scope) {
            self.scopes.push(scope.to_owned());
        }
        Ok(())
    }

    /// Demands one of these scopes, whichever; several calls demand one of each group.
    ///
    /// # Errors
    /// [`Code::Misuse`] for a text that cannot be a scope (RFC 6749 §3.3), and for an empty list, which no token
    /// could satisfy. The policy is then unusable, as after [`Self::require_scope`].
    pub fn require_any_scope<S: Into<String>>(
        &mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let group: Vec<String> = scopes.into_iter().map(Into::into).collect();
        check_group(&group).map_err(|error| self.fail("require_any_scope", error))?;
        self.alternatives.push(group);
        Ok(())
    }

    /// Judges the token as of this Unix time, in seconds.
    pub fn set_now(&mut self, unix_time: i64) {
        self.now = Some(unix_time);
    }

    /// Names the tool that is called, for [`Decision::log_line`](crate::Decision::log_line). Demands nothing. The
    /// name should be the host's own: the log tells causes apart by it.
    pub fn set_tool(&mut self, name: &str) {
        self.tool = Some(printable(name).into());
    }

    /// Notes that a demand could not be made, and gives the error back.
    #[cold]
    pub(crate) fn fail(&mut self, setter: &str, error: Error) -> Error {
        let first = || error.of_earlier(&format!("policy_{setter}"));
        self.failure.get_or_insert_with(first);
        error
    }

    /// Whether every demand could be made.
    pub(crate) fn is_whole(&self) -> bool {
        self.failure.is_none()
    }

    /// The first demand that could not be made, as an error.
    pub(crate) fn check_whole(&self) -> Result<()> {
        match &self.failure {
            None => Ok(()),
            Some(failure) => Err(Error::clone(failure)),
        }
    }
}

fn check_group(group: &[String]) -> Result<()> {
    if group.is_empty() {
        return Err(Error::new(Code::Misuse, "one scope of none is demanded"));
    }
    group.iter().try_for_each(|scope| check(scope))
}

fn check(scope: &str) -> Result<()> {
    if is_scope_token(scope) {
        return Ok(());
    }
    let reason = format!("{} is not a scope (RFC 6749 section 3.3)", quoted(scope));
    Err(Error::new(Code::Misuse, reason))
}
