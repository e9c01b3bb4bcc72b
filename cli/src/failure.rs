//! Why no token was accepted, from the library or from the command itself.

use authkit::{Class, Code};

use crate::Exit;

/// A refusal in the library's terms; the command adds its own, about files.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
    pub(crate) retry_after: Option<u32>,
}

impl Failure {
    pub(crate) fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), hint: None, retry_after: None }
    }

    /// Adds what to change.
    #[must_use]
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self.code.class() {
            Class::Token | Class::Forbidden => Exit::Rejected,
            Class::KeysUnavailable | Class::Unconfirmed | Class::WouldBlock => {
                Exit::KeysUnavailable
            }
            _ => Exit::Unusable,
        }
    }

    /// The code with what a server would answer: `EXPIRED (HTTP 401, invalid_token)`. The code alone if no server would
    /// run: a file or a setting is wrong.
    pub(crate) fn title(&self) -> String {
        if matches!(self.code.class(), Class::Misuse | Class::Config) {
            return self.code.name().to_owned();
        }
        let (name, status) = (self.code.name(), self.code.http_status());
        match self.code.oauth_error() {
            Some(error) => format!("{name} (HTTP {status}, {error})"),
            None => format!("{name} (HTTP {status})"),
        }
    }
}

impl From<authkit::Error> for Failure {
    fn from(error: authkit::Error) -> Self {
        Self {
            code: error.code(),
            reason: error.reason().to_owned(),
            hint: error.hint().map(str::to_owned),
            retry_after: error.retry_after(),
        }
    }
}
