//! `WWW-Authenticate` by the letter of its grammar (RFC 9110 §11.6.1, RFC 6750 §3): what a lenient
//! client forgives, a strict one does not.

/// One challenge of the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// In lower case: the scheme's case does not matter (RFC 9110 §11.1).
    pub(crate) scheme: String,
    /// In place of parameters (RFC 9110 §11.2).
    token68: Option<String>,
    /// Names in lower case, values without their quotes.
    parameters: Vec<(String, String)>,
}

impl Challenge {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The first departure from the grammar, a phrase for a person.
pub(crate) type Violation = &'static str;

/// Reads a field value whole. Parameters after a comma belong to the challenge before them.
pub(crate) fn parse(value: &str) -> Result<Vec<Challenge>, Violation> {
    let mut reader = Reader { rest: value };
    let mut challenges: Vec<Challenge> = Vec::new();
    loop {
        let name = reader.token()?;
        match challenges.last_mut() {
            Some(challenge) if reader.is_at_equals_sign() => reader.parameter(name, challenge)?,
            _ => challenges.push(reader.challenge(name)?),
        }
        reader.white_space();
        if reader.rest.is_empty() {
            return Ok(challenges);
        }
        reader.expect(',', "something other than a comma follows a parameter or a challenge")?;
        reader.white_space();
        if reader.rest.is_empty() || reader.rest.starts_with(',') {
            return Err("the list has an empty element");
        }
    }
}

/// What RFC 6750 §3 says of a `Bearer` challenge beyond the grammar.
pub(crate) fn check_bearer(challenge: &Challenge) -> Result<(), Violation> {
    if challenge.token68.is_some() {
        return Err("Bearer is followed by something other than parameters");
    }
    // %x20-21 / %x23-5B / %x5D-7E: quotes and backslashes have no place, not even escaped ones.
    let is_plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    for (name, value) in &challenge.parameters {
        if ["error", "error_description", "error_uri"].contains(&name.as_str())
            && !value.chars().all(is_plain)
        {
            return Err("error or error_description has a character that RFC 6750 §3 leaves out");
        }
        if name == "scope" && !is_scope(value, is_plain) {
            return Err("scope is not a list of scope tokens with one space between (RFC 6750 §3)");
        }
    }
    Ok(())
}

fn is_scope(value: &str, is_plain: impl Fn(char) -> bool) -> bool {
    value.split(' ').all(|scope| !scope.is_empty() && scope.chars().all(&is_plain))
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// `challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]`, up to its first parameter.
    fn challenge(&mut self, scheme: &str) -> Result<Challenge, Violation> {
        let mut challenge = Challenge {
            scheme: scheme.to_ascii_lowercase(),
            token68: None,
            parameters: Vec::new(),
        };
        if !self.rest.starts_with(' ') {
            return Ok(challenge);
        }
        self.rest = self.rest.trim_start_matches(' ');
        if self.rest.is_empty() || self.rest.starts_with(',') {
            return Ok(challenge);
        }
        if let Some(token68) = self.token68() {
            challenge.token68 = Some(token68.to_owned());
            return Ok(challenge);
        }
        let name = self.token()?;
        self.parameter(name, &mut challenge)?;
        Ok(challenge)
    }

    /// `auth-param = token BWS "=" BWS ( token / quoted-string )`, the name being read already.
    fn parameter(&mut self, name: &str, challenge: &mut Challenge) -> Result<(), Violation> {
        self.white_space();
        self.expect('=', "a parameter has no value")?;
        self.white_space();
        let value = match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted_string()?
            }
            None => self.token()?.to_owned(),
        };
        let name = name.to_ascii_lowercase();
        if challenge.get(&name).is_some() {
            return Err("a parameter occurs twice");
        }
        challenge.parameters.push((name, value));
        Ok(())
    }

    /// The rest of `quoted-string`, its opening quote being read already (RFC 9110 §5.6.4).
    fn quoted_string(&mut self) -> Result<String, Violation> {
        let mut value = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(value);
                }
                '\\' => match characters.next() {
                    Some((_, escaped)) if is_text(escaped) => value.push(escaped),
                    _ => return Err("a quoted string ends in a backslash"),
                },
                _ if is_text(character) => value.push(character),
                _ => return Err("a quoted string has a control or non-ASCII character"),
            }
        }
        Err("a quoted string has no end")
    }

    fn token(&mut self) -> Result<&'a str, Violation> {
        let token = self.take_while(is_token_character);
        if token.is_empty() {
            Err("a name or value is missing or has a character that is not allowed")
        } else {
            Ok(token)
        }
    }

    /// `token68`, where all that is left of the element is one (RFC 9110 §11.2).
    fn token68(&mut self) -> Option<&'a str> {
        let end = self.rest.find([',', ' ', '\t']).unwrap_or(self.rest.len());
        let (candidate, rest) = self.rest.split_at(end);
        let core = candidate.trim_end_matches('=');
        let fits = !core.is_empty()
            && core.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
        let is_parameter = rest.trim_start_matches([' ', '\t']).starts_with('=');
        if !fits || is_parameter {
            return None;
        }
        self.rest = rest;
        Some(candidate)
    }

    fn is_at_equals_sign(&self) -> bool {
        self.rest.trim_start_matches([' ', '\t']).starts_with('=')
    }

    fn white_space(&mut self) {
        self.take_while(|c| c == ' ' || c == '\t');
    }

    fn expect(&mut self, character: char, otherwise: Violation) -> Result<(), Violation> {
        self.rest = self.rest.strip_prefix(character).ok_or(otherwise)?;
        Ok(())
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

/// `tchar` (RFC 9110 §5.6.2).
fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

/// What a quoted string may hold, less `obs-text`: its encoding is anybody's guess.
fn is_text(character: char) -> bool {
    matches!(character, '\t' | ' '..='~')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_grammar_allows() {
        for (value, schemes) in [
            ("Bearer", &["bearer"][..]),
            ("bEARER", &["bearer"]),
            (r#"Bearer scope="a b", resource_metadata="https://a.example/x""#, &["bearer"]),
            (r#"Bearer realm = token ,scope="a""#, &["bearer"]),
            ("Negotiate YWJj==, Bearer error=\"invalid_token\"", &["negotiate", "bearer"]),
            (r#"Bearer error="x", Basic realm="y", charset="UTF-8""#, &["bearer", "basic"]),
            ("Basic, Bearer", &["basic", "bearer"]),
            (r#"Digest a="\"\\", b=c"#, &["digest"]),
        ] {
            let read: Vec<String> =
                parse(value).unwrap().into_iter().map(|challenge| challenge.scheme).collect();
            assert_eq!(read, schemes, "{value}");
        }
        let challenge = &parse(r#"Bearer Scope="a b" , x = "q\"\\" "#).unwrap()[0];
        assert_eq!(challenge.get("scope"), Some("a b"));
        assert_eq!(challenge.get("x"), Some("q\"\\"));
        assert_eq!(challenge.get("realm"), None);
    }

    #[test]
    fn refuses_what_it_does_not() {
        for value in [
            "",
            " ",
            ",",
            "Bearer,",
            "Bearer ,, Basic",
            r#"Bearer error="a"b"c""#,
            r#"Bearer error="not closed"#,
            r#"Bearer error="closed\""#,
            r#"Bearer error="a" scope="b""#,
            r#"Bearer error=invalid token"#,
            "Bearer error=\"caf\u{e9}\"",
            "Bearer error=\"a\u{1}b\"",
            r#"Bearer error="a", error="b""#,
            r#"Bearer ="a""#,
            "Bea(rer",
            r#"Bearer "a""#,
        ] {
            assert!(parse(value).is_err(), "{value:?}");
        }
    }

    /// Deterministic, so that a failure can be had again.
    #[test]
    fn no_text_makes_it_panic_and_nothing_invisible_passes() {
        let alphabet: Vec<char> = "Bb =,\"\\\t;a\u{0}\u{7f}\u{e9}\r\n".chars().collect();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut read = 0;
        for _ in 0..100_000 {
            let mut text = String::new();
            for _ in 0..state % 20 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
            }
            state = state.wrapping_add(0x1234_5678_9abc_def1).rotate_left(17);
            if parse(&text).is_ok() {
                read += 1;
                assert!(text.chars().all(is_text), "{text:?}");
            }
        }
        assert!(read > 100, "{read} of 100,000 keep to the grammar");
    }

    #[test]
    fn a_bearer_challenge_keeps_to_the_characters_of_its_rfc() {
        for (value, fits) in [
            (
                r#"Bearer error="invalid_token", error_description="it's bad; see log", scope="a b:c""#,
                true,
            ),
            (r#"Bearer error_description="a \"quoted\" word""#, false),
            (r#"Bearer error_description="back\\slash""#, false),
            (r#"Bearer scope="a  b""#, false),
            (r#"Bearer scope="""#, false),
            (r#"Bearer scope=" a""#, false),
            ("Bearer abc=", false),
            (r#"Bearer resource_metadata="https://a.example/\"x""#, true),
        ] {
            let challenges = parse(value).unwrap();
            assert_eq!(check_bearer(&challenges[0]).is_ok(), fits, "{value}");
        }
    }
}
