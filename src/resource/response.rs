//! An HTTP answer as data: a status, headers and a body that a web framework sends as they are.

use crate::error::Error;

/// An HTTP answer for a web framework to send as it is.
///
/// Header names are in lower case, as HTTP/2 and ASGI want them, and each comes once. Header values are
/// printable ASCII without line breaks, whatever the request held. The body is JSON or empty; its
/// length is for the framework to state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    error: Option<Error>,
}

impl Response {
    /// An answer without headers and body.
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), error: None }
    }

    /// Adds a header. What would end the line, or is not ASCII, cannot get into one (CWE-113).
    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, printable(value.into())));
        self
    }

    /// Sets the body, a JSON text.
    #[must_use]
    pub(crate) fn with_json(self, body: impl Into<String>) -> Self {
        let mut response = self.with_header("content-type", "application/json");
        response.body = body.into();
        response
    }

    /// Tells the host why this is not what was asked for.
    #[must_use]
    pub(crate) fn because(mut self, error: Error) -> Self {
        self.error = Some(error);
        self
    }

    /// The same answer to a HEAD request (RFC 9110 §9.3.2).
    #[must_use]
    pub(crate) fn without_body(mut self) -> Self {
        self.body.clear();
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Name and value of each header.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The body: JSON, or nothing.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Why this is a refusal, for the host's log; the client is told less.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

fn printable(value: String) -> String {
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return value;
    }
    value
        .chars()
        .map(|character| if matches!(character, ' '..='~') { character } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_is_one_line_of_printable_ascii() {
        for (value, sent) in [
            ("max-age=60", "max-age=60"),
            ("a\r\nset-cookie: x", "a??set-cookie: x"),
            ("a\0b\tc\u{7f}", "a?b?c?"),
            ("\u{e9}\u{2028}\u{10d0a}", "???"),
        ] {
            let response = Response::new(200).with_header("x", value);
            assert_eq!(response.header("x"), Some(sent), "{value:?}");
        }
    }
}
