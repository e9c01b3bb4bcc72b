//! What the server's tools say to a good token: which of them refuse it for its scopes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Context;
use super::bearer::{credentials, end_session};
use super::checks::TOKEN_TOOLS;
use super::http::{Answer, Request, Trouble};
use super::metadata::Metadata;
use super::probe::{INITIALIZE, parameter, scopes};
use crate::text::quoted;

/// Most tools that are called.
const MAX_TOOLS: usize = 12;
/// Of the JSON-RPC message, which a server may hand back.
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;

/// A session of the token's own.
struct Session<'t> {
    token: &'t [u8],
    id: Option<String>,
}

/// A tool that refused the token for its scopes, with those it named.
struct Refusal {
    name: String,
    scopes: Vec<String>,
}

pub(crate) fn examine(context: &mut Context<'_>, metadata: &Metadata, token: &[u8]) {
    if !context.calls_tools {
        return context.report.skip(&TOKEN_TOOLS, "--call-tools asks for it: no tool was called");
    }
    if context.is_sse() {
        let why = "the older SSE transport: its tools are not listed";
        return context.report.skip(&TOKEN_TOOLS, why);
    }
    let mut session = Session { token, id: None };
    let Ok(opened) = session.send(context, INITIALIZE, "initialize", None) else {
        return context.report.skip(&TOKEN_TOOLS, "no session could be opened");
    };
    session.id = opened.header("mcp-session-id");
    let _ = session.send(context, INITIALIZED, "notifications/initialized", None);
    let listed = session.send(context, LIST, "tools/list", None);
    match listed.ok().and_then(|answer| tools(&answer)) {
        None => context.report.skip(&TOKEN_TOOLS, "the server did not list its tools"),
        Some(tools) => judge(context, metadata, &session, &tools),
    }
    end_session(context, token, &opened);
}

fn judge(context: &mut Context<'_>, metadata: &Metadata, session: &Session<'_>, tools: &[Value]) {
    let names: Vec<&str> = tools
        .iter()
        .filter(|tool| !is_destructive(tool))
        .filter_map(name)
        .take(MAX_TOOLS)
        .collect();
    let refusals: Vec<Refusal> =
        names.iter().filter_map(|name| refusal(context, session, name)).collect();
    let demanded: BTreeSet<String> =
        refusals.iter().flat_map(|refusal| refusal.scopes.iter().cloned()).collect();
    let unnamed = metadata.unnamed(&demanded);
    let mute = refusals.iter().any(|refusal| refusal.scopes.is_empty());
    let mut seen = format!("{} of {} tools asked", names.len(), tools.len());
    match refusals.as_slice() {
        [] => seen.push_str(", none refused the token for its scopes"),
        refusals => seen.push_str(&format!(
            "; refused for scopes: {}",
            refusals.iter().map(told).collect::<Vec<_>>().join(", ")
        )),
    }
    if !unnamed.is_empty() {
        seen.push_str(&format!("; not in scopes_supported: {}", quoted(&unnamed.join(" "))));
    }
    context.report.judge(&TOKEN_TOOLS, unnamed.is_empty() && !mute, seen);
}

fn told(Refusal { name, scopes }: &Refusal) -> String {
    match scopes.as_slice() {
        [] => format!("{} (no scope is named)", quoted(name)),
        scopes => format!("{} ({})", quoted(name), quoted(&scopes.join(" "))),
    }
}

fn name(tool: &Value) -> Option<&str> {
    tool.get("name")?.as_str()
}

fn is_destructive(tool: &Value) -> bool {
    tool.pointer("/annotations/destructiveHint") == Some(&Value::Bool(true))
}

/// Calls a tool with arguments that are no object: a guard decides first, and no SDK runs a tool by them.
fn refusal(context: &Context<'_>, session: &Session<'_>, name: &str) -> Option<Refusal> {
    let params = json!({ "name": name, "arguments": "authkit-doctor" });
    let call = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params });
    let answer = session.send(context, &call.to_string(), "tools/call", Some(name)).ok()?;
    let is_for_scope = answer.status == 403
        || parameter(&answer, "error").as_deref() == Some("insufficient_scope");
    is_for_scope.then(|| Refusal { name: name.to_owned(), scopes: scopes(&answer) })
}

impl Session<'_> {
    fn send(
        &self,
        context: &Context<'_>,
        body: &str,
        method: &str,
        name: Option<&str>,
    ) -> Result<Answer, Trouble> {
        let mut headers = vec![
            ("accept", b"application/json, text/event-stream".to_vec()),
            ("content-type", b"application/json".to_vec()),
            ("authorization", credentials(self.token)),
            ("mcp-method", method.as_bytes().to_vec()),
        ];
        let plain = |name: &&str| name.bytes().all(|octet| octet.is_ascii_graphic());
        headers.extend(name.filter(plain).map(|name| ("mcp-name", name.as_bytes().to_vec())));
        headers.extend(self.id.as_ref().map(|id| ("mcp-session-id", id.clone().into_bytes())));
        if method != "initialize" {
            headers.push(("mcp-protocol-version", b"2025-06-18".to_vec()));
        }
        let (url, wants_body) = (context.resource, method == "tools/list");
        let body = Some(body);
        context.client.send(&Request { method: "POST", url, headers, body, wants_body })
    }
}

/// The tools of an answer, which is JSON or an event stream of it.
fn tools(answer: &Answer) -> Option<Vec<Value>> {
    let text = std::str::from_utf8(answer.body.as_ref().ok()?).ok()?;
    let lines = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let message = std::iter::once(text)
        .chain(lines)
        .filter_map(|text| serde_json::from_str::<Value>(text.trim()).ok())
        .find(|message| message.get("id").is_some())?;
    message.pointer("/result/tools")?.as_array().cloned()
}
