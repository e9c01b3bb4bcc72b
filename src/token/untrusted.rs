//! Why an issuer is not trusted or an audience not this server's: what came, what is configured, by which setting,
//! and how the two differ. Each hint says only what was compared, and is made at a line of its own: the log tells
//! causes apart by that line.

use std::borrow::Cow;

use crate::config::{
    CLIENT_ID_PREFIX, Config, Issuer, SESSION_ISSUER, TokenFamily, is_session_issuer_of,
};
use crate::error::{Code, Error, printable, quoted};

use super::near_miss::{self, NearMiss, OtherDomain};
use super::rules::{Named, SEND_ACCESS_TOKEN, is_access_token_for};

/// How long a list of configured values grows before the rest is counted, in characters.
const LIST_LIMIT: usize = 70;

/// The error for an issuer that is not allow-listed.
#[cold]
pub(super) fn issuer(name: &str, config: &Config) -> Error {
    let reason = format!(
        "the token comes from {}, which is not a trusted issuer; trusted: {}",
        quoted(name),
        trusted(config)
    );
    let error = Error::new(Code::Issuer, reason);
    let misses = config.issuers.iter().filter_map(|issuer| {
        let miss = near_miss::between(&issuer.name, name)?;
        (miss != NearMiss::Host).then_some((issuer, miss))
    });
    let nearest = misses.min_by_key(|(_, miss)| *miss);
    let is_session = name == SESSION_ISSUER
        || name.strip_prefix(SESSION_ISSUER).is_some_and(|rest| rest.starts_with('/'));
    match nearest {
        Some((issuer, NearMiss::TrailingSlash)) if is_session => {
            near_issuer(error, issuer, NearMiss::TrailingSlash, config)
        }
        _ if is_session => session(error, name, config),
        Some((issuer, miss)) => near_issuer(error, issuer, miss, config),
        None => other_domain(error, name, config),
    }
}

/// The issuers with their settings; the spellings of the session issuer count as one.
fn trusted(config: &Config) -> String {
    let mut told: Vec<String> = Vec::new();
    for issuer in &config.issuers {
        let what = match &issuer.client_id {
            Some(client) if issuer.setting == "session_client_id" => {
                format!("the sessions of {}", printable(client))
            }
            _ => printable(&issuer.name),
        };
        let item = format!("{what} ({})", config.called(issuer.setting));
        if !told.contains(&item) {
            told.push(item);
        }
    }
    listed(&told)
}

/// As many as are short together, at least one, and how many there are beside.
fn listed(items: &[String]) -> String {
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 && text.len() + item.len() > LIST_LIMIT {
            return format!("{text} and {} more", items.len() - at);
        }
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(item);
    }
    text
}

fn near_issuer(error: Error, issuer: &Issuer, miss: NearMiss, config: &Config) -> Error {
    let setting = config.called(issuer.setting);
    let same = format!(
        "issuers are compared exactly; if they are one issuer, spell {setting} as the token does"
    );
    match miss {
        NearMiss::TrailingSlash => error
            .with_hint(format!("it differs from a trusted one by a trailing slash only; {same}")),
        NearMiss::Scheme => {
            error.with_hint(format!("it differs from a trusted one by http or https only; {same}"))
        }
        NearMiss::Case => {
            error.with_hint(format!("it differs from a trusted one by upper case only; {same}"))
        }
        NearMiss::DefaultPort => error.with_hint(format!(
            "it differs from a trusted one by the scheme's default port only; {same}"
        )),
        NearMiss::Port => {
            error.with_hint(format!("it differs from a trusted one by the port only; {same}"))
        }
        NearMiss::Loopback => {
            error.with_hint(format!("localhost, 127.0.0.1 and [::1] are different names; {same}"))
        }
        NearMiss::Spelling => {
            error.with_hint(format!("it is a trusted one in another spelling; {same}"))
        }
        NearMiss::WithoutPath => {
            error.with_hint(format!("a trusted one goes on with a path that it lacks; {same}"))
        }
        NearMiss::WellKnown => error.with_hint(format!(
            "it is the address of a well-known document at a trusted one; {same}"
        )),
        NearMiss::Query => {
            error.with_hint(format!("it differs from a trusted one by a query only; {same}"))
        }
        NearMiss::Fragment => {
            error.with_hint(format!("it differs from a trusted one by a fragment only; {same}"))
        }
        NearMiss::PathTwice => {
            error.with_hint(format!("it repeats the path of a trusted one; {same}"))
        }
        NearMiss::Below => error.with_hint(format!("it is a trusted one with more path; {same}")),
        NearMiss::Path | NearMiss::Host => {
            error.with_hint(format!("it differs from a trusted one by its path only; {same}"))
        }
    }
}

fn session(error: Error, name: &str, config: &Config) -> Error {
    let takes_sessions = config.issuers.iter().any(|issuer| issuer.family == TokenFamily::Session);
    let setting = config.called("session_client_id");
    let clients = || config.issuers.iter().filter_map(|issuer| issuer.client_id.as_deref());
    let last = name.rsplit('/').next().unwrap_or_default();
    if clients().any(|client| is_session_issuer_of(name, client)) {
        error.with_hint(format!("it is the session issuer of a trusted client in another spelling; set {setting}, which trusts every spelling, in place of the entry in {}", config.called("issuers")))
    } else if clients().any(|client| last == client) {
        error.with_hint(format!("this spelling of AuthKit's session issuer is not known for {setting}; if AuthKit's documentation names it, add it to {} with the jwks_url of the others, family session and audience if_present", config.called("issuers")))
    } else if takes_sessions && last.starts_with(CLIENT_ID_PREFIX) {
        error.with_hint(format!(
            "this is an AuthKit session token of the client {}, which {setting} does not name",
            quoted(last)
        ))
    } else if takes_sessions {
        error.with_hint(format!("this is an AuthKit session token whose issuer is not one of those that are trusted for {setting}"))
    } else {
        error.with_hint(format!("this is an AuthKit session token, not one that an MCP client got for this server; to take those too, set {setting}"))
    }
}

fn other_domain(error: Error, name: &str, config: &Config) -> Error {
    let found = config
        .issuers
        .iter()
        .find_map(|issuer| Some((issuer, near_miss::between_domains(&issuer.name, name)?)));
    if let Some((issuer, other)) = found {
        let setting = config.called(issuer.setting);
        return match other {
            OtherDomain::Staging => error.with_hint(format!("it is the domain of a staging environment, and the trusted one is not; let the client log in at the trusted one, or set {setting} to the environment that this server is for")),
            OtherDomain::Production => error.with_hint(format!("the trusted one is the domain of a staging environment, and the token's is not; set {setting} to the environment that this server is for")),
            OtherDomain::Similar => error.with_hint(format!("the two differ in one or two characters; compare {setting} with the AuthKit domain in the WorkOS dashboard")),
            OtherDomain::Project => error.with_hint(format!("it is the AuthKit domain of another project or environment; if that is the right one, set {setting} to it")),
        };
    }
    let similar = config.issuers.iter().find(|issuer| near_miss::are_similar(&issuer.name, name));
    match (similar, config.issuers.first()) {
        (Some(issuer), _) => error.with_hint(format!("it differs from a trusted one in one or two characters; compare {} with what the issuer calls itself", config.called(issuer.setting))),
        (None, Some(issuer)) => error.with_hint(format!("if this server is for that issuer, set {} to it; otherwise let the client log in at the trusted one", config.called(issuer.setting))),
        (None, None) => error,
    }
}

/// The error for a token without an audience.
#[cold]
pub(super) fn no_audience(issuer: &Issuer, config: &Config) -> Error {
    let reason = format!("the token names no audience (aud); {}", this_server(issuer, config));
    let error = Error::new(Code::Audience, reason);
    match issuer.family {
        TokenFamily::Connect => error.with_hint(indicator_hint(config)),
        TokenFamily::Session => error.with_hint(
            "AuthKit's session tokens mostly name none; to take those, set audience of the issuer to if_present",
        ),
    }
}

/// The error for a token that is meant for others.
#[cold]
pub(super) fn audience(
    named: &[Cow<'_, str>],
    claims: &Named<'_>,
    issuer: &Issuer,
    config: &Config,
) -> Error {
    let first = named.first().map_or("", |audience| audience.as_ref());
    let reason = format!(
        "the token is meant for {}, not for this server; {}",
        quoted(first),
        this_server(issuer, config)
    );
    let error = Error::new(Code::Audience, reason);
    let pairs = issuer.audiences.iter().flat_map(|own| named.iter().map(move |came| (own, came)));
    let misses = pairs.filter_map(|(own, came)| Some((own, near_miss::between(own, came)?)));
    if let Some((own, miss)) = misses.min_by_key(|(_, miss)| *miss) {
        return near_audience(error, own, miss, issuer, config);
    }
    if issuer.family == TokenFamily::Session {
        return error.with_hint(format!("a session token with an aud must name this server's resource or the client of {}; this one names neither", config.called("session_client_id")));
    }
    match named.iter().find(|audience| audience.starts_with(CLIENT_ID_PREFIX)) {
        Some(client) if !is_access_token_for(client, claims) => {
            error.with_hint(format!("it has no client_id, as an ID token; {SEND_ACCESS_TOKEN}"))
        }
        Some(client) if claims.sub.is_some_and(|sub| sub.is_string(client)) => {
            error.with_hint(format!("it is a machine's token, whose audience is its client id; to accept this machine, name that id in {}", config.called("accept_client_id_audience")))
        }
        Some(_) => {
            error.with_hint(format!("its audience is a client id, as in tokens that are for no listed resource; {}", indicator_hint(config)))
        }
        None if issuer.audiences.is_empty() => error,
        None => error.with_hint(format!("let the client ask for this server's resource; if it did, correct {}", config.called(audience_setting(issuer, config)))),
    }
}

/// What this server is to the issuer's tokens, and the setting that says so.
fn this_server(issuer: &Issuer, config: &Config) -> String {
    let setting = config.called(audience_setting(issuer, config));
    let ours: Vec<String> = issuer.audiences.iter().map(|own| printable(own)).collect();
    if ours.is_empty() {
        let clients: Vec<String> = issuer.client_ids.iter().map(|id| printable(id)).collect();
        return format!("it takes tokens for {} only", listed(&clients));
    }
    format!("this server is {} ({setting})", listed(&ours))
}

fn audience_setting(issuer: &Issuer, config: &Config) -> &'static str {
    let is_shared = issuer.audiences.iter().all(|own| config.audiences.contains(own));
    match (&config.resource, is_shared) {
        (_, false) => "issuers",
        (Some(resource), true) if config.audiences.contains(resource) => config.resource_setting,
        _ => "audiences",
    }
}

fn near_audience(
    error: Error,
    own: &str,
    miss: NearMiss,
    issuer: &Issuer,
    config: &Config,
) -> Error {
    let setting = config.called(audience_setting(issuer, config));
    let resource = printable(own);
    match miss {
        NearMiss::TrailingSlash => error.with_hint(format!("it differs from this server's resource by a trailing slash only; spell {setting} as the client does, or set {}", config.called("ignore_trailing_slash"))),
        NearMiss::Scheme => error.with_hint(format!("it differs from this server's resource by http or https only; {setting} must be the public URL that clients use")),
        NearMiss::Case => error.with_hint(format!("it differs from this server's resource by upper case only; audiences are compared exactly: spell {setting} and the client's URL alike")),
        NearMiss::DefaultPort => error.with_hint(format!("it differs from this server's resource by the scheme's default port only; audiences are compared exactly: spell {setting} and the client's URL alike")),
        NearMiss::Port => error.with_hint(format!("it differs from this server's resource by the port only; {setting} must be the public URL that clients use")),
        NearMiss::Loopback => error.with_hint(format!("localhost, 127.0.0.1 and [::1] are different names; audiences are compared exactly: let {setting} and the client's URL use one of them")),
        NearMiss::Spelling => error.with_hint(format!("it is this server's resource in another spelling; audiences are compared exactly: spell {setting} and the client's URL alike")),
        NearMiss::WithoutPath => error.with_hint(format!("it is this server's resource without the end of its path; enter {resource} as resource indicator in the AuthKit dashboard, or correct {}", path_setting(&setting, config))),
        NearMiss::PathTwice => error.with_hint(format!("it has the path of this server's resource twice; let the client use {resource}, or correct {}", path_setting(&setting, config))),
        NearMiss::WellKnown => error.with_hint(format!("it is the address of a well-known document of this server, not its resource; let the client ask for {resource}")),
        NearMiss::Below => error.with_hint(format!("it is below this server's resource; let the client ask for {resource}, or correct {}", path_setting(&setting, config))),
        NearMiss::Path => error.with_hint(format!("it is another path of this server; let the client ask for {resource}, or correct {}", path_setting(&setting, config))),
        NearMiss::Query => error.with_hint(format!("it differs from this server's resource by a query only; let the client ask for {resource}")),
        NearMiss::Fragment => error.with_hint(format!("it differs from this server's resource by a fragment only; let the client ask for {resource}")),
        NearMiss::Host => error.with_hint(format!("it is the same path on another host; if that is this server, set {setting} to the public URL that clients use")),
    }
}

/// The setting of the resource's path: `mcp_path`, unless the resource is set whole.
fn path_setting<'s>(setting: &Cow<'s, str>, config: &'s Config) -> Cow<'s, str> {
    match config.resource_setting {
        "base_url" if *setting == config.called("base_url") => config.called("mcp_path"),
        _ => setting.clone(),
    }
}

/// The most frequent cause of a 401: the resource is not listed in the dashboard.
fn indicator_hint(config: &Config) -> String {
    let is_url = |one: &&str| !one.starts_with(CLIENT_ID_PREFIX);
    let resource = config.resource().or(config.audiences.iter().map(String::as_str).find(is_url));
    let resource = resource.map_or("this server's resource".into(), printable);
    format!("add {resource} to the resource indicators in the AuthKit dashboard")
}
