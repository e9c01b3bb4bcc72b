//! Protected resource metadata (RFC 9728): what this resource is, and who issues tokens for it.

use serde::Serialize;

use crate::config::Config;

use super::announced;
use super::response::Response;

/// Where the metadata stand, between a resource's host and its path (RFC 9728 §3.1).
pub(crate) const PLACE: &str = "/.well-known/oauth-protected-resource";

/// For how long clients may keep the document, in seconds.
const MAX_AGE: u32 = 3600;

/// The document of one resource, made once.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// The resource's path; empty at the root.
    pub(crate) path: String,
    /// Where clients find the document.
    pub(crate) url: String,
    pub(crate) document: String,
}

/// The members in the order of RFC 9728 §2; those with nothing in them are left out (§3.2).
#[derive(Serialize)]
struct Document<'d> {
    resource: &'d str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<&'d str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'d str>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<&'d str>,
}

impl Metadata {
    /// The metadata of the configured resource; none where only audiences are configured. The public
    /// URL is the configuration's: what a request looks like behind a proxy or a mount plays no part.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let resource = config.resource.as_deref()?;
        let document = Document {
            resource,
            authorization_servers: config
                .authorization_servers()
                .map(|it| it.name.as_str())
                .collect(),
            scopes_supported: announced(config.scopes_supported.iter()),
            bearer_methods_supported: ["header"],
            resource_name: config.resource_name.as_deref(),
            resource_documentation: config.resource_documentation.as_deref(),
        };
        let (origin, path) = split(resource);
        Some(Self {
            path: path.to_owned(),
            url: format!("{origin}{PLACE}{path}"),
            // Strings and lists of strings alone: there is nothing that serde_json would refuse.
            document: serde_json::to_string(&document).unwrap_or_default(),
        })
    }

    pub(crate) fn response(&self) -> Response {
        Response::new(200)
            .with_header("cache-control", format!("public, max-age={MAX_AGE}"))
            .with_json(self.document.clone())
    }
}

/// An absolute URL's scheme with host, and its path.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    let path = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    url.split_at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_before_its_path() {
        for (url, origin, path) in [
            ("https://a.example", "https://a.example", ""),
            ("https://a.example/mcp", "https://a.example", "/mcp"),
            ("https://a.example:8443/x/y", "https://a.example:8443", "/x/y"),
            ("http://[::1]:9/mcp", "http://[::1]:9", "/mcp"),
        ] {
            assert_eq!(split(url), (origin, path));
        }
    }
}
