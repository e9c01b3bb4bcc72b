//! The checks on configured URLs: what may be fetched, what may be announced.

use std::net::{IpAddr, Ipv6Addr};

use super::{Network, invalid};
use crate::error::{Result, quoted};

/// The pieces of a URL that the policy looks at; the text itself is used as configured.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
}

/// A URL whose keys or tokens are trusted: https, or http to this very machine where allowed.
pub(super) fn check_fetchable(setting: &str, text: &str, network: &Network) -> Result<()> {
    let parts = split(setting, text)?;
    match parts.scheme {
        "https" => Ok(()),
        "http" if network.allows_http_to(parts.host) => Ok(()),
        "http" if is_loopback(parts.host) => {
            Err(invalid(setting, format!("is {}, which is not encrypted", quoted(text)))
                .with_hint("for a local test server set allow_insecure_loopback"))
        }
        "http" => Err(invalid(
            setting,
            format!("is {}: keys fetched without TLS can be anybody's", quoted(text)),
        )
        .with_hint(encrypted_hint(&text[parts.scheme.len() + 3..], parts.host))),
        _ => Err(invalid(setting, format!("is {}, not an https:// URL", quoted(text)))),
    }
}

fn encrypted_hint(rest: &str, host: &str) -> String {
    let is_local =
        !host.contains('.') || [".internal", ".local"].iter().any(|it| host.ends_with(it));
    let or = if is_local { ", or name the host in allow_insecure_http" } else { "" };
    format!("use https://{rest}{or}")
}

/// A URL that names this server to clients. It is compared and announced, never fetched.
pub(super) fn check_public(setting: &str, text: &str) -> Result<()> {
    match split(setting, text)?.scheme {
        "https" | "http" => Ok(()),
        _ => Err(invalid(setting, format!("is {}, not an https:// URL", quoted(text)))),
    }
}

/// Whether a text is such a URL.
pub(super) fn is_public(text: &str) -> bool {
    check_public("", text).is_ok()
}

/// A path below the base URL.
pub(super) fn check_path(setting: &str, path: &str) -> Result<()> {
    if !is_url_text(path) || path.contains(['?', '#']) {
        return Err(invalid(setting, format!("is {}, not a plain path", quoted(path))));
    }
    Ok(())
}

/// A URL in the normal form of RFC 3986 §6.2.2: scheme and host in lower case, without the scheme's own port. The rest
/// stays as it is. A text that is no URL stays as it is altogether.
pub(super) fn normal(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // What stands before an @ is no host: a proxy's user and password.
    let host_at = authority.rfind('@').map_or(0, |at| at + 1);
    let (credentials, authority) = authority.split_at(host_at);
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let own_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let host = authority.strip_suffix(own_port).unwrap_or(&authority);
    // `http://:80` names no host.
    let host = if host.is_empty() { &authority } else { host };
    format!("{scheme}://{credentials}{host}{path}")
}

/// What stands around a value and is not part of it, as container env files and editors leave it there.
pub(super) fn refuse_wrapping(setting: &str, text: &str) -> Result<()> {
    let bare =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    let has = |wanted: fn(char) -> bool| {
        bare.len() < text.len() && (text.starts_with(wanted) || text.ends_with(wanted))
    };
    let problem = if has(|c| c == '\u{feff}') {
        "begins with a byte-order mark; save the file without one"
    } else if has(|c| matches!(c, '"' | '\'')) {
        "has quotes around it that are part of the value; leave them out"
    } else if has(char::is_whitespace) {
        "has white space around it; leave it out"
    } else {
        return Ok(());
    };
    Err(invalid(setting, problem))
}

fn split<'a>(setting: &str, text: &'a str) -> Result<Parts<'a>> {
    refuse_wrapping(setting, text)?;
    let Some((scheme, rest)) = text.split_once("://") else {
        // What stands before an @ may be a password: such a text is not repeated.
        if text.contains('@') {
            return Err(invalid(setting, "does not start with https://"));
        }
        let error = invalid(setting, format!("is {}, without https://", quoted(text)));
        let names_a_host =
            is_url_text(text) && !text.is_empty() && !text.starts_with('/') && !text.contains(':');
        return Err(if names_a_host {
            error.with_hint(format!("set it to https://{text}"))
        } else {
            error
        });
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let problem = if !is_url_text(text) {
        "contains a space, a control character or a character outside ASCII"
    } else if authority.contains('@') {
        "contains a user name or password"
    } else if text.contains('#') {
        "contains a fragment"
    } else if text.contains('?') && setting != "jwks_url" {
        "contains a query"
    } else if !is_authority(authority) {
        "does not name a host"
    } else {
        return Ok(Parts { scheme, host: host(authority) });
    };
    Err(invalid(setting, problem))
}

/// Characters that a URL is spelled with (RFC 3986 §2); the rest must be percent-encoded.
fn is_url_text(text: &str) -> bool {
    text.bytes().all(|b| {
        b.is_ascii_graphic()
            && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    })
}

pub(super) fn is_authority(authority: &str) -> bool {
    let host = host(authority);
    let port = &authority[host.len()..];
    let port_fits = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok());
    let host_fits = match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(['[', ']', ':']),
    };
    host_fits && port_fits
}

/// The host of an authority, brackets of an IPv6 address included.
fn host(authority: &str) -> &str {
    let after_bracket = authority.find(']').map_or(0, |at| at + 1);
    let end = authority[after_bracket..].find(':').map_or(authority.len(), |at| after_bracket + at);
    &authority[..end]
}

/// The host of a URL that has been checked.
pub(crate) fn host_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    host(rest.split(['/', '?', '#']).next().unwrap_or_default())
}

/// A name, and no address: a last label of digits alone is read as one by some resolvers.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        !label.is_empty() && label.len() <= 63 && label.bytes().all(fits)
    };
    let is_number = |label: &str| {
        let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
        hex.map_or(label.bytes().all(|octet| octet.is_ascii_digit()), |digits| {
            digits.bytes().all(|octet| octet.is_ascii_hexdigit())
        })
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(is_label) && !is_number(last)
}

pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn network(allow_insecure_loopback: bool, hosts: &[&str]) -> Network {
        let builder =
            Config::builder().authkit_domain("https://a.example").resource("https://b.example");
        let builder = builder.allow_insecure_loopback(allow_insecure_loopback);
        builder.allow_insecure_http(hosts.iter().copied()).build().unwrap().network
    }

    #[test]
    fn only_https_or_an_allowed_host_may_be_fetched() {
        let strict = network(false, &[]);
        for good in [
            "https://a.example",
            "https://a.example:8443/x/y",
            "https://[::1]/jwks",
            "https://1.2.3.4",
        ] {
            assert!(check_fetchable("u", good, &strict).is_ok(), "{good}");
        }
        for local in
            ["http://127.0.0.1:9/jwks", "http://localhost", "http://[::1]:9", "http://127.8.8.8"]
        {
            assert!(check_fetchable("u", local, &network(true, &[])).is_ok(), "{local}");
            assert!(check_fetchable("u", local, &strict).is_err(), "{local}");
        }
        let bad = [
            "http://a.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "file:///etc/passwd",
            "https://user@a.example",
            "https://user:pw@a.example",
            "https://a.example#x",
            "https://a.example/?q",
            "https://",
            "https://:443",
            "https://a.example:99999",
            "https://a b.example",
            "https://é.example",
            "https://[::1",
            "https://a.example\r\nX: y",
            "https://a\\@b.example",
            "a.example",
            "",
            "://",
            "ftp://a.example",
        ];
        for bad in bad {
            assert!(check_fetchable("u", bad, &network(true, &["jwks"])).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_domain_without_a_scheme_gets_the_corrected_url_as_hint() {
        let error =
            check_fetchable("authkit_domain", "p-1.authkit.app", &network(false, &[])).unwrap_err();
        assert_eq!(error.hint(), Some("set it to https://p-1.authkit.app"));
        let error =
            check_fetchable("authkit_domain", "http://p-1.authkit.app", &network(false, &[]))
                .unwrap_err();
        assert_eq!(error.hint(), Some("use https://p-1.authkit.app"));
        let error = check_fetchable("authkit_domain", "http://keycloak:8080", &network(false, &[]));
        let hint = "use https://keycloak:8080, or name the host in allow_insecure_http";
        assert_eq!(error.unwrap_err().hint(), Some(hint));
    }

    #[test]
    fn http_is_allowed_to_named_hosts_and_to_no_other() {
        let named = network(false, &["host.docker.internal", "JWKS", "my_service"]);
        for good in [
            "http://jwks/oauth2/jwks",
            "http://jwks:8080",
            "http://Host.Docker.INTERNAL:1/x",
            "http://my_service",
        ] {
            assert!(check_fetchable("u", good, &named).is_ok(), "{good}");
        }
        for bad in [
            "http://jwks.example",
            "http://jwks.",
            "http://xjwks",
            "http://docker.internal",
            "http://x.host.docker.internal",
            "http://localhost",
            "http://127.0.0.1",
            "http://[::1]",
            "http://jwks@a.example",
            "ftp://jwks",
        ] {
            assert!(check_fetchable("u", bad, &named).is_err(), "{bad}");
        }
        for no_name in [
            "*",
            "*.internal",
            "",
            "http://jwks",
            "jwks:80",
            "jwks/",
            "127.0.0.1",
            "::1",
            "[::1]",
            "a..b",
            "1",
            "127.1",
            "0x7f",
            "jwks.",
            "é",
        ] {
            assert!(!is_host_name(no_name), "{no_name}");
        }
        assert_eq!(host_of("http://jwks:8080/x"), "jwks");
        assert_eq!(host_of("http://[::1]:1?q"), "[::1]");
    }
}
