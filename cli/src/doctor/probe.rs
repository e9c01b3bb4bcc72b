//! What the MCP endpoint answers to no token, to a bad one, and to what is no credentials at all.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::challenge::{self, Challenge, Violation};
use super::checks::*;
use super::document::{Document, shown, status};
use super::http::{Answer, Request, Trouble};
use super::metadata::Metadata;
use super::{Context, address};
use crate::text::quoted;

/// A page that tests MCP servers in a browser: the MCP inspector's.
pub(crate) const ORIGIN: &str = "http://localhost:6274";

/// The first message of an MCP client. Version and all may be refused: only the credentials matter.
pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"authkit-doctor","version":"1"}}}"#;

/// Longer than any token, shorter than the header limit of common servers.
const LONG_TOKEN: usize = 12 * 1024;
/// Plainly no token; nobody's secret.
const GARBAGE: &str = "authkit-doctor.sends.garbage";
/// How long a forged token claims to be good, in seconds.
const FORGED_LIFETIME: u64 = 300;

/// A request by what it was, and what came of it.
struct Probe {
    what: &'static str,
    answer: Result<Answer, Trouble>,
}

/// An answer's `Bearer` challenge.
enum Found {
    Absent,
    /// There, but not to be read.
    Broken,
    Bearer(Challenge),
}

/// All that the endpoint was asked.
struct Probes {
    none: Answer,
    other_methods: Vec<Probe>,
    garbage: Probe,
    lower_case: Probe,
    query: Probe,
    malformed: Vec<Probe>,
    forged: Vec<Probe>,
    hostile: Vec<Probe>,
}

/// Tells whether the endpoint answered at all: one that is silent is not asked again.
pub(crate) fn examine(
    context: &mut Context<'_>,
    metadata: &Metadata,
    first: Result<Answer, Trouble>,
) -> bool {
    let Some(none) = reach(context, first) else { return false };
    let is_endpoint = !(300..400).contains(&none.status) && none.status != 404;
    context.report.judge(&CHALLENGE_STATUS, none.status == 401, status(&none));
    if !is_endpoint {
        context.report.skip_rest("challenge", "this is not the MCP endpoint");
        return true;
    }
    let probes = Probes::send(context, none);
    probes.judge_methods(context);
    probes.judge_form(context);
    probes.judge_no_token(context, metadata);
    probes.judge_resource_metadata(context, metadata);
    probes.judge_scopes_named(context, metadata);
    probes.judge_bad_tokens(context);
    probes.judge_other_credentials(context);
    probes.judge_failures(context);
    true
}

/// A client's first request, without a token. An endpoint of the older SSE transport takes GET alone: its 405
/// to a POST is no missing challenge, and every later request is a GET.
pub(crate) fn knock(context: &mut Context<'_>) -> Result<Answer, Trouble> {
    let posted = post(context, None, "")?;
    if posted.status != 405 {
        return Ok(posted);
    }
    match ask(context, "GET", None, "") {
        Ok(got) if got.status != 405 => {
            context.method = "GET";
            Ok(got)
        }
        _ => Ok(posted),
    }
}

fn reach(context: &mut Context<'_>, first: Result<Answer, Trouble>) -> Option<Answer> {
    let trouble = match first {
        Ok(answer) => {
            context.report.pass(&CHALLENGE_REACHABLE, status(&answer));
            return Some(answer);
        }
        Err(trouble) => trouble,
    };
    let seen = format!("no answer: {}", quoted(trouble.text()));
    match &trouble {
        Trouble::Unreachable(_) => context.report.unreachable(&CHALLENGE_REACHABLE, seen),
        Trouble::Tls(_) => context.report.miss(&CHALLENGE_REACHABLE, seen),
        Trouble::NotAsked(text) => context.report.skip(&CHALLENGE_REACHABLE, text.as_str()),
    }
    context.report.skip_rest("challenge", "the endpoint could not be asked");
    None
}

/// A first message to the endpoint, with these credentials.
pub(crate) fn post(
    context: &Context<'_>,
    authorization: Option<&[u8]>,
    query: &str,
) -> Result<Answer, Trouble> {
    ask(context, context.method, authorization, query)
}

fn ask(
    context: &Context<'_>,
    method: &str,
    authorization: Option<&[u8]>,
    query: &str,
) -> Result<Answer, Trouble> {
    let value = |text: &str| text.as_bytes().to_vec();
    // Without Origin: a server may keep out all but its own (MCP transports, Security Warning).
    let mut headers = vec![("accept", value("application/json, text/event-stream"))];
    headers.extend(authorization.map(|credentials| ("authorization", credentials.to_vec())));
    let body = (method == "POST").then_some(INITIALIZE);
    headers.extend(body.map(|_| ("content-type", value("application/json"))));
    let url = format!("{}{query}", context.resource);
    context.client.send(&Request { method, url: &url, headers, body, wants_body: false })
}

impl Probes {
    fn send(context: &Context<'_>, none: Answer) -> Self {
        let probe =
            |what, credentials: &[u8]| Probe { what, answer: post(context, Some(credentials), "") };
        let method = |what| Probe { what, answer: ask(context, what, None, "") };
        let garbage = format!("Bearer {GARBAGE}");
        let two = format!("Bearer {GARBAGE}, Bearer {GARBAGE}");
        let long = format!("Bearer {}", "a".repeat(LONG_TOKEN));
        Self {
            none,
            other_methods: match context.is_sse() {
                true => vec![method("POST"), method("DELETE"), messages(context)],
                false => vec![method("GET"), method("DELETE")],
            },
            garbage: probe("a token of garbage", garbage.as_bytes()),
            lower_case: probe("bearer in lower case", format!("bearer {GARBAGE}").as_bytes()),
            query: Probe {
                what: "a token in the query",
                answer: post(context, None, &format!("?access_token={GARBAGE}")),
            },
            malformed: vec![
                probe("Bearer without a token", b"Bearer"),
                probe("Bearer with two words", b"Bearer two words"),
                probe("two credentials", two.as_bytes()),
            ],
            forged: forged(context)
                .iter()
                .map(|(what, token)| probe(what, format!("Bearer {token}").as_bytes()))
                .collect(),
            hostile: vec![
                probe("another scheme", b"Basic YXV0aGtpdDpkb2N0b3I="),
                probe("quotes and a backslash", b"Bearer \"\\\"'<>{}"),
                probe("a very long token", long.as_bytes()),
            ],
        }
    }

    fn all(&self) -> impl Iterator<Item = &Probe> {
        let one = [&self.garbage, &self.lower_case, &self.query];
        let lists = [&self.other_methods, &self.malformed, &self.forged, &self.hostile];
        one.into_iter().chain(lists.into_iter().flatten())
    }

    /// Every answer that there was, with what it was an answer to.
    fn answers(&self) -> impl Iterator<Item = (&'static str, &Answer)> {
        let others = self.all().filter_map(|probe| Some((probe.what, probe.answer.as_ref().ok()?)));
        [("no token", &self.none)].into_iter().chain(others)
    }

    fn judge_methods(&self, context: &mut Context<'_>) {
        let served = |probe: &&Probe| probe.answer.as_ref().is_ok_and(Answer::is_success);
        let holds = !self.other_methods.iter().any(|probe| served(&probe));
        context.report.judge(&CHALLENGE_EVERY_REQUEST, holds, told(&self.other_methods));
    }

    fn judge_form(&self, context: &mut Context<'_>) {
        let refusals: Vec<_> = self.answers().filter(|(_, answer)| answer.status == 401).collect();
        if refusals.is_empty() {
            context.report.skip(&CHALLENGE_BEARER, "no answer was a 401");
        } else {
            let without =
                refusals.iter().find(|(_, answer)| matches!(bearer(answer), Found::Absent));
            let seen = without.map_or_else(
                || format!("in each of {} answers", refusals.len()),
                |(what, answer)| format!("to {what}: {}", www_authenticate(answer)),
            );
            context.report.judge(&CHALLENGE_BEARER, without.is_none(), seen);
        }
        self.judge_syntax(context);
        let asks = |answer: &Answer| scopes(answer).iter().any(|scope| scope == "offline_access");
        let asking = self.answers().find(|(_, answer)| asks(answer));
        let seen = asking
            .map_or("no challenge does".to_owned(), |(what, _)| format!("the one to {what} does"));
        context.report.judge(&CHALLENGE_OFFLINE_ACCESS, asking.is_none(), seen);
    }

    fn judge_syntax(&self, context: &mut Context<'_>) {
        let read: Vec<_> = self
            .answers()
            .filter_map(|(what, answer)| {
                Some((what, answer, strict(&answer.header("www-authenticate")?)))
            })
            .collect();
        let broken = read.iter().find_map(|(what, answer, read)| {
            let violation = read.as_ref().err()?;
            Some(format!("to {what}: {violation}: {}", www_authenticate(answer)))
        });
        match broken {
            Some(seen) => context.report.miss(&CHALLENGE_SYNTAX, seen),
            None if read.is_empty() => {
                context.report.skip(&CHALLENGE_SYNTAX, "there was no challenge")
            }
            None => {
                context.report.pass(&CHALLENGE_SYNTAX, format!("{} challenges read", read.len()))
            }
        }
    }

    fn judge_no_token(&self, context: &mut Context<'_>, metadata: &Metadata) {
        let challenge = match bearer(&self.none) {
            Found::Bearer(challenge) => challenge,
            Found::Absent | Found::Broken => {
                let why = "there is no challenge to be read";
                context.report.skip(&CHALLENGE_NO_ERROR, why);
                return context.report.skip(&CHALLENGE_SCOPE, why);
            }
        };
        let error = challenge.get("error");
        let seen =
            error.map_or("none is named".to_owned(), |error| format!("error is {}", quoted(error)));
        context.report.judge(&CHALLENGE_NO_ERROR, error.is_none(), seen);
        let required = context.setup.required_scopes;
        let announced = metadata.found().is_some_and(|document| document.has("scopes_supported"));
        match challenge.get("scope") {
            None if required.is_empty() && !announced => {
                let why = "no required_scopes are configured here, and there may be none to name";
                context.report.skip(&CHALLENGE_SCOPE, why);
            }
            None => context.report.miss(&CHALLENGE_SCOPE, www_authenticate(&self.none)),
            Some(scope) => {
                let named: BTreeSet<&str> = scope.split(' ').collect();
                let all = required.iter().all(|scope| named.contains(scope.as_str()));
                context.report.judge(&CHALLENGE_SCOPE, all, format!("scope is {}", quoted(scope)));
            }
        }
    }

    fn judge_resource_metadata(&self, context: &mut Context<'_>, metadata: &Metadata) {
        let mut urls = BTreeSet::new();
        let mut without = None;
        let challenged =
            [("no token", Ok(&self.none)), (self.garbage.what, self.garbage.answer.as_ref())];
        for (what, answer) in challenged {
            let Ok(answer) = answer else { continue };
            match bearer(answer) {
                Found::Bearer(challenge) => match challenge.get("resource_metadata") {
                    Some(url) => drop(urls.insert(url.to_owned())),
                    None => without = without.or(Some((what, answer))),
                },
                Found::Absent | Found::Broken => without = without.or(Some((what, answer))),
            }
        }
        let seen = match without {
            Some((what, answer)) => format!("to {what}: {}", www_authenticate(answer)),
            None => quoted(&urls.iter().cloned().collect::<Vec<_>>().join(" ")),
        };
        context.report.judge(&CHALLENGE_RESOURCE_METADATA, without.is_none(), seen);
        let outcomes: Vec<_> = urls.iter().map(|url| follow(context, metadata, url)).collect();
        let found = metadata.found().is_some() || outcomes.iter().any(Result::is_ok);
        let seen =
            if found { "the metadata can be found" } else { "the metadata is nowhere to be found" };
        context.report.judge(&CHALLENGE_DISCOVERABLE, found, seen);
        match outcomes.into_iter().collect::<Result<Vec<_>, _>>() {
            Err(wrong) => context.report.miss(&CHALLENGE_RESOURCE_METADATA_URL, wrong),
            Ok(good) if good.is_empty() => {
                context.report.skip(&CHALLENGE_RESOURCE_METADATA_URL, "no challenge has one");
            }
            Ok(good) => context.report.pass(&CHALLENGE_RESOURCE_METADATA_URL, good.join("; ")),
        }
    }

    /// A client asks for what the metadata names: a scope that only a refusal names, it asks for too late.
    fn judge_scopes_named(&self, context: &mut Context<'_>, metadata: &Metadata) {
        let demanded: BTreeSet<String> =
            self.answers().flat_map(|(_, answer)| scopes(answer)).collect();
        if demanded.is_empty() {
            return context.report.skip(&CHALLENGE_SCOPES_SUPPORTED, "no challenge names a scope");
        }
        let missing = metadata.unnamed(&demanded);
        let seen = match missing.as_slice() {
            [] => {
                format!("each of {}", quoted(&demanded.into_iter().collect::<Vec<_>>().join(" ")))
            }
            missing => format!("not in scopes_supported: {}", quoted(&missing.join(" "))),
        };
        context.report.judge(&CHALLENGE_SCOPES_SUPPORTED, missing.is_empty(), seen);
    }

    fn judge_bad_tokens(&self, context: &mut Context<'_>) {
        let answer = match &self.garbage.answer {
            Ok(answer) => answer,
            Err(trouble) => {
                for check in [&CHALLENGE_BAD_TOKEN, &CHALLENGE_ERROR_CODE, &CHALLENGE_SCHEME_CASE] {
                    context.report.skip(check, quoted(trouble.text()));
                }
                return;
            }
        };
        context.report.judge(&CHALLENGE_BAD_TOKEN, answer.status == 401, status(answer));
        let error = error(answer);
        let fits = error.as_deref() == Some("invalid_token");
        context.report.judge(&CHALLENGE_ERROR_CODE, fits, www_authenticate(answer));
        match &self.lower_case.answer {
            Ok(lower) => {
                let same = lower.status == answer.status && self::error(lower) == error;
                context.report.judge(
                    &CHALLENGE_SCHEME_CASE,
                    same,
                    told(std::slice::from_ref(&self.lower_case)),
                );
            }
            Err(trouble) => context.report.skip(&CHALLENGE_SCHEME_CASE, quoted(trouble.text())),
        }
    }

    fn judge_other_credentials(&self, context: &mut Context<'_>) {
        let is = |probe: &Probe, expected| {
            probe.answer.as_ref().is_ok_and(|answer| answer.status == expected)
        };
        let malformed = self.malformed.iter().all(|probe| is(probe, 400));
        context.report.judge(&CHALLENGE_MALFORMED, malformed, told(&self.malformed));
        self.judge_query(context);
        let accepted =
            self.forged.iter().any(|probe| probe.answer.as_ref().is_ok_and(Answer::is_success));
        if !accepted && self.forged.iter().any(|probe| is(probe, 503)) {
            let why = "answered 503: the server cannot get the issuer's keys";
            context.report.skip(&CHALLENGE_FORGED, why);
        } else {
            let refused = self.forged.iter().all(|probe| is(probe, 401));
            context.report.judge(&CHALLENGE_FORGED, refused, told(&self.forged));
        }
    }

    /// No token of worth is put into a URL to find out. A token was looked at where its refusal differs
    /// from the refusal of nothing.
    fn judge_query(&self, context: &mut Context<'_>) {
        match &self.query.answer {
            Err(trouble) => context.report.skip(&CHALLENGE_QUERY, quoted(trouble.text())),
            Ok(answer) => {
                let ignored = answer.status == self.none.status
                    && error(answer) == error(&self.none)
                    && !answer.is_success();
                let seen = match (answer.status, ignored) {
                    (400, _) => "refused with 400".to_owned(),
                    (_, true) => format!("{}, as without a token", status(answer)),
                    (_, false) => format!(
                        "{}, not as without a token: {}",
                        status(answer),
                        www_authenticate(answer)
                    ),
                };
                context.report.judge(&CHALLENGE_QUERY, answer.status == 400 || ignored, seen);
            }
        }
    }

    fn judge_failures(&self, context: &mut Context<'_>) {
        let outage = |probe: &Probe, status| {
            status == 503 && self.forged.iter().any(|p| p.what == probe.what)
        };
        let failed: Vec<&Probe> = self
            .all()
            .filter(|probe| match &probe.answer {
                Ok(answer) => answer.status >= 500 && !outage(probe, answer.status),
                Err(Trouble::Unreachable(_)) => true,
                Err(_) => false,
            })
            .collect();
        if failed.is_empty() && self.none.status < 500 {
            let seen = format!("none of {} requests", self.answers().count());
            return context.report.pass(&CHALLENGE_NO_SERVER_ERROR, seen);
        }
        let none = (self.none.status >= 500).then(|| format!("no token {}", status(&self.none)));
        let lines: Vec<String> = none.into_iter().chain(failed.into_iter().map(line)).collect();
        context.report.miss(&CHALLENGE_NO_SERVER_ERROR, lines.join("; "));
    }
}

/// The other half of the SSE transport, where servers commonly have it.
fn messages(context: &Context<'_>) -> Probe {
    let url = format!("{}/messages/", context.resource.rsplit_once('/').map_or("", |(at, _)| at));
    let headers = vec![("content-type", b"application/json".to_vec())];
    let request =
        Request { method: "POST", url: &url, headers, body: Some(INITIALIZE), wants_body: false };
    Probe { what: "POST to messages/", answer: context.client.send(&request) }
}

/// Where a challenge leads, on this server only: what a stranger's challenge names is not asked.
fn follow(context: &Context<'_>, metadata: &Metadata, url: &str) -> Result<String, String> {
    let (origin, _) = address::split(context.resource);
    if address::split(url).0 != origin {
        return Err(format!("{} is not on this server; not asked", quoted(url)));
    }
    let fetched;
    let document = match metadata.at(url) {
        Some(document) => document,
        None => {
            let answer = context.client.get(url, &[]).map_err(|trouble| quoted(trouble.text()))?;
            fetched = Document::of(&answer).map_err(|what| format!("{} {what}", quoted(url)))?;
            &fetched
        }
    };
    match document.text("resource") == Some(context.resource) {
        true => Ok(format!("{} leads to it", quoted(url))),
        false => Err(format!("{}: {}", quoted(url), shown(document, "resource"))),
    }
}

/// The grammar, and for `Bearer` what its own RFC says.
pub(crate) fn strict(value: &str) -> Result<Vec<Challenge>, Violation> {
    let challenges = challenge::parse(value)?;
    for challenge in challenges.iter().filter(|challenge| challenge.scheme == "bearer") {
        challenge::check_bearer(challenge)?;
    }
    Ok(challenges)
}

fn bearer(answer: &Answer) -> Found {
    let Some(value) = answer.header("www-authenticate") else { return Found::Absent };
    match challenge::parse(&value) {
        Err(_) if value.to_ascii_lowercase().contains("bearer") => Found::Broken,
        Err(_) => Found::Absent,
        Ok(challenges) => challenges
            .into_iter()
            .find(|challenge| challenge.scheme == "bearer")
            .map_or(Found::Absent, Found::Bearer),
    }
}

/// A parameter of the answer's `Bearer` challenge.
pub(crate) fn parameter(answer: &Answer, name: &str) -> Option<String> {
    match bearer(answer) {
        Found::Bearer(challenge) => challenge.get(name).map(str::to_owned),
        Found::Absent | Found::Broken => None,
    }
}

fn error(answer: &Answer) -> Option<String> {
    parameter(answer, "error")
}

pub(crate) fn scopes(answer: &Answer) -> Vec<String> {
    let scope = parameter(answer, "scope").unwrap_or_default();
    scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

pub(crate) fn www_authenticate(answer: &Answer) -> String {
    match answer.header("www-authenticate") {
        Some(value) => format!("WWW-Authenticate {}", quoted(&value)),
        None => format!("{} without WWW-Authenticate", status(answer)),
    }
}

fn line(probe: &Probe) -> String {
    match &probe.answer {
        Ok(answer) => format!("{}: {}", probe.what, status(answer)),
        Err(trouble) => format!("{}: {}", probe.what, quoted(trouble.text())),
    }
}

fn told(probes: &[Probe]) -> String {
    probes.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// Tokens that say all the right things and prove none of them.
fn forged(context: &Context<'_>) -> [(&'static str, String); 2] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let claims = json!({
        "iss": context.issuer, "aud": context.resource, "sub": "user_authkit_doctor",
        "client_id": "client_authkit_doctor", "jti": "authkit-doctor",
        "scope": context.setup.required_scopes.join(" "),
        "iat": now, "exp": now + FORGED_LIFETIME,
    });
    let token = |header: serde_json::Value, signature: &[u8]| {
        let [header, claims, signature] =
            [header.to_string().as_bytes(), claims.to_string().as_bytes(), signature]
                .map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{claims}.{signature}")
    };
    let kid = context.key_id.as_deref().unwrap_or("authkit-doctor");
    [
        ("a token with alg none", token(json!({ "alg": "none" }), b"")),
        (
            "a token with a made-up signature",
            token(json!({ "alg": "RS256", "kid": kid }), &[0x5a; 256]),
        ),
    ]
}
