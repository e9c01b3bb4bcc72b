//! What AuthKit puts into a token beyond the registered claims: who is calling, for which organization,
//! with which rights.

use std::borrow::Cow;

use serde::Serialize;

use crate::config::{CLIENT_ID_PREFIX, TokenFamily};

use super::claims::Claims;
use super::json::Value;

/// What AuthKit's user ids start with.
const USER_ID_PREFIX: &str = "user_";
/// The most actors of a chain that are reported.
const MAX_ACTORS: usize = 8;

/// Who a token speaks for: a user, or a program on its own behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenKind {
    /// Neither of the two for certain: grant it what both may have.
    #[default]
    Unknown,
    /// A user's: `sub` is a user's id (`user_…`) and not the client.
    User,
    /// A machine's own: `sub` is the client itself, and nothing speaks of a user or a session.
    Machine,
}

impl TokenKind {
    /// `unknown`, `user` or `machine`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TokenKind::Unknown => "unknown",
            TokenKind::User => "user",
            TokenKind::Machine => "machine",
        }
    }
}

/// All of it at once, for bindings that copy it out.
#[derive(Serialize)]
struct Identity<'c> {
    org_id: Option<Cow<'c, str>>,
    session_id: Option<Cow<'c, str>>,
    role: Option<Cow<'c, str>>,
    roles: Vec<Cow<'c, str>>,
    permissions: Vec<Cow<'c, str>>,
    entitlements: Vec<Cow<'c, str>>,
    feature_flags: Vec<Cow<'c, str>>,
    actor: Option<Cow<'c, str>>,
    actors: Vec<Cow<'c, str>>,
    is_impersonated: bool,
    kind: TokenKind,
    is_machine: bool,
    family: TokenFamily,
}

impl Claims {
    /// The organization that the user signed in to (`org_id`).
    #[must_use]
    pub fn org_id(&self) -> Option<Cow<'_, str>> {
        self.text("org_id")
    }

    /// The session that the token belongs to (`sid`); a machine's has none.
    #[must_use]
    pub fn session_id(&self) -> Option<Cow<'_, str>> {
        self.text("sid")
    }

    /// The user's role in the organization (`role`).
    #[must_use]
    pub fn role(&self) -> Option<Cow<'_, str>> {
        self.text("role")
    }

    /// The user's roles in the organization (`roles`). A claim that is no list of strings gives nobody a
    /// role, and likewise for the three below.
    #[must_use]
    pub fn roles(&self) -> Vec<Cow<'_, str>> {
        self.texts("roles")
    }

    /// The user's permissions in the organization (`permissions`). To demand some as scopes, name the
    /// claim in `scope_claims`.
    #[must_use]
    pub fn permissions(&self) -> Vec<Cow<'_, str>> {
        self.texts("permissions")
    }

    /// What the organization has bought (`entitlements`).
    #[must_use]
    pub fn entitlements(&self) -> Vec<Cow<'_, str>> {
        self.texts("entitlements")
    }

    /// The feature flags that are on for the user (`feature_flags`).
    #[must_use]
    pub fn feature_flags(&self) -> Vec<Cow<'_, str>> {
        self.texts("feature_flags")
    }

    /// Who acts for the subject now (`act.sub`, RFC 8693 §4.1): the first of [`Claims::actors`]. If
    /// [`Claims::is_impersonated`], it is a person who impersonates the user. Otherwise it is an application or agent
    /// to which the subject delegated its rights.
    #[must_use]
    pub fn actor(&self) -> Option<Cow<'_, str>> {
        actors(self.get("act")).next()?.as_str()
    }

    /// The chain of actors, outermost first, eight at most. The first acts now. The others acted before it and are
    /// only for the record (RFC 8693 §4.1). An actor without a `sub` that is a string ends the list.
    #[must_use]
    pub fn actors(&self) -> Vec<Cow<'_, str>> {
        actors(self.get("act")).filter_map(Value::as_str).collect()
    }

    /// Whether a person acts as the user: a *session* token has an `act`, even one that names nobody. False if a
    /// `sub_profile` says that the actor is an agent. Any other `act` is a delegation.
    #[must_use]
    pub fn is_impersonated(&self) -> bool {
        is_impersonated(self.family(), self.get("act"), self.get("sub_profile"))
    }

    /// Who the token speaks for.
    ///
    /// `User`: `sub` begins with `user_` and is not the client. `Machine`: `sub` is the client
    /// (`client_id`, else `azp`; where the token has neither, `sub` begins with `client_`), does not begin
    /// with `user_`, and there is neither `sid` nor `act`. Everything else is `Unknown`, so that each of
    /// the two can be relied on.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        let client = ["client_id", "azp"].into_iter().find_map(|name| self.get(name));
        let is_of_a_user = ["sid", "act"].into_iter().any(|name| self.get(name).is_some());
        kind(self.subject(), client, is_of_a_user)
    }

    /// Whether the token is certainly a machine's own: [`Claims::kind`] is [`TokenKind::Machine`].
    #[must_use]
    pub fn is_machine(&self) -> bool {
        self.kind() == TokenKind::Machine
    }

    /// What the methods above say, as one JSON object with their names as members.
    #[must_use]
    pub fn identity_json(&self) -> String {
        let identity = Identity {
            org_id: self.org_id(),
            session_id: self.session_id(),
            role: self.role(),
            roles: self.roles(),
            permissions: self.permissions(),
            entitlements: self.entitlements(),
            feature_flags: self.feature_flags(),
            actor: self.actor(),
            actors: self.actors(),
            is_impersonated: self.is_impersonated(),
            kind: self.kind(),
            is_machine: self.is_machine(),
            family: self.family(),
        };
        // Text and flags alone: nothing in it that JSON cannot say.
        serde_json::to_string(&identity).unwrap_or_default()
    }

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name)?.as_str()
    }

    /// A list of strings; a list read in part would be a list misread.
    fn texts(&self, name: &str) -> Vec<Cow<'_, str>> {
        let texts = self.get(name).filter(|value| value.is_texts());
        texts.and_then(Value::items).into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Each `act` of the chain, outermost first. The parser's bound on nesting ends it.
pub(crate) fn acts(outermost: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    std::iter::successors(outermost, |act| act.get("act"))
}

/// Who acts, if `act` names an actor. An unnamed one ends the list: to skip it would put another in its place.
pub(crate) fn actors(outermost: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    let named = acts(outermost).map_while(|act| act.get("sub").filter(|sub| sub.is_text()));
    named.take(MAX_ACTORS)
}

/// Whether a person acts as the user, even if `act` names nobody. A `sub_profile`, of the subject or of the actor,
/// shows that it is an agent or a service.
pub(crate) fn is_impersonated(
    family: TokenFamily,
    act: Option<Value<'_>>,
    sub_profile: Option<Value<'_>>,
) -> bool {
    let Some(act) = act.filter(|act| !act.is_null()) else { return false };
    let profiles = [sub_profile, act.get("sub_profile")];
    family == TokenFamily::Session && !profiles.into_iter().flatten().any(is_no_person)
}

/// Whether a `sub_profile` names something that is no person, such as `ai_agent`.
fn is_no_person(profile: Value<'_>) -> bool {
    let is_other = |text: &str| !text.trim().is_empty() && !text.eq_ignore_ascii_case("user");
    profile.as_str().is_some_and(|text| is_other(&text))
}

/// Who a token speaks for: by its subject, the client that it names, and whether it speaks of a user or a session.
pub(crate) fn kind(subject: &str, client: Option<Value<'_>>, is_of_a_user: bool) -> TokenKind {
    let is_user_id = subject.strip_prefix(USER_ID_PREFIX).is_some_and(|id| !id.is_empty());
    let is_client = match client {
        Some(client) => client.is_string(subject),
        None => subject.strip_prefix(CLIENT_ID_PREFIX).is_some_and(|id| !id.is_empty()),
    };
    match (is_user_id, is_client) {
        (true, false) => TokenKind::User,
        (false, true) if !is_of_a_user => TokenKind::Machine,
        _ => TokenKind::Unknown,
    }
}
