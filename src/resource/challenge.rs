//! `WWW-Authenticate: Bearer` (RFC 6750 §3, RFC 9728 §5.1): what a client is told that may not go on.

/// What this server's challenges say beside the error.
#[derive(Debug, Default)]
pub(crate) struct Terms<'t> {
    /// All scopes that the operation needs, so that a client asks for them at once.
    pub(crate) scopes: Vec<&'t str>,
    /// Where the protected resource metadata are, if there are any.
    pub(crate) metadata_url: Option<&'t str>,
}

impl<'t> Terms<'t> {
    /// Where the metadata are, and no more.
    pub(crate) fn without_scopes(&self) -> Terms<'t> {
        Terms { scopes: Vec::new(), metadata_url: self.metadata_url }
    }
}

/// An error code and its sentence, as a client may see them.
pub(crate) type Told<'t> = Option<(&'t str, &'t str)>;

/// The challenge's value. Without credentials no error is named (RFC 6750 §3.1).
pub(crate) fn challenge(error: Told<'_>, terms: &Terms<'_>) -> String {
    let mut parameters = Vec::with_capacity(4);
    if let Some((code, description)) = error {
        parameters.push(("error", code.to_owned()));
        parameters.push(("error_description", description.to_owned()));
    }
    if !terms.scopes.is_empty() {
        parameters.push(("scope", terms.scopes.join(" ")));
    }
    if let Some(url) = terms.metadata_url {
        parameters.push(("resource_metadata", url.to_owned()));
    }
    if parameters.is_empty() {
        // At least one must follow the scheme (RFC 6750 §3).
        parameters.push(("realm", "mcp".to_owned()));
    }
    let parameters: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", quoted_string(value))).collect();
    format!("Bearer {}", parameters.join(", "))
}

/// A quoted-string (RFC 9110 §5.6.4). What has no place in one, line breaks first of all, becomes `?`.
fn quoted_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";

    #[test]
    fn a_challenge_reads_as_the_specifications_spell_it() {
        let both = Terms { scopes: vec!["a", "b"], metadata_url: Some(URL) };
        let none = Terms::default();
        let url = Terms { scopes: Vec::new(), metadata_url: Some(URL) };
        let error = Some(("invalid_token", "The access token expired"));
        for (told, terms, expected) in [
            (None, &both, format!("Bearer scope=\"a b\", resource_metadata=\"{URL}\"")),
            (None, &url, format!("Bearer resource_metadata=\"{URL}\"")),
            (None, &none, "Bearer realm=\"mcp\"".to_owned()),
            (
                error,
                &both,
                format!(
                    "Bearer error=\"invalid_token\", error_description=\"The access token expired\", \
                     scope=\"a b\", resource_metadata=\"{URL}\""
                ),
            ),
            (
                error,
                &none,
                "Bearer error=\"invalid_token\", error_description=\"The access token expired\""
                    .to_owned(),
            ),
        ] {
            assert_eq!(challenge(told, terms), expected);
        }
    }

    #[test]
    fn nothing_leaves_a_quoted_string_early() {
        for (text, expected) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            (r#"a", error="none"#, r#""a\", error=\"none""#),
            (r"a\", r#""a\\""#),
            ("a\r\nSet-Cookie: x", r#""a??Set-Cookie: x""#),
            ("\0\t\u{7f}\u{85}\u{2028}\u{e9}\u{ff02}", r#""???????""#),
        ] {
            assert_eq!(quoted_string(text), expected, "{text:?}");
        }
    }
}
