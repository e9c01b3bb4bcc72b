//! One token: what the library says of it, what to change, and whether the server agrees.

use authkit::{Class, Code, Error, Policy, Verifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::checks::*;
use super::document::status;
use super::http::{Answer, Request, Trouble};
use super::metadata::Metadata;
use super::probe::{INITIALIZE, ORIGIN, parameter, post, scopes, www_authenticate};
use super::report::Cure;
use super::{Context, tools};
use crate::text::quoted;

/// Longest session name that is sent back.
const MAX_SESSION: usize = 200;

pub(crate) fn examine(
    context: &mut Context<'_>,
    verifier: &Verifier,
    token: Option<&[u8]>,
    server: Option<&Metadata>,
) {
    let Some(token) = token else {
        let why = "no token was given (--token-file)";
        context.report.skip(&CORS_SESSION, why);
        return context.report.skip_rest("token", why);
    };
    let verdict = verifier.verify(token, &Policy::new()).map(drop);
    judge_verdict(context, &verdict);
    let Some(metadata) = server else {
        return context.report.skip_rest("token", "the server could not be asked, or is open");
    };
    let answer = post(context, Some(&credentials(token)), "");
    if let Ok(answer) = &answer {
        end_session(context, token, answer);
    }
    judge_server(context, &verdict, &answer);
    judge_signature(context, token);
    if verdict.is_ok() && answer.as_ref().is_ok_and(Answer::is_success) {
        judge_browser(context, token);
        tools::examine(context, metadata, token);
    }
    context.report.skip(&CORS_SESSION, "the server did not take the token");
    context.report.skip(&TOKEN_TOOLS, "the server did not take the token");
    context.report.skip_rest("token", "the token lacks no scope");
}

fn judge_verdict(context: &mut Context<'_>, verdict: &Result<(), Error>) {
    match verdict {
        Ok(()) => context.report.pass(&TOKEN_VERDICT, "accepted"),
        Err(error) if is_undecided(error) => context.report.skip(&TOKEN_VERDICT, reason(error)),
        Err(error) => context.report.miss_for(&TOKEN_VERDICT, reason(error), cure(error)),
    }
}

fn is_undecided(error: &Error) -> bool {
    !matches!(error.code().class(), Class::Token | Class::Forbidden)
}

fn reason(error: &Error) -> String {
    format!("{}: {}", error.code().name(), error.reason())
}

/// What to change where: the hint, and what goes for the whole rule.
fn cure(error: &Error) -> Cure {
    let advice = advice(error);
    let parts: Vec<&str> = error.hint().into_iter().chain(advice).collect();
    let change = match parts.as_slice() {
        [] => "nothing on your side: a token like this is rightly refused".to_owned(),
        parts => parts.join("; "),
    };
    let is_indicator = error.code() == Code::Audience && advice.is_some();
    Cure { change, page: is_indicator.then_some(PAGE_RESOURCES) }
}

/// The first answer to a good token, as a page in a browser gets it.
fn judge_browser(context: &mut Context<'_>, token: &[u8]) {
    let url = context.resource;
    let is_get = context.is_sse();
    let mut headers = vec![
        ("origin", ORIGIN.as_bytes().to_vec()),
        ("accept", b"application/json, text/event-stream".to_vec()),
        ("authorization", credentials(token)),
    ];
    headers.extend((!is_get).then(|| ("content-type", b"application/json".to_vec())));
    let body = (!is_get).then_some(INITIALIZE);
    let request = Request { method: context.method, url, headers, body, wants_body: false };
    match context.client.send(&request) {
        Ok(answer) => {
            end_session(context, token, &answer);
            super::browser::judge_session(context, &answer);
        }
        Err(trouble) => context.report.skip(&CORS_SESSION, quoted(trouble.text())),
    }
}

/// A hint that the library gives is about this very token: nothing is advised that would go past it.
fn advice(error: &Error) -> Option<&'static str> {
    let hint = error.hint();
    Some(match error.code() {
        Code::Audience if hint.is_none_or(|hint| hint.contains("resource indicators")) => {
            "WorkOS dashboard, Connect → Configuration, MCP resource indicators: add the resource above, then log in anew"
        }
        Code::Issuer if hint.is_none() => {
            "set authkit_domain (AUTHKIT_DOMAIN) to the domain in the WorkOS dashboard, Domains; a token of any other issuer is rightly refused"
        }
        Code::Scope => {
            "log in with these scopes; the WorkOS dashboard, Connect → Configuration, says which there are, required_scopes which the server wants"
        }
        Code::Expired | Code::NotYetValid => "get a new token, and compare the clocks above",
        Code::Algorithm => "algorithms says what is accepted; AuthKit signs with RS256",
        Code::UnknownKey | Code::Signature => {
            "the token is of another environment or was changed: log in anew at the authorization server above"
        }
        Code::Malformed | Code::TooLarge => {
            "give the access token alone, as it came from the token endpoint: no Bearer, no refresh or ID token"
        }
        Code::Type => "give an access token, not an ID token; typ says which are accepted",
        Code::KeysUnavailable => "see the checks of the keys above",
        _ => return None,
    })
}

pub(crate) fn credentials(token: &[u8]) -> Vec<u8> {
    [b"Bearer ", token].concat()
}

fn judge_server(
    context: &mut Context<'_>,
    verdict: &Result<(), Error>,
    answer: &Result<Answer, Trouble>,
) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(trouble) => return context.report.skip_rest("token", &quoted(trouble.text())),
    };
    match verdict {
        Ok(()) => {
            let seen = match answer.is_success() {
                true => format!("the server {}", status(answer)),
                false => format!(
                    "the library accepts, the server {}: {}",
                    status(answer),
                    www_authenticate(answer)
                ),
            };
            // Past the token, a server may well refuse the first message for what is in it.
            let refused = matches!(answer.status, 401 | 403 | 500..);
            context.report.judge(&TOKEN_SERVER, !refused, seen);
        }
        Err(error) if is_undecided(error) => {
            context.report.skip(&TOKEN_SERVER, "there is no verdict to compare with");
        }
        Err(error) => judge_refusal(context, error, answer),
    }
}

fn judge_refusal(context: &mut Context<'_>, error: &Error, answer: &Answer) {
    let seen = format!("{} here, the server {}", error.code().name(), status(answer));
    if error.code().class() == Class::Forbidden {
        context.report.judge(&TOKEN_SERVER, matches!(answer.status, 401 | 403), seen.as_str());
        context.report.judge(&TOKEN_FORBIDDEN, answer.status == 403, seen);
        return judge_scope_challenge(context, answer);
    }
    context.report.judge(&TOKEN_SERVER, answer.status == 401, seen);
}

fn judge_scope_challenge(context: &mut Context<'_>, answer: &Answer) {
    let named = scopes(answer);
    let all = context.setup.required_scopes.iter().all(|scope| named.contains(scope));
    let fits = parameter(answer, "error").as_deref() == Some("insufficient_scope")
        && parameter(answer, "resource_metadata").is_some()
        && all;
    context.report.judge(&TOKEN_SCOPE_CHALLENGE, fits, www_authenticate(answer));
}

/// The token with a signature that is none. What comes back is all that is learnt.
fn judge_signature(context: &mut Context<'_>, token: &[u8]) {
    let Some(at) = token.iter().rposition(|octet| *octet == b'.') else {
        return context.report.skip(&TOKEN_SIGNATURE, "the token has no signature");
    };
    let mut forged = token.get(..=at).unwrap_or_default().to_vec();
    forged.extend(URL_SAFE_NO_PAD.encode([0x5a; 256]).bytes());
    match post(context, Some(&credentials(&forged)), "") {
        Err(trouble) => context.report.skip(&TOKEN_SIGNATURE, quoted(trouble.text())),
        Ok(answer) if answer.status == 503 => {
            context
                .report
                .skip(&TOKEN_SIGNATURE, "answered 503: the server cannot get the issuer's keys");
        }
        Ok(answer) => context.report.judge(&TOKEN_SIGNATURE, answer.status == 401, status(&answer)),
    }
}

/// A session that this token opened is closed again; how that goes does not matter.
pub(crate) fn end_session(context: &Context<'_>, token: &[u8], answer: &Answer) {
    let session = answer.header("mcp-session-id").filter(|_| answer.is_success());
    let fits =
        |id: &String| id.len() <= MAX_SESSION && id.bytes().all(|octet| octet.is_ascii_graphic());
    let Some(session) = session.filter(fits) else { return };
    let headers =
        vec![("authorization", credentials(token)), ("mcp-session-id", session.into_bytes())];
    let request =
        Request { method: "DELETE", url: context.resource, headers, body: None, wants_body: false };
    let _ = context.client.send(&request);
}
