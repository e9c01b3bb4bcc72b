//! A metadata document as it came: whether it is one at all, and its members by type.

use serde_json::{Map, Value};

use super::http::Answer;
use crate::text::quoted;

/// A JSON object from a server.
#[derive(Debug)]
pub(crate) struct Document(Map<String, Value>);

impl Document {
    /// The object in a 200, whatever its content type says; or what came in its place.
    pub(crate) fn of(answer: &Answer) -> Result<Self, String> {
        if answer.status != 200 {
            return Err(status(answer));
        }
        match serde_json::from_slice(answer.body.as_ref().map_err(Clone::clone)?) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err("answered 200 with JSON that is no object".to_owned()),
            Err(_) => Err("answered 200 with something that is not JSON".to_owned()),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// A list of strings; none where it is absent or anything else.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.0.get(name)?.as_array()?.iter().map(Value::as_str).collect()
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// `name 'value'` of a member that should be a string.
pub(crate) fn shown(document: &Document, name: &str) -> String {
    match document.text(name) {
        Some(value) => format!("{name} is {}", quoted(value)),
        None if document.has(name) => format!("{name} is no string"),
        None => format!("{name} is missing"),
    }
}

/// A status, with where a redirect would lead.
pub(crate) fn status(answer: &Answer) -> String {
    match answer.header("location") {
        Some(location) if (300..400).contains(&answer.status) => {
            format!("answered {}, to {}", answer.status, quoted(&location))
        }
        _ => format!("answered {}", answer.status),
    }
}

/// A media type without its parameters is JSON's (RFC 9110 §8.3.1).
pub(crate) fn is_json(answer: &Answer) -> bool {
    let value = answer.header("content-type").unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}
