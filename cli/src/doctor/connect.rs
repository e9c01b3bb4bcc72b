//! Where a server is reached that is not public yet.

use std::str::FromStr;

use authkit::conformance::Place;

/// A place to connect to, and whether it speaks TLS there as its public URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connect {
    pub(crate) place: Place,
    /// Given with `http://`: a proxy that is not there yet will bring the TLS.
    pub(crate) is_plain: bool,
}

impl FromStr for Connect {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (authority, is_plain) = match text.split_once("://") {
            None => (text, false),
            Some(("https", rest)) => (rest, false),
            Some(("http", rest)) => (rest, true),
            Some(_) => return Err(FORM),
        };
        let (host, port) = authority.rsplit_once(':').ok_or(FORM)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(FORM)?;
        let is_address = host.starts_with('[') && host.ends_with(']');
        let is_name = !host.is_empty()
            && host.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(&octet));
        match is_address || is_name {
            true => Ok(Self { place: Place { host: host.to_owned(), port }, is_plain }),
            false => Err(FORM),
        }
    }
}

const FORM: &str =
    "write HOST:PORT, such as 127.0.0.1:8443, or http://HOST:PORT for a server without TLS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_and_a_port() {
        for (text, host, port, is_plain) in [
            ("127.0.0.1:8443", "127.0.0.1", 8443, false),
            ("https://localhost:1", "localhost", 1, false),
            ("http://[::1]:8000", "[::1]", 8000, true),
        ] {
            let place = Place { host: host.to_owned(), port };
            assert_eq!(text.parse(), Ok(Connect { place, is_plain }), "{text}");
        }
        for text in
            ["", "localhost", ":1", "a:0", "a:65536", "a:1/mcp", "ftp://a:1", "::1:80", "u@a:1"]
        {
            assert_eq!(text.parse::<Connect>(), Err(FORM), "{text}");
        }
    }
}
