//! The issuers of AuthKit's session tokens, which one client id names.

use super::{AudienceRule, IssuerSettings, SESSION_ISSUER, TokenFamily, invalid};
use crate::error::{Result, quoted};
use crate::resource::request::percent_decoded;

/// AuthKit's JWKS of a client's session tokens, on whatever domain, but for the client's id at its end.
const JWKS_PATH: &str = "/sso/jwks/";

/// Every spelling of the issuer that AuthKit is known to use in a client's session tokens.
fn issuers(client_id: &str) -> [String; 5] {
    let below = |path| format!("{SESSION_ISSUER}/{path}/{client_id}");
    [
        SESSION_ISSUER.to_owned(),
        format!("{SESSION_ISSUER}/"),
        below("user_management"),
        below("sso"),
        below("convex"),
    ]
}

/// The allow-list's entries for a client's session tokens: one key set, several spellings.
pub(super) fn entries(client_id: &str) -> impl Iterator<Item = (String, IssuerSettings)> {
    let settings = IssuerSettings {
        jwks_url: Some(format!("{SESSION_ISSUER}{JWKS_PATH}{client_id}")),
        audience: AudienceRule::IfPresent,
        family: TokenFamily::Session,
        ..IssuerSettings::default()
    };
    issuers(client_id).into_iter().map(move |issuer| (issuer, settings.clone()))
}

/// Whether an issuer is one of the client's session tokens.
pub(crate) fn is_of(issuer: &str, client_id: &str) -> bool {
    issuers(client_id).iter().any(|known| known == issuer)
}

/// The client that a session issuer's name ends with.
pub(super) fn client_of_issuer(issuer: &str) -> Option<&str> {
    let client_id = issuer.rsplit('/').next()?;
    (is_client_id(client_id) && issuer != SESSION_ISSUER && is_of(issuer, client_id))
        .then_some(client_id)
}

/// Whether an address is of session tokens' keys, however it is spelled.
pub(super) fn is_of_sessions(jwks_url: &str) -> bool {
    let decoded: Vec<u8> = percent_decoded(jwks_url.as_bytes()).collect();
    decoded.to_ascii_lowercase().windows(JWKS_PATH.len()).any(|part| part == JWKS_PATH.as_bytes())
}

/// The client whose session tokens the keys at this address are for.
pub(super) fn client_of(jwks_url: &str) -> Option<&str> {
    let (_, client_id) = jwks_url.rsplit_once(JWKS_PATH)?;
    is_client_id(client_id).then_some(client_id)
}

fn is_client_id(text: &str) -> bool {
    // An API key is no client id, and would become part of a URL.
    !text.is_empty()
        && !text.starts_with("sk_")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// The id becomes part of a URL whose keys are trusted: nothing in it may lead elsewhere.
pub(super) fn check_client_id(client_id: &str) -> Result<()> {
    super::url::refuse_wrapping("session_client_id", client_id)?;
    if !is_client_id(client_id) {
        let problem = format!("is {}, which is no client id", quoted(client_id));
        return Err(invalid("session_client_id", problem)
            .with_hint("set it to the client id of the WorkOS dashboard, client_…"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::client_of;

    #[test]
    fn an_address_of_keys_names_a_client_at_its_end_alone() {
        for (url, client) in [
            ("https://api.workos.com/sso/jwks/client_01", Some("client_01")),
            ("https://auth.example/sso/jwks/client_01", Some("client_01")),
            ("https://auth.example/sso/jwks/", None),
            ("https://auth.example/sso/jwks", None),
            ("https://auth.example/sso/jwks/client_01/", None),
            ("https://auth.example/sso/jwks/client_01?x", None),
            ("https://auth.example/oauth2/jwks", None),
        ] {
            assert_eq!(client_of(url), client, "{url}");
        }
    }
}
