//! What an accepted token says: the very payload that was signed, and the claims read from it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::TokenFamily;
use crate::lane::Gap;

use super::header::Header;
use super::json::{Document, Value};
use super::rules::{Registered, audience_list};

/// The claims of an accepted token. Plain data: it outlives the verifier, and clones share it.
#[derive(Clone)]
pub struct Claims(Arc<Holding>, Ticket);

/// What its holders count themselves in, apart from those of others.
struct Holding {
    accepted: Arc<Accepted>,
    _gap: Gap,
}

/// A number for one acceptance of one token that is kept, never given to another by the same verifier: a
/// slot in its low 16 bits, above them how many acceptances were kept before. 0 is none.
pub(crate) type Ticket = u64;

/// What was read from the token, once.
struct Accepted {
    header: Header,
    /// After the header's.
    payload: Document,
    registered: Registered,
}

impl std::fmt::Debug for Claims {
    /// No claim's value: a `{:?}` ends up in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claims").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

impl Claims {
    pub(crate) fn new(header: Header, payload: Document, registered: Registered) -> Self {
        Self::held(Arc::new(Accepted { header, payload, registered }), 0)
    }

    fn held(accepted: Arc<Accepted>, ticket: Ticket) -> Self {
        Self(Arc::new(Holding { accepted, _gap: Gap::new() }), ticket)
    }

    /// The same claims, with a count of their own of who holds them: threads that clone and drop these do not
    /// wait for those that clone and drop others.
    pub(crate) fn apart(&self) -> Self {
        Self::held(Arc::clone(&self.0.accepted), self.1)
    }

    pub(crate) fn payload(&self) -> &Document {
        &self.0.accepted.payload
    }

    fn registered(&self) -> &Registered {
        &self.0.accepted.registered
    }

    pub(crate) fn with_ticket(self, ticket: Ticket) -> Self {
        Self(self.0, ticket)
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.1
    }

    /// The payload as it was signed: one JSON object.
    #[must_use]
    pub fn json(&self) -> &str {
        self.payload().text()
    }

    /// The JOSE header as it was signed: one JSON object.
    #[must_use]
    pub fn header_json(&self) -> &str {
        self.payload().text_before()
    }

    /// The issuer (`iss`): one of the allow-listed.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.payload().kept(&self.registered().issuer)
    }

    /// Which of AuthKit's two families the token is of: by the configured issuer that vouched for it, never
    /// by what the token says of itself.
    #[must_use]
    pub fn family(&self) -> TokenFamily {
        self.registered().family
    }

    /// The subject (`sub`): the user, or the client of a machine token. Never empty.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.payload().kept(&self.registered().subject)
    }

    /// The configured audience that the token matched; `None` where the issuer's audience is not checked.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        Some(self.payload().kept(self.registered().resource.as_ref()?))
    }

    /// All audiences that the token names (`aud`).
    #[must_use]
    pub fn audience(&self) -> Vec<Cow<'_, str>> {
        self.payload().get("aud").and_then(|value| audience_list(value).ok()).unwrap_or_default()
    }

    /// The client the token was issued to: `client_id`, else `azp`, else `sub`.
    #[must_use]
    pub fn client_id(&self) -> Cow<'_, str> {
        let named = client(self.get("client_id"), self.get("azp")).and_then(Value::as_str);
        named.unwrap_or(Cow::Borrowed(self.subject()))
    }

    /// The scopes as granted, in the token's order.
    #[must_use]
    pub fn scopes(&self) -> Vec<&str> {
        self.granted().collect()
    }

    /// The scopes as granted, without a list of them.
    pub(crate) fn granted(&self) -> impl Iterator<Item = &str> + Clone {
        self.registered().scopes.names(self.payload())
    }

    /// Whether the token names this scope itself (a declared hierarchy is not applied).
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.granted().any(|granted| granted == scope)
    }

    /// When the token expires (`exp`), in Unix seconds.
    #[must_use]
    pub fn expires_at(&self) -> f64 {
        self.registered().expires_at
    }

    /// When the token was issued (`iat`), in Unix seconds.
    #[must_use]
    pub fn issued_at(&self) -> Option<f64> {
        self.registered().issued_at
    }

    /// When the token becomes valid (`nbf`), in Unix seconds.
    #[must_use]
    pub fn not_before(&self) -> Option<f64> {
        self.registered().not_before
    }

    /// The id of the key that signed (`kid`), where the header names one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.0.accepted.header.key_id(self.payload())
    }

    /// The algorithm that signed (`alg`).
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.0.accepted.header.algorithm.name()
    }

    /// Any top-level claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.payload().get(name)
    }

    /// Name and value of every top-level claim, in the token's order.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        self.payload().root().members().filter_map(|(name, value)| Some((name.as_str()?, value)))
    }
}

/// The client that a token names: by the first of the two that is a string.
pub(crate) fn client<'d>(
    client_id: Option<Value<'d>>,
    azp: Option<Value<'d>>,
) -> Option<Value<'d>> {
    [client_id, azp].into_iter().flatten().find(|value| value.is_text())
}
