//! What a browser lets a client in a page do (Fetch standard, CORS protocol).

use super::Context;
use super::checks::*;
use super::document::status;
use super::http::{Answer, Request};
use super::probe::ORIGIN;
use crate::text::quoted;

/// Headers that an MCP client sends and that a browser asks about.
const ASKED: &str = "authorization,content-type,mcp-protocol-version";
const NEEDED: [&str; 2] = ["authorization", "mcp-protocol-version"];

pub(crate) fn examine(context: &mut Context<'_>, challenged: Option<&Answer>) {
    examine_preflight(context);
    match challenged {
        Some(answer) => judge_challenge(context, answer),
        None => context.report.skip(&CORS_CHALLENGE, "there is no 401"),
    }
    context.report.skip_rest("cors", "the server could not be asked");
}

fn examine_preflight(context: &mut Context<'_>) {
    let value = |text: &str| text.as_bytes().to_vec();
    let request = Request {
        method: "OPTIONS",
        url: context.resource,
        headers: vec![
            ("origin", value(ORIGIN)),
            ("access-control-request-method", value("POST")),
            ("access-control-request-headers", value(ASKED)),
        ],
        body: None,
        wants_body: false,
    };
    let answer = match context.client.send(&request) {
        Ok(answer) => answer,
        Err(trouble) => return context.report.skip(&CORS_PREFLIGHT, quoted(trouble.text())),
    };
    let (allowed, origin) = allowed_origin(&answer);
    let headers = list(&answer, "access-control-allow-headers");
    // The star does not cover Authorization (Fetch §4.9).
    let has = |name: &&str| {
        headers.iter().any(|header| header == *name || (header == "*" && *name != "authorization"))
    };
    let fits = answer.is_success() && allowed && NEEDED.iter().all(has);
    let seen =
        format!("{}; {origin}; Allow-Headers {}", status(&answer), quoted(&headers.join(", ")));
    context.report.judge(&CORS_PREFLIGHT, fits, seen);
}

fn judge_challenge(context: &mut Context<'_>, answer: &Answer) {
    let (allowed, origin) = allowed_origin(answer);
    let exposed = list(answer, "access-control-expose-headers");
    let fits = allowed && exposed.iter().any(|name| name == "www-authenticate" || name == "*");
    let seen = format!("{origin}; Expose-Headers {}", quoted(&exposed.join(", ")));
    context.report.judge(&CORS_CHALLENGE, fits, seen);
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
