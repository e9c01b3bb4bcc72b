//! Answers that send the verifier elsewhere: the keys' address is the configured one, or nobody's.

use super::{Ask, Reply, answer, octets, set};

/// `redirect-NNN` to the same server, or `redirect-WHERE`. A body of rogue keys comes with each.
pub(super) fn reply(name: &str, ask: &Ask<'_>) -> Option<Reply> {
    let rest = name.strip_prefix("redirect-")?;
    let (url, evil) = (ask.url, format!("{}/evil/oauth2/jwks", ask.evil));
    let evil_authority = evil.trim_start_matches("http://");
    let here = format!("{url}/ok/oauth2/jwks");
    let (status, location) = match rest {
        "evil" | "other-host" => (302, evil),
        "userinfo" => (302, format!("{}@{evil_authority}", url)),
        "protocol-relative" => (302, format!("//{evil_authority}")),
        "backslash" => (302, format!("\\\\{evil_authority}")),
        "https" => (302, evil.replacen("http:", "https:", 1)),
        "file" => (302, "file:///etc/passwd".to_owned()),
        "data" => (302, format!("data:application/json,{}", set(&["rogue"]))),
        "loop" => (302, format!("{url}{}", ask.path)),
        "chain" => (302, format!("{url}{}x", ask.path)),
        "relative" => (302, "../../ok/oauth2/jwks".to_owned()),
        "empty" => (302, String::new()),
        "garbage" => (302, "http://[".to_owned()),
        "huge" => (302, format!("{here}?{}", "a".repeat(32 * 1024))),
        "none" => return Some(octets(answer("302 X", &[], set(&["rogue"])))),
        "refresh" => {
            let line = format!("refresh: 0; url={evil}");
            return Some(octets(answer("200 OK", &[&line], "<html></html>")));
        }
        "chainx" => (302, here),
        status if status.len() == 3 => (status.parse().ok()?, here),
        _ if rest.starts_with("chainx") => (302, format!("{url}{}x", ask.path)),
        _ => return None,
    };
    let line = format!("location: {location}");
    Some(octets(answer(&format!("{status} X"), &[&line], set(&["rogue"]))))
}
