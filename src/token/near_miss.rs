//! How two URLs that should be one differ: the slips of settings, dashboards and clients, each with its name. Issuers
//! and audiences are compared exactly, so the smallest slip refuses every token.

/// The one way in which a URL differs from the one that was expected. Only what was compared. The smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NearMiss {
    /// One has a slash at its end.
    TrailingSlash,
    /// One is http, the other https.
    Scheme,
    /// The scheme or the host is partly in upper case (RFC 3986 §6.2.2.1).
    Case,
    /// One names its scheme's usual port (RFC 3986 §6.2.3).
    DefaultPort,
    /// The ports are others.
    Port,
    /// Both hosts are names of this very machine.
    Loopback,
    /// Several of those above.
    Spelling,
    /// It lacks the end of the expected path.
    WithoutPath,
    /// It repeats the end of the expected path.
    PathTwice,
    /// It is the address of a well-known document (RFC 8615) of the expected one.
    WellKnown,
    /// It goes on where the expected path ends.
    Below,
    /// The paths are others.
    Path,
    /// It has a query.
    Query,
    /// It has a fragment.
    Fragment,
    /// The same path on another host.
    Host,
}

/// A URL's pieces as texts, none of them decoded.
#[derive(Debug, Clone, Copy)]
struct Parts<'u> {
    scheme: &'u str,
    host: &'u str,
    port: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
    fragment: Option<&'u str>,
}

impl<'u> Parts<'u> {
    /// `None` for what is no `http:` or `https:` URL, or has a user in it.
    fn of(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let (rest, fragment) = cut(rest, '#');
        let (rest, query) = cut(rest, '?');
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // Colons in brackets are an IPv6 address's.
        let port_at = authority.rfind(':').filter(|at| authority.rfind(']') < Some(*at));
        let (host, port) = authority.split_at(port_at.unwrap_or(authority.len()));
        let is_host = !host.is_empty() && !host.contains('@');
        let port = port.strip_prefix(':');
        is_host.then_some(Self { scheme, host, port, path, query, fragment })
    }

    fn is_default_port(&self) -> bool {
        match self.port {
            None => true,
            Some(port) if self.scheme.eq_ignore_ascii_case("https") => port == "443",
            Some(port) => port == "80",
        }
    }

    fn is_loopback(&self) -> bool {
        ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]
            .iter()
            .any(|name| self.host.eq_ignore_ascii_case(name))
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// How `came` differs from the URL that was expected; `None` if they are equal, too different, or no URLs.
pub(crate) fn between(expected: &str, came: &str) -> Option<NearMiss> {
    let (ours, theirs) = (Parts::of(expected)?, Parts::of(came)?);
    let path = path(&ours, &theirs);
    let Some(mut origin) = origin(&ours, &theirs) else {
        let is_path = path.is_none() && !ours.path.trim_matches('/').is_empty();
        return is_path.then_some(NearMiss::Host);
    };
    match path {
        Some(NearMiss::TrailingSlash) => origin.push(NearMiss::TrailingSlash),
        Some(path) => return origin.is_empty().then_some(path),
        None => {}
    }
    match origin.as_slice() {
        [] => None,
        [only] => Some(*only),
        [..] if origin.contains(&NearMiss::Port) => None,
        [..] => Some(NearMiss::Spelling),
    }
}

/// How the origins differ; `None` if the hosts are others.
fn origin(ours: &Parts<'_>, theirs: &Parts<'_>) -> Option<Vec<NearMiss>> {
    let mut found = Vec::new();
    if !ours.scheme.eq_ignore_ascii_case(theirs.scheme) {
        found.push(NearMiss::Scheme);
    }
    if !ours.host.eq_ignore_ascii_case(theirs.host) {
        if !(ours.is_loopback() && theirs.is_loopback()) {
            return None;
        }
        found.push(NearMiss::Loopback);
    } else if ours.host != theirs.host || (found.is_empty() && ours.scheme != theirs.scheme) {
        found.push(NearMiss::Case);
    }
    if ours.port != theirs.port {
        let are_default = ours.is_default_port() && theirs.is_default_port();
        found.push(if are_default { NearMiss::DefaultPort } else { NearMiss::Port });
    }
    Some(found)
}

/// How path, query and fragment differ.
fn path(ours: &Parts<'_>, theirs: &Parts<'_>) -> Option<NearMiss> {
    let bare = |path| str::strip_suffix(path, '/').unwrap_or(path);
    let (expected, came) = (bare(ours.path), bare(theirs.path));
    let is_below = |path: &str, above: &str| {
        path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
    };
    if expected == came {
        return match (ours.query == theirs.query, ours.fragment == theirs.fragment) {
            (false, _) => Some(NearMiss::Query),
            (true, false) => Some(NearMiss::Fragment),
            (true, true) => (ours.path != theirs.path).then_some(NearMiss::TrailingSlash),
        };
    }
    if theirs.path.contains("/.well-known/") && !ours.path.contains("/.well-known/") {
        Some(NearMiss::WellKnown)
    } else if is_below(expected, came) {
        Some(NearMiss::WithoutPath)
    } else if is_below(came, expected) {
        let repeats = came.strip_prefix(expected).is_some_and(|rest| expected.ends_with(rest));
        Some(if repeats { NearMiss::PathTwice } else { NearMiss::Below })
    } else {
        Some(NearMiss::Path)
    }
}

/// What AuthKit's own domains end with.
const AUTHKIT: &str = ".authkit.app";
/// What the first label of a staging environment's domain ends with, as in `word-word-12345-staging.authkit.app`.
const STAGING: &str = "-staging";

/// How the AuthKit domains of two projects or environments differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherDomain {
    /// The token's is a staging environment's, and the expected one is not.
    Staging,
    /// The expected one is a staging environment's, and the token's is not.
    Production,
    /// They differ in one or two characters.
    Similar,
    /// Another one.
    Project,
}

/// How an issuer's AuthKit domain differs from the trusted one; `None` unless both are AuthKit domains.
pub(crate) fn between_domains(trusted: &str, came: &str) -> Option<OtherDomain> {
    let label = |url| Parts::of(url)?.host.strip_suffix(AUTHKIT);
    let (trusted, came) = (label(trusted)?, label(came)?);
    match (trusted.ends_with(STAGING), came.ends_with(STAGING)) {
        _ if trusted == came => None,
        (false, true) => Some(OtherDomain::Staging),
        (true, false) => Some(OtherDomain::Production),
        _ if are_similar(trusted, came) => Some(OtherDomain::Similar),
        _ => Some(OtherDomain::Project),
    }
}

/// Whether two texts differ in one or two octets: replaced, missing, added or swapped ones in one place.
pub(crate) fn are_similar(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(start..).unwrap_or_default(), b.get(start..).unwrap_or_default());
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    a.len().max(b.len()) - end <= 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_slip_is_named() {
        use NearMiss as Miss;
        let ours = "https://x.example/mcp";
        for (came, expected) in [
            (ours, None),
            ("https://x.example/mcp/", Some(Miss::TrailingSlash)),
            ("http://x.example/mcp", Some(Miss::Scheme)),
            ("HTTPS://x.example/mcp", Some(Miss::Case)),
            ("https://X.example/mcp", Some(Miss::Case)),
            ("https://x.example:443/mcp", Some(Miss::DefaultPort)),
            ("https://x.example:8443/mcp", Some(Miss::Port)),
            ("https://x.example:8443/mcp/", None),
            ("https://X.example:443/mcp/", Some(Miss::Spelling)),
            ("http://x.example:80/mcp", Some(Miss::Spelling)),
            ("https://x.example", Some(Miss::WithoutPath)),
            ("https://x.example/", Some(Miss::WithoutPath)),
            ("https://x.example/mcp/mcp", Some(Miss::PathTwice)),
            ("https://x.example/mcp/mcp/", Some(Miss::PathTwice)),
            ("https://x.example/mcp/.well-known/openid-configuration", Some(Miss::WellKnown)),
            ("https://x.example/.well-known/oauth-protected-resource/mcp", Some(Miss::WellKnown)),
            ("https://x.example/mcp/sse", Some(Miss::Below)),
            ("https://x.example/sse", Some(Miss::Path)),
            ("https://x.example/mcp?a", Some(Miss::Query)),
            ("https://x.example/mcp?", Some(Miss::Query)),
            ("https://x.example/mcp#a", Some(Miss::Fragment)),
            ("https://y.example/mcp", Some(Miss::Host)),
            ("http://localhost:8000/mcp", Some(Miss::Host)),
            ("https://y.example/", None),
            ("https://user@x.example/mcp", None),
            ("client_01", None),
            ("ftp://x.example/mcp", None),
            ("https:///mcp", None),
            ("", None),
        ] {
            assert_eq!(between(ours, came), expected, "{came}");
        }
        let local = ["http://localhost:1/mcp", "http://127.0.0.1:1/mcp", "http://[::1]:1/mcp"];
        for (at, ours) in local.into_iter().enumerate() {
            for other in local.iter().skip(at + 1) {
                assert_eq!(between(ours, other), Some(Miss::Loopback), "{ours} {other}");
                assert_eq!(between(other, ours), Some(Miss::Loopback), "{other} {ours}");
            }
        }
        assert_eq!(between("https://x.example", "https://y.example"), None);
    }

    #[test]
    fn authkit_domains_are_told_apart() {
        use OtherDomain as Other;
        for (trusted, came, expected) in [
            ("sharp-ice-12", "calm-sea-34", Some(Other::Project)),
            ("sharp-ice-12", "sharp-ice-21", Some(Other::Similar)),
            ("sharp-ice-12", "sharp-ice-123", Some(Other::Similar)),
            ("sharp-ice-12", "sharp-ice-12-staging", Some(Other::Staging)),
            ("sharp-ice-12-staging", "calm-sea-34", Some(Other::Production)),
            ("sharp-ice-12-staging", "calm-sea-34-staging", Some(Other::Project)),
            ("sharp-ice-12", "sharp-ice-12", None),
        ] {
            let url = |label| format!("https://{label}.authkit.app");
            assert_eq!(between_domains(&url(trusted), &url(came)), expected, "{trusted} {came}");
        }
        assert_eq!(between_domains("https://a.authkit.app", "https://auth.example"), None);
    }

    proptest! {
        #[test]
        fn each_change_of_a_url_is_named_as_itself(
            host in "[a-z][a-z0-9]{0,8}(-[a-z]{1,5})?\\.[a-z]{2,6}",
            port in prop_oneof![Just(None), (1024_u16..60000).prop_map(Some)],
            first in "[a-z]{1,8}", second in prop_oneof![Just(None), "[0-9]{1,8}".prop_map(Some)],
            is_tls in any::<bool>(),
        ) {
            use NearMiss as Miss;
            let scheme = if is_tls { "https" } else { "http" };
            let other_scheme = if is_tls { "http" } else { "https" };
            let at = port.map(|port| format!(":{port}")).unwrap_or_default();
            let path = format!("/{first}{}", second.map(|it| format!("/{it}")).unwrap_or_default());
            let rest = format!("{host}{at}{path}");
            let ours = format!("{scheme}://{rest}");
            let mut changes = vec![
                (format!("{ours}/"), Miss::TrailingSlash),
                (format!("{other_scheme}://{rest}"), Miss::Scheme),
                (format!("{}://{rest}", scheme.to_uppercase()), Miss::Case),
                (format!("{scheme}://{}{at}{path}", host.to_uppercase()), Miss::Case),
                (format!("{scheme}://{host}{at}"), Miss::WithoutPath),
                (format!("{ours}{path}"), Miss::PathTwice),
                (format!("{ours}/.well-known/oauth-protected-resource"), Miss::WellKnown),
                (format!("{ours}?a=b"), Miss::Query),
                (format!("{ours}#a"), Miss::Fragment),
                (format!("{scheme}://not-{rest}"), Miss::Host),
                (format!("{scheme}://{host}:60001{path}"), Miss::Port),
            ];
            if port.is_none() {
                let usual = if is_tls { 443 } else { 80 };
                changes.push((format!("{scheme}://{host}:{usual}{path}"), Miss::DefaultPort));
            }
            for (came, expected) in changes {
                prop_assert_eq!(between(&ours, &came), Some(expected), "{} {}", ours, came);
            }
            prop_assert_eq!(between(&ours, &ours), None);
        }

        #[test]
        fn any_texts_can_be_compared(a in "\\PC{0,40}|https?://\\PC{0,40}", b in "https?://\\PC{0,40}") {
            let _ = (between(&a, &b), between(&b, &a), between_domains(&a, &b), are_similar(&a, &b));
        }
    }
}
