//! An authorization server and an MCP server that do everything right, until a test spoils an answer.

use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::common::{Run, authkit, file};
use crate::keys;
use crate::site::{Reply, Request, Site};

/// Changes an answer for the worse.
pub type Spoil = fn(&Request, &mut Reply);

pub fn untouched(_: &Request, _: &mut Reply) {}

/// The tokens that the server knows how to answer.
#[derive(Clone)]
pub struct Tokens {
    pub good: String,
    /// Without the required scope.
    pub narrow: String,
    /// For another server.
    pub other: String,
}

pub struct World {
    pub authorization_server: Site,
    pub server: Site,
    pub issuer: String,
    pub base_url: String,
    pub tokens: Tokens,
}

impl World {
    pub fn good() -> Self {
        Self::spoilt(untouched, untouched)
    }

    pub fn spoilt(authorization_server: Spoil, server: Spoil) -> Self {
        let (first, issuer) = listener();
        let (second, base_url) = listener();
        let tokens = tokens(&issuer, &format!("{base_url}/mcp"));
        let authorization_server = {
            let issuer = issuer.clone();
            Site::start(first, None, move |request| {
                let mut reply = answer_as_authkit(request, &issuer);
                authorization_server(request, &mut reply);
                reply
            })
        };
        let server = {
            let (issuer, base_url, tokens) = (issuer.clone(), base_url.clone(), tokens.clone());
            Site::start(second, None, move |request| {
                let mut reply = answer_as_server(request, &issuer, &base_url, &tokens);
                server(request, &mut reply);
                reply
            })
        };
        Self { authorization_server, server, issuer, base_url, tokens }
    }

    pub fn doctor(&self, token: Option<&str>, more: &[&str]) -> Run {
        let mut arguments = vec!["doctor", "--authkit-domain", &self.issuer];
        if !more.contains(&"--base-url") && !more.contains(&"--resource") {
            arguments.extend(["--base-url", self.base_url.as_str()]);
        }
        arguments.extend(["--required-scopes", "mcp:read", "--allow-insecure-loopback"]);
        arguments.extend(more);
        if token.is_some() {
            arguments.extend(["--token-file", "-"]);
        }
        authkit(&arguments, token.unwrap_or_default())
    }

    /// Tokens for another server than this world's own.
    pub fn tokens_for(&self, resource: &str) -> Tokens {
        tokens(&self.issuer, resource)
    }

    /// Configured by a file instead.
    pub fn doctor_by_file(&self, name: &str) -> Run {
        let config = json!({
            "authkit_domain": self.issuer, "base_url": self.base_url,
            "required_scopes": ["mcp:read"], "allow_insecure_loopback": true,
        });
        let path = file(name, config.to_string());
        authkit(
            &[
                "doctor",
                "--json",
                "--config",
                &path,
                "--token-file",
                &file(&format!("{name}.token"), &self.tokens.good),
            ],
            "",
        )
    }
}

pub fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// What a report says of one check.
pub fn finding<'r>(report: &'r Value, id: &str) -> (&'r str, &'r str) {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"] == id);
    let check = check.unwrap_or_else(|| panic!("{id} is not in the report"));
    (check["finding"].as_str().unwrap(), check["seen"].as_str().unwrap())
}

fn tokens(issuer: &str, resource: &str) -> Tokens {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |audience: &str, scope: &str| {
        keys::rsa().token(&json!({
            "iss": issuer, "aud": audience, "sub": "user_01H", "client_id": "client_01H",
            "scope": scope, "iat": now - 10, "exp": now + 600,
        }))
    };
    Tokens {
        good: token(resource, "openid mcp:read"),
        narrow: token(resource, "openid"),
        other: token("https://other.example/mcp", "mcp:read"),
    }
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "registration_endpoint": format!("{issuer}/oauth2/register"),
        "jwks_uri": format!("{issuer}/oauth2/jwks"),
        "code_challenge_methods_supported": ["S256"],
        "client_id_metadata_document_supported": true,
        "authorization_response_iss_parameter_supported": true,
    })
}

fn answer_as_authkit(request: &Request, issuer: &str) -> Reply {
    match request.path.as_str() {
        "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => {
            Reply::json(&metadata(issuer))
        }
        "/oauth2/jwks" => Reply::json(&json!({ "keys": [keys::rsa().jwk()] })),
        _ => Reply::new(404),
    }
}

fn answer_as_server(request: &Request, issuer: &str, base_url: &str, tokens: &Tokens) -> Reply {
    let reply = match request.path.as_str() {
        "/.well-known/oauth-protected-resource" | "/.well-known/oauth-protected-resource/mcp" => {
            Reply::json(&json!({
                "resource": format!("{base_url}/mcp"), "authorization_servers": [issuer],
                "scopes_supported": ["mcp:read"], "bearer_methods_supported": ["header"],
            }))
        }
        "/.well-known/oauth-authorization-server" => Reply::json(&metadata(issuer)),
        "/mcp" if request.method == "OPTIONS" => {
            Reply::new(204).header("access-control-allow-methods", "GET, POST, DELETE").header(
                "access-control-allow-headers",
                "Authorization, Content-Type, Accept, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, DPoP",
            )
        }
        "/mcp" => answer_as_endpoint(request, base_url, tokens),
        _ => Reply::new(404),
    };
    reply.header("access-control-allow-origin", "*")
}

fn answer_as_endpoint(request: &Request, base_url: &str, tokens: &Tokens) -> Reply {
    let rest = format!(
        r#"scope="mcp:read", resource_metadata="{base_url}/.well-known/oauth-protected-resource/mcp""#
    );
    let refusal = |status: u16, error: &str| {
        let error = if error.is_empty() { String::new() } else { format!("error=\"{error}\", ") };
        Reply::new(status)
            .header("www-authenticate", format!("Bearer {error}{rest}"))
            .header("access-control-expose-headers", "WWW-Authenticate")
    };
    let Some(value) = request.header("authorization") else { return refusal(401, "") };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return refusal(401, "");
    }
    match token {
        "" => refusal(400, "invalid_request"),
        _ if token.contains([' ', ',', '"']) => refusal(400, "invalid_request"),
        _ if token == tokens.good => Reply::json(&answer_to(request.header("mcp-method")))
            .header("mcp-session-id", "session-1")
            .header("access-control-expose-headers", "Mcp-Session-Id"),
        _ if token == tokens.narrow => refusal(403, "insufficient_scope"),
        _ => refusal(401, "invalid_token"),
    }
}

/// A session's answers; two tools, one of which nobody may call to try.
fn answer_to(method: Option<&str>) -> Value {
    match method {
        Some("tools/list") => json!({ "jsonrpc": "2.0", "id": 2, "result": { "tools": [
            { "name": "read" },
            { "name": "erase", "annotations": { "destructiveHint": true } },
        ] } }),
        _ => json!({}),
    }
}
