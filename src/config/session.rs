//! The issuers of AuthKit's session tokens, which one client id names.

use super::{AudienceRule, IssuerSettings, SESSION_ISSUER, TokenFamily, invalid};
use crate::error::{Result, quoted};

/// Every spelling of the issuer that AuthKit is known to use in a client's session tokens.
fn issuers(client_id: &str) -> [String; 3] {
    [
        SESSION_ISSUER.to_owned(),
        format!("{SESSION_ISSUER}/"),
        format!("{SESSION_ISSUER}/user_management/{client_id}"),
    ]
}

/// The allow-list's entries for a client's session tokens: one key set, several spellings.
pub(super) fn entries(client_id: &str) -> impl Iterator<Item = (String, IssuerSettings)> {
    let settings = IssuerSettings {
        jwks_url: Some(format!("{SESSION_ISSUER}/sso/jwks/{client_id}")),
        audience: AudienceRule::IfPresent,
        family: TokenFamily::Session,
        ..IssuerSettings::default()
    };
    issuers(client_id).into_iter().map(move |issuer| (issuer, settings.clone()))
}

/// Whether an issuer is one of the client's session tokens.
pub(super) fn is_of(issuer: &str, client_id: &str) -> bool {
    issuers(client_id).iter().any(|known| known == issuer)
}

/// The id becomes part of a URL whose keys are trusted: nothing in it may lead elsewhere.
pub(super) fn check_client_id(client_id: &str) -> Result<()> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if client_id.is_empty() || !client_id.bytes().all(fits) {
        let problem = format!("is {}, which is no client id", quoted(client_id));
        return Err(invalid("session_client_id", problem)
            .with_hint("set it to the client id of the WorkOS dashboard, client_…"));
    }
    Ok(())
}
