//! The rules on claims (RFC 7519 §4.1, RFC 9068 §4), all of them ours, over the strict parser.

use std::borrow::Cow;

use crate::config::{AudienceRule, Config, Issuer, TokenFamily, TypePolicy};
use crate::error::{Code, Error, Result, printable, quoted};

use super::claims::Claims;
use super::identity::acts;
use super::json::{Document, Kept, Value};
use super::scope::{self, Scopes};
use super::untrusted;

/// Largest NumericDate that is taken: the last second that a double counts exactly.
const MAX_NUMERIC_DATE: f64 = 9_007_199_254_740_992.0;

pub(super) const SEND_ACCESS_TOKEN: &str = "send the access token; an ID token is for the application that signed the user in, and no setting needs to change";

/// The claims that the rules are about, found in one pass over the payload.
pub(crate) struct Named<'d> {
    pub(crate) payload: &'d Document,
    iss: Option<Value<'d>>,
    pub(super) sub: Option<Value<'d>>,
    aud: Option<Value<'d>>,
    exp: Option<Value<'d>>,
    nbf: Option<Value<'d>>,
    iat: Option<Value<'d>>,
    jti: Option<Value<'d>>,
    client_id: Option<Value<'d>>,
    azp: Option<Value<'d>>,
    cnf: Option<Value<'d>>,
    /// The name of a claim that only ID tokens have.
    id_token: Option<&'static str>,
    pub(crate) scope: Option<Value<'d>>,
    pub(crate) scp: Option<Value<'d>>,
}

impl<'d> Named<'d> {
    pub(crate) fn of(payload: &'d Document) -> Self {
        let (iss, sub, aud, exp, nbf, iat) = (None, None, None, None, None, None);
        let (jti, client_id, azp, cnf, id_token) = (None, None, None, None, None);
        let (scope, scp) = (None, None);
        #[rustfmt::skip]
        let mut named = Self {
            payload, iss, sub, aud, exp, nbf, iat, jti, client_id, azp, cnf, id_token, scope, scp,
        };
        payload.visit_members(|name, value| {
            let place = match name {
                b"iss" => &mut named.iss,
                b"sub" => &mut named.sub,
                b"aud" => &mut named.aud,
                b"exp" => &mut named.exp,
                b"nbf" => &mut named.nbf,
                b"iat" => &mut named.iat,
                b"jti" => &mut named.jti,
                b"client_id" => &mut named.client_id,
                b"azp" => &mut named.azp,
                b"cnf" => &mut named.cnf,
                b"nonce" => return named.id_token = Some("nonce"),
                b"at_hash" => return named.id_token = Some("at_hash"),
                b"c_hash" => return named.id_token = Some("c_hash"),
                b"scope" => &mut named.scope,
                b"scp" => &mut named.scp,
                _ => return,
            };
            *place = Some(value);
        });
        named
    }
}

/// The claims that were judged, read once; texts are kept beside the payload.
pub(crate) struct Registered {
    pub(crate) issuer: Kept,
    pub(crate) family: TokenFamily,
    pub(crate) subject: Kept,
    pub(crate) resource: Option<Kept>,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: f64,
    pub(crate) issued_at: Option<f64>,
    pub(crate) not_before: Option<f64>,
}

/// Who the token was issued to, by its own account.
pub(crate) fn client_id(payload: &Document) -> Option<std::borrow::Cow<'_, str>> {
    ["client_id", "azp"].into_iter().find_map(|name| payload.get(name)?.as_str())
}

/// Refuses an ID token (OpenID Connect Core §2, §3.1.3.6 and §3.3.2.11): it tells an application who signed in, and
/// does not give access to a server. Exception: the operator lists another provider's client as an audience and
/// names no resource. That says that its ID tokens are wanted.
pub(crate) fn refuse_id_token(claims: &Named<'_>, config: &Config) -> Result<()> {
    let Some(name) = claims.id_token.filter(|_| !is_for_a_listed_client(claims, config)) else {
        return Ok(());
    };
    let reason = format!("this is an ID token (it has {name}), not an access token");
    Err(Error::new(Code::Type, reason).with_hint(SEND_ACCESS_TOKEN))
}

/// Whether the token's only audience is listed and is not a URL. (A resource is a URL.) AuthKit's own client ids are
/// never among these audiences.
fn is_for_a_listed_client(claims: &Named<'_>, config: &Config) -> bool {
    let Some(audience) = claims.aud.filter(|_| config.resource.is_none()) else { return false };
    let lists = |own: &String| !own.contains("://") && audience.is_string(own);
    let issuers = config.issuers.iter().filter(|issuer| !issuer.is_authkit());
    issuers
        .filter(|issuer| claims.iss.is_some_and(|iss| iss.is_string(&issuer.name)))
        .any(|issuer| issuer.audiences.iter().any(lists))
}

/// Finds the allow-listed issuer that the token names. Exact, code point by code point.
pub(crate) fn issuer<'c>(claims: &Named<'_>, config: &'c Config) -> Result<(usize, &'c Issuer)> {
    let refused = |reason: String| Error::new(Code::Issuer, reason);
    let value = claims.iss.ok_or_else(|| refused("the token names no issuer (iss)".to_owned()))?;
    let name =
        value.as_str().ok_or_else(|| refused("the token's issuer is not a string".to_owned()))?;
    let known = config.issuers.iter().enumerate().find(|(_, issuer)| issuer.name == name);
    known.ok_or_else(|| untrusted::issuer(&name, config))
}

/// Judges every claim but the scopes' sufficiency: times first, so that a dead token is EXPIRED
/// whatever else is wrong with it.
pub(crate) fn judge(
    claims: &Named<'_>,
    config: &Config,
    issuer: &Issuer,
    now: f64,
) -> Result<Registered> {
    refuse_nul(claims.payload)?;
    let times = times(claims, config, now)?;
    refuse_bound(claims.cnf)?;
    let subject = non_empty_string(claims.sub, "sub")?;
    check_session_client(claims, issuer, config)?;
    let resource = audience(claims, config, issuer)?;
    let scopes = scope::granted(claims, &config.scope_claims)?;
    if config.type_policy == TypePolicy::Rfc9068 {
        demand_rfc9068_claims(claims)?;
    }
    let (expires_at, issued_at, not_before) = times;
    Ok(Registered {
        issuer: kept(claims.iss, &issuer.name),
        family: issuer.family,
        subject,
        resource,
        scopes,
        expires_at,
        issued_at,
        not_before,
    })
}

/// U+0000 in a claim that hosts read as a C string would cut an identity short.
fn refuse_nul(payload: &Document) -> Result<()> {
    if !payload.has_escapes() {
        return Ok(());
    }
    let has_nul = |value: Value<'_>| value.as_escaped_str().is_some_and(|text| text.contains('\0'));
    if acts(payload.get("act")).any(|act| act.get("sub").is_some_and(has_nul)) {
        return Err(claim("an actor's subject contains U+0000"));
    }
    for (name, value) in payload.root().members() {
        if has_nul(name)
            || has_nul(value)
            || value.items().is_some_and(|mut items| items.any(has_nul))
        {
            return Err(claim("a claim contains U+0000"));
        }
    }
    Ok(())
}

/// `exp`, `iat` and `nbf`.
type Times = (f64, Option<f64>, Option<f64>);

fn times(claims: &Named<'_>, config: &Config, now: f64) -> Result<Times> {
    let expires_at =
        numeric_date(claims.exp, "exp")?.ok_or_else(|| claim("the token has no exp"))?;
    let not_before = numeric_date(claims.nbf, "nbf")?;
    let issued_at = numeric_date(claims.iat, "iat")?;
    if expires_at < 0.0 {
        return Err(claim("the token's exp is negative"));
    }
    let times = (expires_at, issued_at, not_before);
    judge_times(times, config, now)?;
    Ok(times)
}

/// Whether the times of a token that was accepted allow it to be accepted again.
pub(crate) fn still_in_time(claims: &Claims, config: &Config, now: f64) -> bool {
    let times = (claims.expires_at(), claims.issued_at(), claims.not_before());
    judge_times(times, config, now).is_ok()
}

fn judge_times(
    (expires_at, issued_at, not_before): Times,
    config: &Config,
    now: f64,
) -> Result<()> {
    #[allow(clippy::cast_precision_loss)] // at most 300
    let leeway = config.leeway as f64;
    if expires_at <= now - leeway {
        return Err(Error::new(
            Code::Expired,
            format!("the token expired {} ago", seconds(now - expires_at)),
        )
        .with_hint("no setting needs to change: the client must refresh its token"));
    }
    if let Some(not_before) = not_before.filter(|start| *start > now + leeway) {
        return Err(not_yet("nbf", not_before - now, config.called("leeway")));
    }
    if let Some(issued_at) = issued_at.filter(|start| *start > now + leeway) {
        return Err(not_yet("iat", issued_at - now, config.called("leeway")));
    }
    if let Some(max_age) = config.max_token_age {
        check_age(issued_at, max_age, now - leeway, config)?;
    }
    Ok(())
}

fn check_age(issued_at: Option<f64>, max_age: u64, now: f64, config: &Config) -> Result<()> {
    let issued_at = issued_at.ok_or_else(|| {
        let setting = config.called("max_token_age");
        claim(format!("the token has no iat, and {setting} needs it"))
    })?;
    #[allow(clippy::cast_precision_loss)] // a configured number of seconds
    if now - issued_at >= max_age as f64 {
        let setting = config.called("max_token_age");
        return Err(Error::new(
            Code::Expired,
            format!("the token is older than {setting}, {max_age} s"),
        )
        .with_hint(format!(
            "the client must get a newer token; {setting} demands that, whatever its exp says"
        )));
    }
    Ok(())
}

#[track_caller]
/// An issuer dates a token by its own clock: one that is issued in the future says that two clocks differ. A `nbf`
/// may lie ahead on purpose.
fn not_yet(name: &str, ahead: f64, leeway: Cow<'_, str>) -> Error {
    let reason = format!("the token's {name} lies {} ahead", seconds(ahead));
    let error = Error::new(Code::NotYetValid, reason);
    if name == "iat" {
        error.with_hint(format!("it was issued in the future by this machine's clock: set this clock by NTP, or the issuer's is wrong; a small difference is what {leeway} is for"))
    } else {
        error.with_hint(format!("the client must wait until then; if it should be valid now, compare this machine's clock with the issuer's; a small difference is what {leeway} is for"))
    }
}

fn seconds(span: f64) -> String {
    format!("{} s", span.ceil())
}

/// A NumericDate (RFC 7519 §2): a number, possibly with a fraction; never a string (CVE-2026-25537).
fn numeric_date(value: Option<Value<'_>>, name: &str) -> Result<Option<f64>> {
    let Some(value) = value else { return Ok(None) };
    let date =
        value.as_f64().ok_or_else(|| claim(format!("the token's {name} is not a number")))?;
    if date.abs() > MAX_NUMERIC_DATE {
        return Err(claim(format!("the token's {name} is out of range")));
    }
    Ok(Some(date))
}

fn non_empty_string(value: Option<Value<'_>>, name: &str) -> Result<Kept> {
    let value = value.ok_or_else(|| claim(format!("the token has no {name}")))?;
    let text = value.keep().filter(|_| !value.is_string(""));
    text.ok_or_else(|| claim(format!("the token's {name} is empty or not a string")))
}

fn demand_rfc9068_claims(claims: &Named<'_>) -> Result<()> {
    non_empty_string(claims.client_id, "client_id")?;
    non_empty_string(claims.jti, "jti")?;
    if claims.iat.is_none() {
        return Err(claim("the token has no iat (RFC 9068 section 2.2)"));
    }
    Ok(())
}

#[track_caller]
fn claim(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::Claim, reason)
}

/// A token that is bound to a key (RFC 7800) is valid only with a proof of that key. The proof is not checked here,
/// so a thief could use the token (RFC 9449 §7.2, RFC 8705 §3).
fn refuse_bound(cnf: Option<Value<'_>>) -> Result<()> {
    if cnf.is_none() {
        return Ok(());
    }
    Err(claim("the token is bound to a key (cnf), and this server cannot check who holds it")
        .with_hint("let the client get a plain bearer token, without DPoP and mutual TLS"))
}

/// If a session token says which client it was issued to, it must be the configured one. Most have no `aud`, so this
/// is how one application's tokens are told from another's. The refusal has the same code as a wrong `aud`.
fn check_session_client(claims: &Named<'_>, issuer: &Issuer, config: &Config) -> Result<()> {
    let Some(ours) = &issuer.client_id else { return Ok(()) };
    for (name, value) in [("client_id", claims.client_id), ("azp", claims.azp)] {
        let Some(value) = value else { continue };
        let client = value
            .as_str()
            .ok_or_else(|| claim(format!("the session token's {name} is not a string")))?;
        if client != *ours {
            let reason = format!(
                "the session token was issued to {} ({name}), not to {}",
                quoted(&client),
                printable(ours)
            );
            return Err(Error::new(Code::Audience, reason)
                .with_hint(format!("this server takes the sessions of one application: the one that {}, or the issuer's jwks_url, names", config.called("session_client_id"))));
        }
    }
    Ok(())
}

/// The configured audience that the token is meant for: a resource before a client id.
fn audience(claims: &Named<'_>, config: &Config, issuer: &Issuer) -> Result<Option<Kept>> {
    let Some(value) = claims.aud else {
        return match issuer.audience {
            AudienceRule::Required => Err(untrusted::no_audience(issuer, config)),
            AudienceRule::IfPresent | AudienceRule::NotChecked => Ok(None),
        };
    };
    let single = value.as_str();
    if let Some(audience) = single.and_then(|single| resource(&single, issuer, config)) {
        return Ok(Some(kept(claims.aud, audience)));
    }
    let named = audience_list(value)?;
    if let Some(audience) = named.iter().find_map(|name| resource(name, issuer, config)) {
        return Ok(Some(Kept::Text(audience.into())));
    }
    let mut clients = issuer.client_ids.iter().filter(|id| named.iter().any(|name| name == *id));
    match clients.clone().find(|client| is_access_token_for(client, claims)) {
        Some(client) => return Ok(Some(Kept::Text(client.as_str().into()))),
        None if issuer.audience == AudienceRule::NotChecked => return Ok(None),
        None => {}
    }
    match clients.next() {
        Some(client) => Err(no_client(client)),
        None if named.is_empty() => Err(untrusted::no_audience(issuer, config)),
        None => Err(untrusted::audience(&named, claims, issuer, config)),
    }
}

/// ID tokens have a client id as `aud`, too. So an access token with such an `aud` must have `client_id`
/// (RFC 9068 §2.2), or be a machine's own.
pub(super) fn is_access_token_for(client: &str, claims: &Named<'_>) -> bool {
    names_a_client(claims) || claims.sub.is_some_and(|sub| sub.is_string(client))
}

fn names_a_client(claims: &Named<'_>) -> bool {
    claims.client_id.is_some_and(|client| client.is_text() && !client.is_string(""))
}

#[track_caller]
fn no_client(audience: &str) -> Error {
    let reason = format!(
        "the token is meant for the client {} and has no client_id, as an ID token",
        printable(audience)
    );
    claim(reason).with_hint(SEND_ACCESS_TOKEN)
}

/// A configured text, at its place in the token where that says the same.
fn kept(value: Option<Value<'_>>, text: &str) -> Kept {
    let same = value.filter(|value| value.is_string(text)).and_then(Value::keep);
    same.unwrap_or_else(|| Kept::Text(text.into()))
}

/// The audiences a token names (a string, or a list of strings: RFC 7519 §4.1.3).
pub(crate) fn audience_list(value: Value<'_>) -> Result<Vec<std::borrow::Cow<'_, str>>> {
    if let Some(single) = value.as_str() {
        return Ok(vec![single]);
    }
    let items =
        value.items().ok_or_else(|| claim("the token's aud is neither a string nor a list"))?;
    items
        .map(|item| {
            item.as_str()
                .ok_or_else(|| claim("the token's aud lists something that is not a string"))
        })
        .collect()
}

/// Exact comparison. A missing or extra slash is accepted only if both spell one URI, or if the operator allows it.
fn resource<'c>(audience: &str, issuer: &'c Issuer, config: &Config) -> Option<&'c str> {
    let fits = |ours: &str| {
        ours == audience
            || (differ_by_a_slash(ours, audience)
                && (config.ignore_trailing_slash || is_bare_origin(ours.trim_end_matches('/'))))
    };
    issuer.audiences.iter().find(|ours| fits(ours)).map(String::as_str)
}

fn differ_by_a_slash(a: &str, b: &str) -> bool {
    a.strip_suffix('/') == Some(b) || b.strip_suffix('/') == Some(a)
}

/// `https://host` and `https://host/` are the same URI (RFC 3986 §6.2.3).
fn is_bare_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#']))
}
