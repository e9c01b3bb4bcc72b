//! Everything that was read from an accepted token, as one text for a binding to copy at once.

use std::borrow::Cow;

use serde::Serialize;

use super::claims::Claims;
use super::identity::Identity;

/// What stands between the parts (RFC 7464 §2.2): no JSON text can hold it.
const RECORD_SEPARATOR: char = '\u{1e}';

/// What the getters of the claims say, under their names.
#[derive(Serialize)]
struct Facts<'c> {
    issuer: &'c str,
    subject: &'c str,
    audience: Vec<Cow<'c, str>>,
    resource: Option<&'c str>,
    client_id: Cow<'c, str>,
    scopes: Vec<&'c str>,
    expires_at: i64,
    issued_at: Option<i64>,
    not_before: Option<i64>,
    key_id: Option<&'c str>,
    algorithm: &'static str,
    #[serde(flatten)]
    identity: Identity<'c>,
}

impl Claims {
    /// The ticket, the facts as a JSON object, the header and the payload as they were signed.
    pub(crate) fn record(&self) -> String {
        let facts = Facts {
            issuer: self.issuer(),
            subject: self.subject(),
            audience: self.audience(),
            resource: self.resource(),
            client_id: self.client_id(),
            scopes: self.scopes(),
            expires_at: whole_seconds(self.expires_at()),
            issued_at: self.issued_at().map(whole_seconds),
            not_before: self.not_before().map(whole_seconds),
            key_id: self.key_id(),
            algorithm: self.algorithm(),
            identity: self.identity(),
        };
        // Text, flags and whole numbers alone: nothing in it that JSON cannot say.
        let facts = serde_json::to_string(&facts).unwrap_or_default();
        let (ticket, separator) = (self.ticket(), RECORD_SEPARATOR);
        let (header, payload) = (self.header_json(), self.json());
        format!("{ticket}{separator}{facts}{separator}{header}{separator}{payload}")
    }
}

/// A NumericDate without its fraction, towards the past.
#[allow(clippy::cast_possible_truncation)] // out of range saturates, which is what is meant
pub(crate) fn whole_seconds(seconds: f64) -> i64 {
    seconds.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lose_their_fraction_towards_the_past() {
        for (given, seconds) in
            [(1.9, 1), (-0.5, -1), (0.0, 0), (1e300, i64::MAX), (1_760_000_000.25, 1_760_000_000)]
        {
            assert_eq!(whole_seconds(given), seconds, "{given}");
        }
    }
}
