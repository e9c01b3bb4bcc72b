//! What a resource server owes its clients beyond a verdict: metadata (RFC 9728, RFC 8414), challenges
//! (RFC 6750) and whole HTTP answers as data, so that a web framework's part is plumbing alone.

pub(crate) mod access;
pub(crate) mod authorization_server;
pub(crate) mod challenge;
pub(crate) mod decision;
pub(crate) mod metadata;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod well_known;

/// Asked for by clients on their own account and never by a resource (MCP authorization, "scope
/// selection"): it is announced nowhere.
const OFFLINE_ACCESS: &str = "offline_access";

/// Scopes fit to be announced, each once, in their order.
pub(crate) fn announced<'s>(scopes: impl Iterator<Item = &'s String>) -> Vec<&'s str> {
    let mut announced: Vec<&str> = Vec::new();
    for scope in scopes {
        if scope != OFFLINE_ACCESS && !announced.contains(&scope.as_str()) {
            announced.push(scope);
        }
    }
    announced
}
