//! The server's own metadata (RFC 9728): at the path and at the root, its members, and what it hands on.

use std::collections::BTreeSet;

use super::authorization_server::tls_seen;
use super::checks::*;
use super::document::{Document, is_json, shown, status};
use super::http::{Answer, Trouble};
use super::probe::ORIGIN;
use super::{Context, address, clock};
use crate::text::quoted;

const SUFFIX: &str = "oauth-protected-resource";
const FORWARDED: &str = "oauth-authorization-server";

/// The metadata as a client finds it.
pub(crate) struct Metadata {
    pub(crate) path_url: String,
    pub(crate) root_url: String,
    at_path: Option<Document>,
    at_root: Option<Document>,
}

impl Metadata {
    /// The document that was found at this address.
    pub(crate) fn at(&self, url: &str) -> Option<&Document> {
        match url {
            _ if url == self.path_url => self.at_path.as_ref(),
            _ if url == self.root_url => self.at_root.as_ref(),
            _ => None,
        }
    }

    /// Which of these scopes the metadata does not name.
    pub(crate) fn unnamed(&self, demanded: &BTreeSet<String>) -> Vec<String> {
        let named = self.found().and_then(|document| document.list("scopes_supported"));
        let named = named.unwrap_or_default();
        demanded.iter().filter(|scope| !named.contains(&scope.as_str())).cloned().collect()
    }

    /// What a client goes by: the path's, else the root's.
    pub(crate) fn found(&self) -> Option<&Document> {
        self.at_path.as_ref().or(self.at_root.as_ref())
    }
}

pub(crate) fn examine(context: &mut Context<'_>) -> Metadata {
    let path_url = address::well_known(context.resource, SUFFIX);
    let root_url = address::well_known_root(context.resource, SUFFIX);
    let mut metadata = Metadata { path_url, root_url, at_path: None, at_root: None };
    let Some(at_path) = reach(context, &metadata.path_url) else { return metadata };
    let at_root = context.client.get(&metadata.root_url, &[("origin", ORIGIN)]);
    metadata.at_path = Document::of(&at_path).ok();
    metadata.at_root = at_root.as_ref().ok().and_then(|answer| Document::of(answer).ok());
    judge_places(context, &metadata, &at_path, &at_root);
    let answer = if metadata.at_path.is_some() { Some(&at_path) } else { at_root.as_ref().ok() };
    match (metadata.found(), answer) {
        (Some(document), Some(answer)) => judge_document(context, document, answer),
        _ => {
            context.report.skip(&CORS_METADATA, "there is no document");
        }
    }
    examine_forwarding(context);
    context.report.skip_rest("prm", "there is no document");
    metadata
}

fn reach(context: &mut Context<'_>, url: &str) -> Option<Answer> {
    let trouble = match context.client.get(url, &[("origin", ORIGIN)]) {
        Ok(answer) => {
            context.report.pass(&PRM_REACHABLE, tls_seen(context.resource));
            clock::judge(context.report, &CLOCK_SERVER, &answer, context.setup.leeway);
            return Some(answer);
        }
        Err(trouble) => trouble,
    };
    let seen = format!("no answer: {}", quoted(trouble.text()));
    match &trouble {
        Trouble::Unreachable(_) => context.report.unreachable(&PRM_REACHABLE, seen),
        Trouble::Tls(_) => context.report.miss(&PRM_REACHABLE, seen),
        Trouble::NotAsked(text) => context.report.skip(&PRM_REACHABLE, text.as_str()),
    }
    context.report.skip_rest("prm", "the server could not be asked");
    None
}

fn judge_places(
    context: &mut Context<'_>,
    metadata: &Metadata,
    at_path: &Answer,
    at_root: &Result<Answer, Trouble>,
) {
    let told = |answer: &Answer| Document::of(answer).err().unwrap_or_else(|| status(answer));
    let seen = format!("{} {}", metadata.path_url, told(at_path));
    context.report.judge(&PRM_PATH, metadata.at_path.is_some(), seen);
    let root = match at_root {
        Ok(answer) => told(answer),
        Err(trouble) => quoted(trouble.text()),
    };
    match (&metadata.at_path, &metadata.at_root) {
        (Some(path), Some(root)) if !path.is_same_as(root) => {
            context.report.wrong(&PRM_ROOT, "another document than at the path");
        }
        (_, document) => {
            let seen = format!("{} {root}", metadata.root_url);
            context.report.judge(&PRM_ROOT, document.is_some(), seen);
        }
    }
}

fn judge_document(context: &mut Context<'_>, document: &Document, answer: &Answer) {
    let content_type = answer.header("content-type").unwrap_or_default();
    context.report.judge(&PRM_CONTENT_TYPE, is_json(answer), quoted(&content_type));
    judge_resource(context, document);
    judge_authorization_servers(context, document);
    judge_scopes(context, document);
    let name = "bearer_methods_supported";
    match (document.has(name), document.list(name)) {
        (false, _) => context.report.miss(&PRM_BEARER_METHODS, "it is missing"),
        (true, Some(methods)) if methods == ["header"] => {
            context.report.pass(&PRM_BEARER_METHODS, "header alone");
        }
        (true, methods) => {
            let seen = quoted(&methods.unwrap_or_default().join(" "));
            context.report.wrong(&PRM_BEARER_METHODS, seen);
        }
    }
    let cache = answer.header("cache-control");
    let seen = cache.as_deref().map_or("there is none".to_owned(), quoted);
    context.report.judge(&PRM_CACHE, cache.is_some(), seen);
    judge_cors(context, &CORS_METADATA, answer);
}

fn judge_resource(context: &mut Context<'_>, document: &Document) {
    let resource = document.text("resource");
    let is_slash = resource.is_some_and(|text| text.strip_suffix('/') == Some(context.resource));
    let slash = if is_slash { ", with a stray slash" } else { "" };
    let seen = format!("{}{slash}", shown(document, "resource"));
    context.report.judge(&PRM_RESOURCE, resource == Some(context.resource), seen);
}

fn judge_authorization_servers(context: &mut Context<'_>, document: &Document) {
    let name = "authorization_servers";
    let servers = document.list(name).unwrap_or_default();
    let seen = format!("{name}: {}", quoted(&servers.join(" ")));
    context.report.judge(&PRM_AUTHORIZATION_SERVERS, !servers.is_empty(), seen.as_str());
    if servers.is_empty() {
        return context.report.skip(&PRM_ISSUER, "there is none");
    }
    let known = |server: &&str| context.setup.issuers.iter().any(|(issuer, _)| issuer == server);
    let fits = servers.iter().all(known);
    context.report.judge(&PRM_ISSUER, fits, seen);
}

fn judge_scopes(context: &mut Context<'_>, document: &Document) {
    let scopes = document.list("scopes_supported").unwrap_or_default();
    let seen = format!("scopes_supported: {}", quoted(&scopes.join(" ")));
    if scopes.is_empty() && context.setup.required_scopes.is_empty() {
        let why = "no required_scopes are configured here, and there may be none to name";
        context.report.skip(&PRM_SCOPES, why);
    } else {
        context.report.judge(&PRM_SCOPES, !scopes.is_empty(), seen.as_str());
    }
    context.report.judge(&PRM_OFFLINE_ACCESS, !scopes.contains(&"offline_access"), seen);
}

/// Older clients take the server for the authorization server and look here.
fn examine_forwarding(context: &mut Context<'_>) {
    let url = address::well_known_root(context.resource, FORWARDED);
    if context.issuer == address::split(context.resource).0 {
        context.report.skip(&PRM_AS_METADATA, "the server is the authorization server itself");
        return context.report.skip(&CORS_AS_METADATA, "it is not handed on");
    }
    let answer = match context.client.get(&url, &[("origin", ORIGIN)]) {
        Ok(answer) => answer,
        Err(trouble) => return context.report.skip(&PRM_AS_METADATA, quoted(trouble.text())),
    };
    match Document::of(&answer) {
        Err(what) => {
            context.report.miss(&PRM_AS_METADATA, format!("{url} {what}"));
            context.report.skip(&CORS_AS_METADATA, "it is not handed on");
        }
        Ok(document) => {
            // A client that asked here goes by this issuer: another one sends its users elsewhere.
            let seen = shown(&document, "issuer");
            match document.text("issuer") == Some(context.issuer) {
                true => context.report.pass(&PRM_AS_METADATA, seen),
                false => context.report.wrong(&PRM_AS_METADATA, seen),
            }
            judge_cors(context, &CORS_AS_METADATA, &answer);
        }
    }
}

fn judge_cors(context: &mut Context<'_>, check: &'static Check, answer: &Answer) {
    let (allowed, seen) = super::browser::allowed_origin(answer);
    context.report.judge(check, allowed, seen);
}
