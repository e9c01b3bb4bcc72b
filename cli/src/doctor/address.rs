//! Where things are: well-known addresses (RFC 8414 §3.1, RFC 9728 §3.1) and one spelling of a URL.

/// The origin as it is written, and the path with its leading slash, or nothing.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    url.split_at(end)
}

/// The well-known string put between host and path; a path of a slash alone is none.
pub(crate) fn well_known(url: &str, suffix: &str) -> String {
    let (origin, path) = split(url);
    format!("{origin}/.well-known/{suffix}{}", path.trim_end_matches('/'))
}

/// The same at the root, which MCP adds for addresses with a path.
pub(crate) fn well_known_root(url: &str, suffix: &str) -> String {
    format!("{}/.well-known/{suffix}", split(url).0)
}

/// What a URL library would change in it, if anything (RFC 3986 §6.2.2, §6.2.3).
pub(crate) fn departure(url: &str) -> Option<&'static str> {
    let (origin, path) = split(url);
    if origin.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some("the host has capital letters, which clients write small");
    }
    let default_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    if origin.ends_with(default_port) {
        return Some("the port is the scheme's own, which clients leave out");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Some("the path has dot segments, which clients resolve");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_strings_stand_between_host_and_path() {
        for (url, address) in [
            ("https://a.example/mcp", "https://a.example/.well-known/x/mcp"),
            ("https://a.example", "https://a.example/.well-known/x"),
            ("https://a.example/", "https://a.example/.well-known/x"),
            ("http://127.0.0.1:9/a/b", "http://127.0.0.1:9/.well-known/x/a/b"),
        ] {
            assert_eq!(well_known(url, "x"), address);
        }
        assert_eq!(
            well_known_root("https://a.example/mcp", "x"),
            "https://a.example/.well-known/x"
        );
    }

    #[test]
    fn what_a_url_library_changes_is_told() {
        for (url, changed) in [
            ("https://a.example/mcp", false),
            ("https://a.example:8443/MCP", false),
            ("https://A.example/mcp", true),
            ("https://a.example:443/mcp", true),
            ("http://127.0.0.1:80/mcp", true),
            ("http://127.0.0.1:8080/mcp", false),
            ("https://a.example/x/../mcp", true),
        ] {
            assert_eq!(departure(url).is_some(), changed, "{url}");
        }
    }
}
