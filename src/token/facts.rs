//! Everything that was read from an accepted token, as one text for a binding to copy at once.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::claims::Claims;

/// What stands between the parts (RFC 7464 §2.2): no JSON text can hold it.
const RECORD_SEPARATOR: u8 = 0x1e;
/// About how much longer than the claims in them the facts are, in bytes.
const FACTS_LENGTH: usize = 512;

/// What the getters of the claims say, under their names. What is null, false or an empty list is left out: of a
/// token most is, and every octet is written, copied and parsed for each.
struct Facts<'c>(&'c Claims);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let claims = self.0;
        let mut facts = serializer.serialize_map(None)?;
        facts.serialize_entry("issuer", claims.issuer())?;
        facts.serialize_entry("subject", claims.subject())?;
        facts.serialize_entry("client_id", &claims.client_id())?;
        facts.serialize_entry("expires_at", &whole_seconds(claims.expires_at()))?;
        facts.serialize_entry("algorithm", claims.algorithm())?;
        facts.serialize_entry("kind", &claims.kind())?;
        facts.serialize_entry("family", &claims.family())?;
        put(&mut facts, "resource", claims.resource())?;
        put(&mut facts, "issued_at", claims.issued_at().map(whole_seconds))?;
        put(&mut facts, "not_before", claims.not_before().map(whole_seconds))?;
        put(&mut facts, "key_id", claims.key_id())?;
        put(&mut facts, "org_id", claims.org_id())?;
        put(&mut facts, "session_id", claims.session_id())?;
        put(&mut facts, "role", claims.role())?;
        put(&mut facts, "actor", claims.actor())?;
        put(&mut facts, "is_impersonated", claims.is_impersonated().then_some(true))?;
        put(&mut facts, "is_machine", claims.is_machine().then_some(true))?;
        put_list(&mut facts, "audience", &claims.audience())?;
        put_list(&mut facts, "scopes", &claims.scopes())?;
        put_list(&mut facts, "roles", &claims.roles())?;
        put_list(&mut facts, "permissions", &claims.permissions())?;
        put_list(&mut facts, "entitlements", &claims.entitlements())?;
        put_list(&mut facts, "feature_flags", &claims.feature_flags())?;
        facts.end()
    }
}

fn put<M: SerializeMap>(
    facts: &mut M,
    name: &str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| facts.serialize_entry(name, &value))
}

fn put_list<M: SerializeMap>(
    facts: &mut M,
    name: &str,
    items: &[impl Serialize],
) -> Result<(), M::Error> {
    if items.is_empty() { Ok(()) } else { facts.serialize_entry(name, items) }
}

impl Claims {
    /// The ticket, the facts as a JSON object, the header and the payload as they were signed: in UTF-8.
    pub(crate) fn record(&self) -> Vec<u8> {
        let (header, payload) = (self.header_json(), self.json());
        let mut record = Vec::with_capacity(FACTS_LENGTH + header.len() + 2 * payload.len());
        record.extend_from_slice(self.ticket().to_string().as_bytes());
        record.push(RECORD_SEPARATOR);
        // Text, flags and whole numbers alone: nothing in it that JSON cannot say.
        let _ = serde_json::to_writer(&mut record, &Facts(self));
        for part in [header, payload] {
            record.push(RECORD_SEPARATOR);
            record.extend_from_slice(part.as_bytes());
        }
        record
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
