//! Scopes: where they stand in a token, how they are split, and which include which.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Code, Error, Result, quoted};

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
    hierarchy: &BTreeMap<String, BTreeSet<String>>,
) -> Result<()> {
    let lacks = |scope: &&String| !has(granted.clone(), scope, hierarchy);
    let missing = required.filter(lacks).collect::<Vec<_>>();
    let unmet = alternatives.iter().filter(|group| group.iter().all(|scope| lacks(&scope)));
    let unmet = unmet.map(|group| group.join(" ")).collect::<Vec<_>>();
    if missing.is_empty() && unmet.is_empty() {
        return Ok(());
    }
    Err(insufficient(&missing, &unmet))
}

fn insufficient(missing: &[&String], unmet: &[String]) -> Error {
    let (mut lacks, mut asks) = (Vec::new(), Vec::new());
    if !missing.is_empty() {
        let list = missing.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        let noun = if missing.len() == 1 { "the scope" } else { "the scopes" };
        lacks.push(format!("{noun} {list}"));
        asks.push(list);
    }
    lacks.extend(unmet.iter().map(|group| format!("every one of {group}, of which one is needed")));
    asks.extend(unmet.iter().map(|group| format!("one of {group}")));
    Error::new(Code::Scope, format!("the token lacks {}", lacks.join("; and ")))
        .with_hint(format!("let the client ask for {} when it authorizes", asks.join(" and ")))
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
