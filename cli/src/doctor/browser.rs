//! What a browser lets a client in a page do (Fetch standard, CORS protocol).

use super::Context;
use super::checks::*;
use super::document::status;
use super::http::{Answer, Request, Trouble};
use super::probe::{INITIALIZE, ORIGIN};
use crate::text::quoted;

/// Headers that an MCP client sends and that a browser asks about, in its order. Not Accept: with what MCP puts
/// there it is safelisted, and no browser asks.
const NEEDED: [&str; 7] = [
    "authorization",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
];

/// Servers may keep origins out, and must be able to (MCP transports, Security Warning).
const KEPT_OUT: &str = "answered 403: the server may have a list of origins, and ours is not on it";

pub(crate) fn examine(context: &mut Context<'_>) {
    let preflight = [
        ("access-control-request-method", context.method.as_bytes().to_vec()),
        ("access-control-request-headers", NEEDED.join(",").into_bytes()),
    ];
    match ask(context, "OPTIONS", preflight) {
        Ok(answer) if answer.status == 403 => context.report.skip(&CORS_PREFLIGHT, KEPT_OUT),
        Ok(answer) => judge_preflight(context, &answer),
        Err(trouble) => context.report.skip(&CORS_PREFLIGHT, quoted(trouble.text())),
    }
    let message = [
        ("accept", b"application/json, text/event-stream".to_vec()),
        ("content-type", b"application/json".to_vec()),
    ];
    match ask(context, context.method, message) {
        Ok(answer) if answer.status == 403 => context.report.skip(&CORS_CHALLENGE, KEPT_OUT),
        Ok(answer) if answer.status == 401 => judge_challenge(context, &answer),
        Ok(_) => context.report.skip(&CORS_CHALLENGE, "there is no 401"),
        Err(trouble) => context.report.skip(&CORS_CHALLENGE, quoted(trouble.text())),
    }
}

/// A request as a browser makes it for a page of our origin.
fn ask(
    context: &Context<'_>,
    method: &str,
    headers: [(&str, Vec<u8>); 2],
) -> Result<Answer, Trouble> {
    let mut all = vec![("origin", ORIGIN.as_bytes().to_vec())];
    all.extend(headers);
    let body = (method == "POST").then_some(INITIALIZE);
    let url = context.resource;
    context.client.send(&Request { method, url, headers: all, body, wants_body: false })
}

fn judge_preflight(context: &mut Context<'_>, answer: &Answer) {
    let (allowed, origin) = allowed_origin(answer);
    let headers = list(answer, "access-control-allow-headers");
    // The star does not cover Authorization (Fetch standard, CORS non-wildcard request-header name).
    let covers =
        |header: &String, name: &str| header == name || (header == "*" && name != "authorization");
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|name| !headers.iter().any(|header| covers(header, name)))
        .collect();
    let lacking = match missing.as_slice() {
        [] => String::new(),
        missing => format!(" without {}", missing.join(", ")),
    };
    let listed = quoted(&headers.join(", "));
    let seen = format!("{}; {origin}; Allow-Headers {listed}{lacking}", status(answer));
    let fits = answer.is_success() && allowed && missing.is_empty();
    context.report.judge(&CORS_PREFLIGHT, fits, seen);
}

fn judge_challenge(context: &mut Context<'_>, answer: &Answer) {
    let (allowed, origin) = allowed_origin(answer);
    let exposed = list(answer, "access-control-expose-headers");
    let fits = allowed && exposed.iter().any(|name| name == "www-authenticate" || name == "*");
    let seen = format!("{origin}; Expose-Headers {}", quoted(&exposed.join(", ")));
    context.report.judge(&CORS_CHALLENGE, fits, seen);
}

/// The answer to a good token, as a page gets it: without its session's id no second message can be sent.
pub(crate) fn judge_session(context: &mut Context<'_>, answer: &Answer) {
    if answer.status == 403 {
        return context.report.skip(&CORS_SESSION, KEPT_OUT);
    }
    let (allowed, origin) = allowed_origin(answer);
    let exposed = list(answer, "access-control-expose-headers");
    let has_session = answer.header("mcp-session-id").is_some();
    let is_exposed = exposed.iter().any(|name| name == "mcp-session-id" || name == "*");
    let seen = match has_session {
        true => format!("{origin}; Expose-Headers {}", quoted(&exposed.join(", "))),
        false => format!("{origin}; the answer opens no session"),
    };
    context.report.judge(&CORS_SESSION, allowed && (is_exposed || !has_session), seen);
}

/// Whether our page's origin may read the answer, and what it says.
pub(crate) fn allowed_origin(answer: &Answer) -> (bool, String) {
    match answer.header("access-control-allow-origin") {
        None => (false, "no Access-Control-Allow-Origin".to_owned()),
        Some(origin) => {
            let seen = format!("Access-Control-Allow-Origin {}", quoted(&origin));
            (origin == "*" || origin == ORIGIN, seen)
        }
    }
}

fn list(answer: &Answer, name: &str) -> Vec<String> {
    let value = answer.header(name).unwrap_or_default();
    value
        .split(',')
        .map(|item| item.trim().to_ascii_lowercase())
        .filter(|item| !item.is_empty())
        .collect()
}
