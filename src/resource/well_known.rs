//! The well-known places (RFC 8615) of this server: which document a path asks for, and in which method.

use super::metadata;
use super::response::Response;

/// Where authorization server metadata are asked for: RFC 8414 §3, and OpenID Connect Discovery §4.
const AUTHORIZATION_SERVER_PLACES: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

const METHODS: &str = "GET, HEAD, OPTIONS";

/// What is asked for at a well-known place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    ProtectedResource,
    AuthorizationServer,
}

impl Document {
    /// The document that a request's path asks for. The resource's path may stand behind the place
    /// (RFC 9728 §3.1) or before it (OpenID Connect Discovery), whole or, since proxies strip and
    /// frameworks mount, in part. It chooses nothing: there is one document of each kind.
    pub(crate) fn at(path: &str, resource_path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let kinds = std::iter::once((metadata::PLACE, Self::ProtectedResource))
            .chain(AUTHORIZATION_SERVER_PLACES.map(|place| (place, Self::AuthorizationServer)));
        kinds.into_iter().find_map(|(place, document)| {
            let (before, after) = path.split_once(place)?;
            (is_head(before, resource_path) && is_tail(after, resource_path)).then_some(document)
        })
    }
}

/// Whether `part` is the beginning of `path`, in whole segments.
fn is_head(part: &str, path: &str) -> bool {
    path.strip_prefix(part)
        .is_some_and(|rest| rest.is_empty() || part.is_empty() || rest.starts_with('/'))
}

/// Whether `part` is the end of `path`, in whole segments, but for a final slash.
fn is_tail(part: &str, path: &str) -> bool {
    let part = part.strip_suffix('/').unwrap_or(part);
    part.is_empty() || (part.starts_with('/') && path.ends_with(part))
}

/// The answer to a method. The documents are public, so that a browser's client may read them from
/// any origin. The document is asked for only where it is wanted.
pub(crate) fn answer(method: &str, document: impl FnOnce() -> Response) -> Response {
    match method {
        "GET" => open(document()),
        "HEAD" => open(document()).without_body(),
        "OPTIONS" => open(Response::new(204))
            .with_header("access-control-allow-methods", METHODS)
            .with_header("access-control-allow-headers", "*")
            .with_header("access-control-max-age", "86400")
            .with_header("allow", METHODS),
        _ => open(Response::new(405)).with_header("allow", METHODS),
    }
}

fn open(response: Response) -> Response {
    response.with_header("access-control-allow-origin", "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_asks_for_one_document_or_for_nothing_of_ours() {
        use Document::{AuthorizationServer, ProtectedResource};
        let prm = Some(ProtectedResource);
        let server = Some(AuthorizationServer);
        for (path, resource_path, expected) in [
            ("/.well-known/oauth-protected-resource", "/mcp", prm),
            ("/.well-known/oauth-protected-resource/", "/mcp", prm),
            ("/.well-known/oauth-protected-resource/mcp", "/mcp", prm),
            ("/.well-known/oauth-protected-resource/mcp/", "/mcp", prm),
            ("/.well-known/oauth-protected-resource/mcp?x=1", "/mcp", prm),
            ("/.well-known/oauth-protected-resource", "", prm),
            ("/.well-known/oauth-protected-resource/api/mcp", "/api/mcp", prm),
            ("/.well-known/oauth-protected-resource/mcp", "/api/mcp", prm), // /api stripped
            ("/api/.well-known/oauth-protected-resource/mcp", "/api/mcp", prm), // mounted at /api
            ("/.well-known/oauth-authorization-server", "/mcp", server),
            ("/.well-known/oauth-authorization-server/mcp", "/mcp", server),
            ("/.well-known/openid-configuration", "/mcp", server),
            ("/.well-known/openid-configuration/mcp", "/mcp", server),
            ("/mcp/.well-known/openid-configuration", "/mcp", server),
            ("", "/mcp", None),
            ("/", "/mcp", None),
            ("/mcp", "/mcp", None),
            ("/.well-known/oauth-protected-resource/mc", "/mcp", None),
            ("/.well-known/oauth-protected-resource/cp", "/mcp", None),
            ("/.well-known/oauth-protected-resourcecp", "/mcp", None),
            ("/.well-known/oauth-protected-resource/mcp/x", "/mcp", None),
            ("/.well-known/oauth-protected-resource/mcp", "", None),
            ("/.well-known/oauth-protected-resource2", "/mcp", None),
            ("/.WELL-KNOWN/oauth-protected-resource", "/mcp", None),
            ("/mc/.well-known/oauth-protected-resource", "/mcp", None),
            ("/other/.well-known/oauth-protected-resource", "/mcp", None),
            ("x/.well-known/oauth-protected-resource", "/mcp", None),
            ("/.well-known/jwks.json", "/mcp", None),
            ("/x?/.well-known/oauth-protected-resource", "/mcp", None),
        ] {
            assert_eq!(Document::at(path, resource_path), expected, "{path} for {resource_path}");
        }
    }
}
