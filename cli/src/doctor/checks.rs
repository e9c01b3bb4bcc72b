//! Every check by its stable id: what must hold, who says so, and what to change where it does not.

/// How binding a rule is (RFC 2119). "Practice" among the sources marks what no specification says,
/// but what clients or operators have been seen to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Must,
    Should,
    May,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }
}

/// One rule that is looked at.
#[derive(Debug)]
pub(crate) struct Check {
    /// Stable: group, a dot, and a name.
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    pub(crate) source: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) remedy: &'static str,
}

impl Check {
    pub(crate) fn group(&self) -> &'static str {
        self.id.split('.').next().unwrap_or_default()
    }

    /// The page of the WorkOS dashboard where it is mended, if nowhere else.
    pub(crate) fn page(&self) -> Option<&'static str> {
        matches!(self.id, "as.cimd" | "as.dcr").then_some(PAGE_CONFIGURATION)
    }
}

/// Pages of the WorkOS dashboard.
pub(crate) const PAGE_CONFIGURATION: &str = "Connect → Configuration";
pub(crate) const PAGE_RESOURCES: &str = "Connect → Configuration, MCP resource indicators";

macro_rules! checks {
    ($($name:ident $id:literal $level:ident $source:literal $rule:literal $remedy:literal;)*) => {
        $(pub(crate) static $name: Check = Check {
            id: $id, level: Level::$level, source: $source, rule: $rule, remedy: $remedy,
        };)*

        /// All of them, in the order of the report.
        pub(crate) static ALL: &[&Check] = &[$(&$name,)*];
    };
}

checks! {
    CONFIG_HTTPS "config.https" Must "RFC 9728 §1.2, RFC 8414 §2"
        "the resource, the issuer and its keys are named by https URLs"
        "put the server behind TLS and set base_url (AUTHKIT_BASE_URL) and authkit_domain to the https URLs; for a test on this machine set allow_insecure_loopback";
    CONFIG_CANONICAL_URI "config.canonical-uri" Should "MCP authorization, Canonical Server URI"
        "the resource has scheme and host in lower case, no default port and no dot segments, so that every client's URL library leaves it as it is"
        "set base_url (AUTHKIT_BASE_URL) in lower case and without :443; enter the same URL in the WorkOS dashboard, Connect → Configuration, MCP resource indicators";

    AS_REACHABLE "as.reachable" Must "MCP authorization, Overview 5; RFC 8414 §3.1"
        "the authorization server publishes its metadata, as oauth-authorization-server or openid-configuration"
        "check authkit_domain (AUTHKIT_DOMAIN) against the WorkOS dashboard, Domains, AuthKit; then network, proxy and firewall between here and there";
    AS_TLS "as.tls" Must "RFC 9110 §4.3.4, RFC 8414 §6.1"
        "its certificate is valid"
        "renew the certificate or complete its chain; for a private certificate authority set ca_file";
    AS_OAUTH_METADATA "as.oauth-metadata" Should "RFC 8414 §3.1; MCP authorization server discovery"
        "the metadata is at /.well-known/oauth-authorization-server, where clients ask first"
        "check authkit_domain: AuthKit serves this path on the AuthKit domain itself";
    AS_ISSUER "as.issuer" Must "RFC 8414 §3.3"
        "issuer in every metadata document is identical to the configured issuer, to the last character"
        "set authkit_domain (AUTHKIT_DOMAIN) to exactly what issuer says, without a trailing slash; after a change to a custom domain in the WorkOS dashboard, Domains, use the new one";
    AS_JWKS_URI "as.jwks-uri" Should "RFC 8414 §2"
        "jwks_uri is the address that the library fetches keys from"
        "give the issuer's jwks_url in the issuers setting, or correct authkit_domain";
    AS_ENDPOINTS "as.endpoints" Must "RFC 8414 §2"
        "authorization_endpoint and token_endpoint are there, as https URLs"
        "check authkit_domain: this is not the metadata of an authorization server with a login";
    AS_PKCE "as.pkce" Must "MCP security considerations, Authorization Code Protection; RFC 7636"
        "code_challenge_methods_supported holds S256; clients refuse to go on without"
        "AuthKit announces S256: check that authkit_domain is an AuthKit domain";
    AS_CIMD "as.cimd" Should "MCP authorization, Overview 2"
        "clients may come with a client ID metadata document (client_id_metadata_document_supported)"
        "WorkOS dashboard, Connect → Configuration: enable Client ID Metadata Document";
    AS_DCR "as.dcr" May "MCP authorization, Overview 3; RFC 7591"
        "clients may register themselves (registration_endpoint), as older ones need to"
        "WorkOS dashboard, Connect → Configuration: enable Dynamic Client Registration";
    AS_ISS_PARAMETER "as.iss-parameter" Should "MCP authorization, Authorization Response Validation; RFC 9207 §2.3"
        "authorization responses carry iss, and the metadata says so, against mix-up attacks"
        "nothing on your side: it is the authorization server's to do";

    JWKS_REACHABLE "jwks.reachable" Must "RFC 8414 §2"
        "the keys can be fetched where the library fetches them, over a valid certificate"
        "correct authkit_domain or the issuer's jwks_url; then check network, proxy, ca_file";
    JWKS_USABLE "jwks.usable" Must "RFC 7517 §5"
        "the library takes the document: a key set with at least one key to verify by"
        "correct the issuer's jwks_url; where keys are for another algorithm, add it to algorithms";
    JWKS_ADMISSION "jwks.admission" Should "RFC 7517 §4, RFC 8725 §3"
        "every key of the set is admitted; the others are passed over, one by one"
        "tokens signed with a dropped key are refused: see each reason; add to algorithms what the issuer really signs with, and report a broken key to it";
    JWKS_KEY_IDS "jwks.key-ids" Should "RFC 7517 §4.5"
        "every key has a kid of its own, so that rotation is seen"
        "nothing on your side: it is the authorization server's to do";
    JWKS_CACHE "jwks.cache" May "RFC 9111 §5.2"
        "Cache-Control says how long the keys may be kept"
        "nothing need be done: the library then keeps them for 5 minutes";

    PRM_REACHABLE "prm.reachable" Must "RFC 9728 §3.1"
        "the server answers at its well-known address, over a valid certificate"
        "check base_url, the server's TLS and that /.well-known/ reaches it through proxies";
    PRM_PATH "prm.path" Must "RFC 9728 §3.1"
        "protected resource metadata is at /.well-known/oauth-protected-resource and the path of the MCP endpoint, readable without a token"
        "serve the document there; in a mounted application the route belongs to the outermost one";
    PRM_ROOT "prm.root" May "MCP, Protected Resource Metadata Discovery Requirements"
        "the same document is at the root too, where clients look second"
        "serve the same document at /.well-known/oauth-protected-resource";
    PRM_CONTENT_TYPE "prm.content-type" Must "RFC 9728 §3.2"
        "the document is served as application/json"
        "set the response's Content-Type";
    PRM_RESOURCE "prm.resource" Must "RFC 9728 §3.3, RFC 8707 §2"
        "resource is identical to the configured resource, without a stray slash; clients refuse the document otherwise, or ask for tokens for another server"
        "make the server's base URL and MCP path the ones given here; a URL type that adds a slash must be told not to";
    PRM_AUTHORIZATION_SERVERS "prm.authorization-servers" Must "MCP, Authorization Server Location"
        "authorization_servers holds at least one"
        "add the AuthKit domain to authorization_servers";
    PRM_ISSUER "prm.issuer" Must "RFC 8414 §3.3, RFC 9728 §2"
        "each of authorization_servers is a configured issuer, to the last character; a strict client refuses metadata whose issuer differs by a slash"
        "write the AuthKit domain into authorization_servers as issuer has it, without a trailing slash";
    PRM_SCOPES "prm.scopes-supported" Should "RFC 9728 §2; MCP authorization, Scope Selection Strategy"
        "scopes_supported names the scopes to ask for"
        "set required_scopes or scopes_supported of the server";
    PRM_OFFLINE_ACCESS "prm.no-offline-access" Should "MCP authorization, Refresh Tokens"
        "scopes_supported does not hold offline_access"
        "take offline_access out of the server's scopes: refresh tokens are the client's affair";
    PRM_BEARER_METHODS "prm.bearer-methods" May "RFC 9728 §2"
        "bearer_methods_supported says header, and nothing else"
        "set bearer_methods_supported to [\"header\"]";
    PRM_CACHE "prm.cache" May "RFC 9728 §7.10, RFC 9111 §5.2"
        "Cache-Control says how long the document may be kept"
        "answer with Cache-Control, such as max-age=3600";
    PRM_AS_METADATA "prm.as-metadata" May "MCP 2025-03-26; practice"
        "the server hands on the authorization server's metadata, for clients that ask it instead"
        "forward AuthKit's /.well-known/oauth-authorization-server, unchanged";

    CHALLENGE_REACHABLE "challenge.reachable" Must "MCP transports, Streamable HTTP"
        "the MCP endpoint answers, over a valid certificate"
        "check base_url and mcp_path, and that the server is up";
    CHALLENGE_STATUS "challenge.status" Must "MCP authorization, Error Handling; RFC 6750 §3.1"
        "a request without a token is answered with 401"
        "200: the server is open, give it its authentication settings. 3xx or 404: set mcp_path to where the endpoint is. 5xx: a missing token must not be an error of the server";
    CHALLENGE_EVERY_REQUEST "challenge.every-request" Must "MCP authorization, Token Requirements"
        "no method is served without a token, GET and DELETE as little as POST"
        "put the check in front of the whole endpoint, not of single methods";
    CHALLENGE_BEARER "challenge.bearer" Must "RFC 6750 §3, RFC 9110 §15.5.2"
        "every 401 carries a Bearer challenge in WWW-Authenticate"
        "send WWW-Authenticate: Bearer … with each 401; check that no proxy removes it";
    CHALLENGE_SYNTAX "challenge.syntax" Must "RFC 9110 §11.6.1, RFC 6750 §3"
        "every WWW-Authenticate keeps to the grammar"
        "quote values, and leave quotes, backslashes, control and non-ASCII characters out of error_description";
    CHALLENGE_RESOURCE_METADATA "challenge.resource-metadata" Should "RFC 9728 §5.1; MCP, Protected Resource Metadata Discovery Requirements"
        "the challenge names the metadata's address (resource_metadata), with and without a token"
        "add resource_metadata=\"…/.well-known/oauth-protected-resource…\" to the challenge";
    CHALLENGE_RESOURCE_METADATA_URL "challenge.resource-metadata-url" Must "RFC 9728 §3.3, §5.1"
        "resource_metadata leads to this server's document, with the configured resource"
        "build the URL from the public base URL, not from what a request behind a proxy looks like";
    CHALLENGE_DISCOVERABLE "challenge.discoverable" Must "MCP, Protected Resource Metadata Discovery Requirements"
        "a client finds the metadata by resource_metadata or at a well-known address"
        "serve the document, and name it in the challenge";
    CHALLENGE_SCOPE "challenge.scope" Should "MCP authorization, Scope Selection Strategy"
        "the challenge names the scopes that the request needs (scope)"
        "add scope=\"…\" with all required scopes to the 401";
    CHALLENGE_SCOPES_SUPPORTED "challenge.scopes-supported" Should "MCP authorization, Scope Selection Strategy; RFC 9728 §2"
        "scopes_supported of the metadata names every scope that a challenge demands"
        "add these scopes to scopes_supported (AUTHKIT_SCOPES_SUPPORTED) of the server";
    CHALLENGE_NO_ERROR "challenge.no-error-code" Should "RFC 6750 §3.1"
        "no error is named where no token came: nothing was wrong with it"
        "leave error out of the challenge to a request without credentials";
    CHALLENGE_OFFLINE_ACCESS "challenge.no-offline-access" Should "MCP authorization, Refresh Tokens"
        "no challenge asks for offline_access"
        "take offline_access out of the required scopes";
    CHALLENGE_BAD_TOKEN "challenge.bad-token" Must "MCP authorization, Error Handling; RFC 6750 §3.1"
        "an invalid token is answered with 401"
        "answer every token that does not verify with 401";
    CHALLENGE_ERROR_CODE "challenge.error-code" Should "RFC 6750 §3, §3.1"
        "and with error=\"invalid_token\""
        "add error=\"invalid_token\" to the challenge to a bad token";
    CHALLENGE_FORGED "challenge.forged" Must "MCP authorization, Token Handling; RFC 8725 §3.1"
        "tokens with the right claims and no signature, or a made-up one, are refused with 401"
        "verify the signature before believing a claim, and accept no alg but the issuer's: use the library";
    CHALLENGE_SCHEME_CASE "challenge.scheme-case" Must "RFC 9110 §11.1"
        "bearer in lower case is the same scheme"
        "compare the scheme without regard to case";
    CHALLENGE_QUERY "challenge.query-token" Must "MCP authorization, Token Requirements; RFC 9700 §4.3.2"
        "a token in the query is not looked at, or refused with 400"
        "take tokens only from the Authorization header: URLs end up in logs";
    CHALLENGE_MALFORMED "challenge.malformed" Must "MCP authorization, Error Handling; RFC 6750 §3.1"
        "an Authorization header that is no Bearer credentials is answered with 400"
        "answer Bearer without a token, or with more than one, with 400 and error=\"invalid_request\"";
    CHALLENGE_NO_SERVER_ERROR "challenge.no-server-error" Must "RFC 9110 §15.6; practice"
        "nothing that a client sends as credentials makes the server answer 5xx"
        "handle every failed verification as 401; 503 means that the server cannot get the issuer's keys";

    CORS_PREFLIGHT "cors.preflight" Should "Fetch standard, CORS protocol; practice"
        "a browser may ask (OPTIONS without a token) and may send every header of an MCP client; * does not cover Authorization"
        "answer preflights with 2xx before asking for a token, with Access-Control-Allow-Origin and Access-Control-Allow-Headers: Authorization, Content-Type, Accept, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID";
    CORS_METADATA "cors.metadata" Should "Fetch standard, CORS protocol; practice"
        "a browser may read the protected resource metadata"
        "send Access-Control-Allow-Origin: * with it: it is public";
    CORS_CHALLENGE "cors.challenge" Should "Fetch standard, CORS protocol; practice"
        "a browser may read the 401 and its WWW-Authenticate"
        "send Access-Control-Allow-Origin and Access-Control-Expose-Headers: WWW-Authenticate with a 401 too";
    CORS_SESSION "cors.session" Should "Fetch standard, CORS protocol; MCP transports, Session Management"
        "a browser may read the answer to a good token and its Mcp-Session-Id"
        "send Access-Control-Allow-Origin and Access-Control-Expose-Headers: Mcp-Session-Id, WWW-Authenticate with every answer";
    CORS_AS_METADATA "cors.as-metadata" May "Fetch standard, CORS protocol; practice"
        "a browser may read the authorization server metadata that the server hands on"
        "send Access-Control-Allow-Origin: * with it: it is public";

    CLOCK_AUTHORIZATION_SERVER "clock.authorization-server" Should "RFC 9110 §6.6.1, RFC 7519 §4.1.4"
        "the authorization server's clock and this machine's agree within the leeway"
        "set this machine's clock by NTP; until then raise leeway, at most to 300 s";
    CLOCK_SERVER "clock.server" Should "RFC 9110 §6.6.1, RFC 7519 §4.1.4"
        "the server's clock and this machine's agree within the leeway"
        "set the server's clock by NTP: it calls good tokens expired or not yet valid";

    TOKEN_VERDICT "token.verdict" Must "MCP authorization, Token Handling; RFC 8707 §2"
        "the library accepts the token under this configuration"
        "see the hint";
    TOKEN_SERVER "token.server" Must "MCP authorization, Token Handling"
        "the server decides about the token as the library does: 401 for one that is not good here, its answer for one that is"
        "a token that the server takes and the library refuses is one for somebody else: have the server check issuer, audience and times; one that only the server refuses: compare its settings with these";
    TOKEN_SIGNATURE "token.signature" Must "RFC 7515 §5.2"
        "the same token with another signature is refused with 401"
        "verify the signature: use the library";
    TOKEN_FORBIDDEN "token.forbidden" Must "MCP authorization, Error Handling; RFC 6750 §3.1"
        "a good token without a required scope is answered with 403"
        "answer a missing scope with 403: after a 401 clients fetch the same token again, and again";
    TOKEN_SCOPE_CHALLENGE "token.scope-challenge" Should "MCP authorization, Runtime Insufficient Scope Errors"
        "and with error=\"insufficient_scope\", all the scopes needed, and resource_metadata"
        "name all of them in one challenge, so that the client asks the user once";
    TOKEN_TOOLS "token.tools" Should "MCP authorization, Runtime Insufficient Scope Errors; Scope Selection Strategy"
        "a tool that refuses the token for its scopes names them, and scopes_supported names them too"
        "name each tool's scopes in the challenge, and add them to scopes_supported (AUTHKIT_SCOPES_SUPPORTED) of the server";
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/doctor.md");

    #[test]
    fn ids_are_unique_and_stand_in_groups() {
        let ids: BTreeSet<&str> = ALL.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), ALL.len());
        let mut groups: Vec<&str> = ALL.iter().map(|check| check.group()).collect();
        groups.dedup();
        assert_eq!(groups, ["config", "as", "jwks", "prm", "challenge", "cors", "clock", "token"]);
    }

    #[test]
    fn the_page_lists_every_check_as_it_is() {
        let rows: Vec<String> = ALL.iter().map(|check| row(check)).collect();
        let (_, listing) = PAGE.split_once("## Checks").unwrap();
        let listed: Vec<&str> = listing.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(listed, rows, "docs/doctor.md should have:\n{}", rows.join("\n"));
    }

    fn row(Check { id, level, source, rule, remedy }: &Check) -> String {
        format!("| `{id}` | {} | {source} | {rule} | {remedy} |", level.name())
    }
}
