//! Everything that was read from an accepted token, as one text for a binding to copy at once.

use serde::Serialize;

use crate::config::TokenFamily;

use super::claims::{Claims, client};
use super::identity::{TokenKind, actors, is_impersonated, kind};
use super::json::Value;

/// What stands between the parts (RFC 7464 §2.2): no JSON text can hold it.
const RECORD_SEPARATOR: u8 = 0x1e;
/// About how much longer than the claims in them the facts are, in bytes.
const FACTS_LENGTH: usize = 512;

/// The claims that a record is about, found in one pass: to look for each by its name costs more than to write them
/// all. What the payload has as text or list is copied as it stands there, escapes and all.
#[derive(Default)]
struct Named<'d> {
    aud: Option<Value<'d>>,
    client_id: Option<Value<'d>>,
    azp: Option<Value<'d>>,
    org_id: Option<Value<'d>>,
    sid: Option<Value<'d>>,
    role: Option<Value<'d>>,
    roles: Option<Value<'d>>,
    permissions: Option<Value<'d>>,
    entitlements: Option<Value<'d>>,
    feature_flags: Option<Value<'d>>,
    act: Option<Value<'d>>,
    sub_profile: Option<Value<'d>>,
}

impl<'d> Named<'d> {
    fn of(claims: &'d Claims) -> Self {
        let mut named = Self::default();
        claims.payload().visit_members(|name, value| {
            let place = match name {
                b"aud" => &mut named.aud,
                b"client_id" => &mut named.client_id,
                b"azp" => &mut named.azp,
                b"org_id" => &mut named.org_id,
                b"sid" => &mut named.sid,
                b"role" => &mut named.role,
                b"roles" => &mut named.roles,
                b"permissions" => &mut named.permissions,
                b"entitlements" => &mut named.entitlements,
                b"feature_flags" => &mut named.feature_flags,
                b"act" => &mut named.act,
                b"sub_profile" => &mut named.sub_profile,
                _ => return,
            };
            *place = Some(value);
        });
        named
    }

    fn kind(&self, subject: &str) -> TokenKind {
        kind(subject, self.client_id.or(self.azp), self.sid.or(self.act).is_some())
    }

    /// As an array; one audience need not be in one.
    fn put_audience(&self, facts: &mut Items<'_>) {
        match (text(self.aud), list(self.aud)) {
            (Some(single), _) => {
                facts.next();
                Items::open(facts.record, b'[').raw(single).close(b']');
            }
            (None, Some(several)) => _ = facts.raw(several),
            (None, None) => _ = facts.raw("[]"),
        }
    }

    /// What AuthKit says of the caller, under the getters' names. What is null, false or an empty list is left out:
    /// of a token most is, and every octet is written, copied and parsed for each.
    fn put_identity(&self, record: &mut Vec<u8>, family: TokenFamily, is_machine: bool) {
        let is_impersonated = is_impersonated(family, self.act, self.sub_profile);
        let actors: Vec<&str> = actors(self.act).map(Value::raw).collect();
        let chain = (!actors.is_empty()).then(|| format!("[{}]", actors.join(",")));
        let mut members = Items::open(record, b'{');
        members
            .member("org_id", text(self.org_id))
            .member("session_id", text(self.sid))
            .member("role", text(self.role))
            .member("roles", list(self.roles))
            .member("permissions", list(self.permissions))
            .member("entitlements", list(self.entitlements))
            .member("feature_flags", list(self.feature_flags))
            .member("actor", actors.first().copied())
            .member("actors", chain.as_deref())
            .member("is_impersonated", is_impersonated.then_some("true"))
            .member("is_machine", is_machine.then_some("true"))
            .close(b'}');
    }
}

/// A string as it stands in the payload; `None` for what is none.
fn text(value: Option<Value<'_>>) -> Option<&str> {
    value.filter(|value| value.is_text()).map(Value::raw)
}

/// A list of strings as it stands in the payload; `None` for what is none, or empty.
fn list(value: Option<Value<'_>>) -> Option<&str> {
    let is_empty =
        |value: &Value<'_>| value.items().is_some_and(|mut items| items.next().is_none());
    value.filter(|value| value.is_texts() && !is_empty(value)).map(Value::raw)
}

/// A JSON array or object that is being written.
struct Items<'r> {
    record: &'r mut Vec<u8>,
    is_first: bool,
}

impl<'r> Items<'r> {
    fn open(record: &'r mut Vec<u8>, bracket: u8) -> Self {
        record.push(bracket);
        Self { record, is_first: true }
    }

    fn close(&mut self, bracket: u8) {
        self.record.push(bracket);
    }

    fn next(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.record.push(b',');
        }
    }

    fn raw(&mut self, json: &str) -> &mut Self {
        self.next();
        self.record.extend_from_slice(json.as_bytes());
        self
    }

    fn value(&mut self, value: impl Serialize) -> &mut Self {
        self.next();
        // Text and whole numbers alone: nothing in it that JSON cannot say.
        let _ = serde_json::to_writer(&mut *self.record, &value);
        self
    }

    fn member(&mut self, name: &str, json: Option<&str>) -> &mut Self {
        if let Some(json) = json {
            self.next();
            for part in ["\"", name, "\":", json] {
                self.record.extend_from_slice(part.as_bytes());
            }
        }
        self
    }
}

impl Claims {
    /// The ticket, the facts, the identity, the header and the payload as they were signed: in UTF-8.
    pub(crate) fn record(&self) -> Vec<u8> {
        let (header, payload) = (self.header_json(), self.json());
        let mut record = Vec::with_capacity(FACTS_LENGTH + header.len() + 2 * payload.len());
        let named = Named::of(self);
        let kind = named.kind(self.subject());
        let _ = serde_json::to_writer(&mut record, &self.ticket());
        record.push(RECORD_SEPARATOR);
        self.put_facts(&mut record, &named, kind);
        record.push(RECORD_SEPARATOR);
        named.put_identity(&mut record, self.family(), kind == TokenKind::Machine);
        for part in [header, payload] {
            record.push(RECORD_SEPARATOR);
            record.extend_from_slice(part.as_bytes());
        }
        record
    }

    /// What is known of every token, in the header's order: places cost who parses them half of what names cost.
    fn put_facts(&self, record: &mut Vec<u8>, named: &Named<'_>, kind: TokenKind) {
        let mut facts = Items::open(record, b'[');
        facts.value(self.issuer()).value(self.subject());
        match client(named.client_id, named.azp) {
            Some(client) => facts.raw(client.raw()),
            None => facts.value(self.subject()),
        };
        facts.value(self.scopes()).value(whole_seconds(self.expires_at()));
        named.put_audience(&mut facts);
        facts
            .value(self.resource())
            .value(self.issued_at().map(whole_seconds))
            .value(self.not_before().map(whole_seconds))
            .value(self.key_id())
            .value(self.algorithm())
            .value(kind)
            .value(self.family())
            .close(b']');
    }
}

/// A NumericDate without its fraction, towards the past.
#[allow(clippy::cast_possible_truncation)] // out of range saturates, which is what is meant
pub(crate) fn whole_seconds(seconds: f64) -> i64 {
    seconds.floor() as i64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::algorithm::Algorithm;
    use crate::config::{TokenFamily, TypePolicy};
    use crate::token::header::Header;
    use crate::token::json::{Document, Kept};
    use crate::token::rules::{Named as Judged, Registered};
    use crate::token::scope;

    /// The claims of a payload that has `sub`, as if it had been accepted.
    fn claims(payload: &str, family: TokenFamily) -> Claims {
        let header = Document::parse(br#"{"alg":"RS256","kid":"k"}"#.to_vec()).unwrap();
        let accepted = Header::of(&header, &[Algorithm::Rs256], TypePolicy::Any).unwrap();
        let append = |octets: &mut Vec<u8>| {
            octets.extend_from_slice(payload.as_bytes());
            Some(())
        };
        let payload = Document::after(header, append).unwrap().unwrap();
        let registered = Registered {
            issuer: Kept::Text("https://issuer.example".into()),
            family,
            subject: payload.get("sub").unwrap().keep().unwrap(),
            resource: None,
            scopes: scope::granted(&Judged::of(&payload), &[]).unwrap(),
            expires_at: 9.5,
            issued_at: Some(1.0),
            not_before: None,
        };
        Claims::new(accepted, payload, registered)
    }

    /// What a record says is what the getters say, whatever the claims are.
    fn check(payload: &str) {
        check_as(payload, TokenFamily::Connect);
        check_as(payload, TokenFamily::Session);
    }

    fn check_as(payload: &str, family: TokenFamily) {
        let claims = claims(payload, family);
        let record = String::from_utf8(claims.record()).unwrap();
        let [ticket, facts, identity, header, signed] =
            record.split('\x1e').collect::<Vec<_>>()[..]
        else {
            panic!("not five parts: {record:?}")
        };
        assert_eq!((ticket, header, signed), ("0", claims.header_json(), claims.json()));
        let facts: serde_json::Value = serde_json::from_str(facts).unwrap();
        let expected = json!([
            claims.issuer(),
            claims.subject(),
            claims.client_id(),
            claims.scopes(),
            9,
            claims.audience(),
            null,
            1,
            null,
            "k",
            "RS256",
            claims.kind(),
            family
        ]);
        assert_eq!(facts, expected, "{payload}");
        let identity: serde_json::Value = serde_json::from_str(identity).unwrap();
        let mut told: serde_json::Value = serde_json::from_str(&claims.identity_json()).unwrap();
        let members = told.as_object_mut().unwrap();
        members.retain(|name, value| {
            !["kind", "family"].contains(&name.as_str())
                && ![json!(null), json!(false), json!([])].contains(value)
        });
        assert_eq!(identity, told, "{payload}");
    }

    #[test]
    fn a_record_says_what_the_getters_say() {
        check(r#"{"sub":"user_1"}"#);
        check(r#"  {"sub":"client_1" , "client_id":"client_1"} "#);
        check(r#"{"sub":"user_1","\u0061ud":"a","azp":"client_2","scope":"a b  c"}"#);
        let lists = "roles permissions entitlements feature_flags aud";
        for value in [
            r#""a""#,
            r#""\u00e4\"\\\u001e""#,
            "5",
            "null",
            "true",
            "[]",
            "[ ]",
            r#"[ "a" , "\n" ]"#,
            r#"["a",5]"#,
            r#"[["a"]]"#,
            "{}",
            r#"{"sub":"\u0061"}"#,
            r#"{"sub":7}"#,
            r#"{"sub":"a","sub_profile":"ai_agent"}"#,
            r#"{"sub":"a","act":{"sub":"\u0062","act":{"act":{"sub":"c"}}}}"#,
            r#"{"a":{"act":1},"act":{"sub":"b"}}"#,
        ] {
            for name in lists.split(' ').chain(["org_id", "sid", "role", "act", "client_id", "azp"])
            {
                check(&format!(r#"{{"sub":"user_1","{name}":{value}}}"#));
                let acting = r#""act":{"sub":"x"},"sub_profile""#;
                check(&format!(r#"{{"sub":"user_1",{acting}:{value}}}"#));
                check(&format!(r#"{{"{name}":{value},"azp2":1,"sub":"client_1","cid":{value}}}"#));
            }
        }
    }

    #[test]
    fn times_lose_their_fraction_towards_the_past() {
        for (given, seconds) in
            [(1.9, 1), (-0.5, -1), (0.0, 0), (1e300, i64::MAX), (1_760_000_000.25, 1_760_000_000)]
        {
            assert_eq!(whole_seconds(given), seconds, "{given}");
        }
    }
}
