//! The authorization server: its metadata in both forms, and its keys as the library sees them.

use authkit::{DroppedKey, IssuerStats, KeyInfo, Verifier};

use super::checks::*;
use super::document::{Document, shown, status};
use super::http::{Answer, Trouble};
use super::{Context, address, clock};
use crate::text::quoted;

/// Where a browser or a client looks, in this order (MCP authorization server discovery).
const FORMS: [&str; 2] = ["oauth-authorization-server", "openid-configuration"];
/// Most keys that are listed by name.
const LISTED_KEYS: usize = 8;

/// What became of one address of the metadata.
struct Form {
    url: String,
    answer: Result<Answer, Trouble>,
}

pub(crate) fn examine(context: &mut Context<'_>) {
    let forms: Vec<Form> =
        addresses(context.issuer).into_iter().map(|url| ask(context, url)).collect();
    if !reached(context, &forms) {
        context.report.skip_rest("as", "the metadata could not be had");
        return;
    }
    if let Some(answer) = forms.iter().find_map(|form| form.answer.as_ref().ok()) {
        clock::judge(context.report, &CLOCK_AUTHORIZATION_SERVER, answer, context.setup.leeway);
    }
    let documents: Vec<(&str, Document)> = forms
        .iter()
        .filter_map(|form| {
            Some((form.url.as_str(), Document::of(form.answer.as_ref().ok()?).ok()?))
        })
        .collect();
    judge_forms(context, &forms, &documents);
    if let Some((_, document)) = documents.first() {
        judge_metadata(context, document);
    }
}

fn addresses(issuer: &str) -> Vec<String> {
    let mut addresses: Vec<String> =
        FORMS.iter().map(|form| address::well_known(issuer, form)).collect();
    let appended = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    if !addresses.contains(&appended) {
        addresses.push(appended);
    }
    addresses
}

fn ask(context: &Context<'_>, url: String) -> Form {
    let answer = context.client.get(&url, &[]);
    Form { url, answer }
}

/// Whether anybody answered, and with a certificate that is good.
fn reached(context: &mut Context<'_>, forms: &[Form]) -> bool {
    if forms.iter().any(|form| form.answer.is_ok()) {
        context.report.pass(&AS_TLS, tls_seen(context.issuer));
        return true;
    }
    match forms.first().map(|form| &form.answer) {
        Some(Err(Trouble::Tls(text))) => {
            context.report.miss(&AS_TLS, format!("refused: {}", quoted(text)));
            context
                .report
                .skip(&AS_REACHABLE, "nothing is read over a connection that is not safe");
        }
        Some(Err(Trouble::NotAsked(text))) => context.report.skip(&AS_REACHABLE, text.as_str()),
        Some(Err(Trouble::Unreachable(text))) => {
            context.report.unreachable(&AS_REACHABLE, format!("no answer: {}", quoted(text)));
        }
        _ => {}
    }
    false
}

pub(crate) fn tls_seen(url: &str) -> &'static str {
    if url.starts_with("https:") {
        "the certificate is valid"
    } else {
        "plain http on this machine"
    }
}

fn judge_forms(context: &mut Context<'_>, forms: &[Form], documents: &[(&str, Document)]) {
    let said: Vec<String> =
        forms.iter().map(|form| format!("{} {}", form.url, outcome(form))).collect();
    context.report.judge(&AS_REACHABLE, !documents.is_empty(), said.join("; "));
    if documents.is_empty() {
        context.report.skip_rest("as", "there is no metadata");
        return;
    }
    if let Some(first) = forms.first() {
        let found = documents.iter().any(|(url, _)| *url == first.url);
        context.report.judge(
            &AS_OAUTH_METADATA,
            found,
            format!("{} {}", first.url, outcome(first)),
        );
    }
    let others: Vec<String> = documents
        .iter()
        .filter(|(_, document)| document.text("issuer") != Some(context.issuer))
        .map(|(url, document)| format!("at {url} {}", shown(document, "issuer")))
        .collect();
    let seen = if others.is_empty() {
        format!("{} in each", quoted(context.issuer))
    } else {
        others.join("; ")
    };
    context.report.judge(&AS_ISSUER, others.is_empty(), seen);
}

fn outcome(form: &Form) -> String {
    match &form.answer {
        Err(trouble) => quoted(trouble.text()),
        Ok(answer) => Document::of(answer).err().unwrap_or_else(|| status(answer)),
    }
}

fn judge_metadata(context: &mut Context<'_>, document: &Document) {
    match context.jwks_url {
        Some(url) => {
            let fits = document.text("jwks_uri") == Some(url);
            context.report.judge(&AS_JWKS_URI, fits, shown(document, "jwks_uri"));
        }
        None => context.report.skip(&AS_JWKS_URI, "the keys are given, not fetched"),
    }
    let endpoints = ["authorization_endpoint", "token_endpoint"];
    let missing: Vec<String> = endpoints
        .iter()
        .filter(|name| !document.text(name).is_some_and(|url| context.is_secure(url)))
        .map(|name| shown(document, name))
        .collect();
    let seen = if missing.is_empty() { "both are there".to_owned() } else { missing.join("; ") };
    context.report.judge(&AS_ENDPOINTS, missing.is_empty(), seen);
    let methods = document.list("code_challenge_methods_supported").unwrap_or_default();
    let seen = format!("code_challenge_methods_supported: {}", quoted(&methods.join(" ")));
    context.report.judge(&AS_PKCE, methods.contains(&"S256"), seen);
    judge_registration(context, document);
    let name = "authorization_response_iss_parameter_supported";
    let announced = document.is_true(name);
    context.report.judge(&AS_ISS_PARAMETER, announced, flag(name, announced));
}

fn judge_registration(context: &mut Context<'_>, document: &Document) {
    let name = "client_id_metadata_document_supported";
    let (by_document, by_request) = (document.is_true(name), document.has("registration_endpoint"));
    let alone = if by_document || by_request {
        ""
    } else {
        "; nor is there a registration_endpoint: only clients that you register yourself can log in"
    };
    context.report.judge(&AS_CIMD, by_document, format!("{}{alone}", flag(name, by_document)));
    context.report.judge(&AS_DCR, by_request, shown(document, "registration_endpoint"));
}

fn flag(name: &str, is_set: bool) -> String {
    if is_set { format!("{name} is true") } else { format!("{name} is not true") }
}

/// The keys: fetched once to be looked at, and once by the library, whose word counts.
pub(crate) fn examine_keys(context: &mut Context<'_>, verifier: &Verifier) {
    let Some(url) = context.jwks_url else {
        context.report.skip_rest("jwks", "the keys are given, not fetched");
        return;
    };
    let answer = match context.client.get(url, &[]) {
        Ok(answer) => answer,
        Err(trouble) => return unreached(context, &trouble),
    };
    context.report.judge(
        &JWKS_REACHABLE,
        answer.status == 200,
        format!("{url} {}", status(&answer)),
    );
    let cache = answer.header("cache-control");
    let seen = cache.as_deref().map_or("there is none".to_owned(), quoted);
    context.report.judge(&JWKS_CACHE, cache.is_some(), seen);
    match verifier.refresh() {
        Ok(()) => context.report.pass(&JWKS_USABLE, "the library took it"),
        Err(error) => context.report.miss(&JWKS_USABLE, error.reason()),
    }
    let stats = verifier.stats().issuers.into_iter().find(|stats| stats.issuer == context.issuer);
    match stats.filter(|stats| !stats.keys.is_empty()) {
        Some(stats) => judge_keys(context, &stats),
        None => context.report.skip_rest("jwks", "the library has no keys from it"),
    }
}

fn unreached(context: &mut Context<'_>, trouble: &Trouble) {
    let seen = format!("no answer: {}", quoted(trouble.text()));
    match trouble {
        Trouble::Unreachable(_) => context.report.unreachable(&JWKS_REACHABLE, seen),
        Trouble::Tls(_) => context.report.miss(&JWKS_REACHABLE, seen),
        Trouble::NotAsked(text) => context.report.skip(&JWKS_REACHABLE, text.as_str()),
    }
    context.report.skip_rest("jwks", "the keys could not be had");
}

fn judge_keys(context: &mut Context<'_>, IssuerStats { keys, dropped, .. }: &IssuerStats) {
    let admitted: Vec<String> = keys.iter().take(LISTED_KEYS).map(admitted).collect();
    let total = keys.len() + dropped.len();
    let mut seen = format!("{} of {total} admitted: {}", keys.len(), admitted.join(", "));
    for key in dropped.iter().take(LISTED_KEYS) {
        seen.push_str(&dropped_line(key));
    }
    context.report.judge(&JWKS_ADMISSION, dropped.is_empty(), seen);
    let mut ids: Vec<&str> = keys.iter().filter_map(|key| key.kid.as_deref()).collect();
    ids.sort_unstable();
    ids.dedup();
    let seen = format!("{} ids for {} keys", ids.len(), keys.len());
    context.report.judge(&JWKS_KEY_IDS, ids.len() == keys.len(), seen);
    context.key_id = keys.iter().find_map(|key| key.kid.clone());
}

fn admitted(KeyInfo { kid, alg }: &KeyInfo) -> String {
    format!("{} {alg}", key_name(kid.as_deref()))
}

fn dropped_line(key: &DroppedKey) -> String {
    format!("; dropped {} {}: {}", key.index, key_name(key.kid.as_deref()), key.reason)
}

fn key_name(kid: Option<&str>) -> String {
    kid.map_or("(no kid)".to_owned(), quoted)
}
