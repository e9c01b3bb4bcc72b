//! Scopes: where they stand in a token, how they are split, and which include which.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::error::{Code, Error, Result, SENTENCE_LIMIT, printable, quoted};

use super::json::{Document, Kept, Value};
use super::rules::Named;

/// The scopes that a token grants, as they stand in it.
pub(crate) enum Scopes {
    /// One string of them: what nearly every token has.
    Text(Kept),
    /// Several strings, of one or more scopes each.
    Texts(Vec<Kept>),
}

impl Scopes {
    /// The scopes, in the token's order. A string is split on SPACE alone (RFC 6749 §3.3): to take a tab
    /// or U+2028 as a separator would find scopes that the issuer never granted.
    pub(crate) fn names<'d>(
        &'d self,
        payload: &'d Document,
    ) -> impl Iterator<Item = &'d str> + Clone {
        let texts = match self {
            Scopes::Text(text) => std::slice::from_ref(text),
            Scopes::Texts(texts) => texts,
        };
        let scopes = texts.iter().flat_map(|text| payload.kept(text).split(' '));
        scopes.filter(|scope| !scope.is_empty())
    }
}

/// Reads the granted scopes. Without configured claims: `scope`, or `scp` where there is no `scope`.
pub(crate) fn granted(claims: &Named<'_>, configured_claims: &[String]) -> Result<Scopes> {
    let mut texts = Vec::new();
    if configured_claims.is_empty() {
        let named = claims.scope.map(|value| ("scope", value));
        if let Some((name, value)) = named.or(claims.scp.map(|value| ("scp", value))) {
            if let Some(text) = value.keep() {
                return Ok(Scopes::Text(text));
            }
            collect(name, value, &mut texts)?;
        }
    }
    for name in configured_claims {
        if let Some(value) = claims.payload.get(name) {
            collect(name, value, &mut texts)?;
        }
    }
    Ok(Scopes::Texts(texts))
}

/// A string holds any number of scopes, an array one an element. An element that cannot be a scope spoils `scope` and
/// `scp`, which are for scopes alone. Other claims that were named (`roles`) may hold other things: there it does not
/// count.
fn collect(name: &str, value: Value<'_>, texts: &mut Vec<Kept>) -> Result<()> {
    let wrong =
        |problem: &str| Error::new(Code::Claim, format!("the claim {} {problem}", quoted(name)));
    if let Some(text) = value.keep() {
        texts.push(text);
        return Ok(());
    }
    let items = value.items().ok_or_else(|| wrong("is neither a string nor a list of strings"))?;
    for item in items {
        let scope = item.as_str().ok_or_else(|| wrong("lists something that is not a string"))?;
        if scope.is_empty() || scope.contains(' ') {
            if ["scope", "scp"].contains(&name) {
                return Err(wrong("lists a scope that is empty or contains a space"));
            }
            continue;
        }
        texts.extend(item.keep());
    }
    Ok(())
}

/// Refuses a token that lacks any of the required scopes, or all of a group of alternatives, naming
/// everything that is missing.
pub(crate) fn require<'g, 's>(
    granted: impl Iterator<Item = &'g str> + Clone,
    required: impl Iterator<Item = &'s String>,
    alternatives: &'s [Vec<String>],
    config: &Config,
) -> Result<()> {
    let lacks = |scope: &&String| !has(granted.clone(), scope, &config.scope_hierarchy);
    let missing = required.filter(lacks).map(String::as_str).collect::<Vec<_>>();
    let unmet = alternatives.iter().filter(|group| group.iter().all(|scope| lacks(&scope)));
    let unmet = unmet.map(|group| group.iter().map(String::as_str).collect()).collect::<Vec<_>>();
    if missing.is_empty() && unmet.is_empty() {
        return Ok(());
    }
    Err(insufficient(&missing, &unmet, config))
}

/// Whether every missing scope can be had by a login decides what the client is told. If one cannot, another login
/// ends where this one did, and a client that is told `insufficient_scope` logs in for ever.
#[cold]
fn insufficient(missing: &[&str], unmet: &[Vec<&str>], config: &Config) -> Error {
    let (scopes, permissions): (Vec<&str>, Vec<&str>) =
        missing.iter().partition(|scope| config.is_granted_by_login(scope));
    let noun = config.permission_noun();
    let beyond_login = |group: &&Vec<&str>| !group.iter().any(|it| config.is_granted_by_login(it));
    let lacks = [lacking("scope", &scopes), lacking(noun, &permissions)].into_iter().flatten();
    let lacks = lacks.chain(
        unmet.iter().map(|group| format!("every one of {}, of which one is needed", joined(group))),
    );
    let reason = format!("the token lacks {}", lacks.collect::<Vec<_>>().join("; and "));
    let error = Error::new(Code::Scope, shortened(reason, SENTENCE_LIMIT));
    if !permissions.is_empty() || unmet.iter().any(|group| beyond_login(&group)) {
        let claims = config.scope_claims.iter().map(|name| printable(name)).collect::<Vec<_>>();
        let claims = shortened(claims.join(" "), 60);
        return error.beyond_login().with_hint(format!(
            "another login does not help: an administrator must grant the {noun} to the user's role in the WorkOS dashboard; it is read from {claims} ({})",
            config.called("scope_claims")
        ));
    }
    let all = Some(joined(&scopes)).filter(|all| !all.is_empty());
    let any = unmet.iter().map(|group| format!("one of {}", joined(group)));
    let asks = all.into_iter().chain(any).collect::<Vec<_>>().join(" and ");
    error.with_hint(format!(
        "let the client ask for {} when it authorizes; if AuthKit grants no such scope, take it out of {} or of the host's demands",
        shortened(asks, ASKS_LIMIT),
        config.called("required_scopes")
    ))
}

/// How long the list of scopes in a hint gets, in characters.
const ASKS_LIMIT: usize = 100;

fn lacking(noun: &str, names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("the {noun} {}", printable(name))),
        _ => Some(format!("the {noun}s {}", joined(names))),
    }
}

fn joined(names: &[&str]) -> String {
    names.iter().map(|name| printable(name)).collect::<Vec<_>>().join(" ")
}

/// A list that ends at a word, with the sign that there is more: a name that is cut is another name.
fn shortened(text: String, limit: usize) -> String {
    const MORE: &str = " and more";
    if text.chars().count() <= limit {
        return text;
    }
    let end = text.char_indices().map(|(at, _)| at).nth(limit - MORE.len()).unwrap_or(text.len());
    let whole = text.get(..=end).unwrap_or(&text);
    let whole = whole.rsplit_once(' ').map_or(whole, |(whole, _)| whole);
    format!("{whole}{MORE}")
}

fn has<'g>(
    mut granted: impl Iterator<Item = &'g str>,
    wanted: &str,
    hierarchy: &BTreeMap<String, BTreeSet<String>>,
) -> bool {
    granted.any(|scope| {
        scope == wanted || hierarchy.get(scope).is_some_and(|included| included.contains(wanted))
    })
}
