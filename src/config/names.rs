//! A setting's name as its reader knows it: `AUTHKIT_BASE_URL` in the environment, `baseUrl` in Node, `base_url`
//! elsewhere; and where each setting came from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::ConfigBuilder;
use super::environment::variable_of;
use crate::error::Error;

/// How whoever configures a verifier spells the names of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Spelling {
    /// `base_url`.
    #[default]
    Snake,
    /// `baseUrl`.
    Camel,
    /// `AUTHKIT_BASE_URL`.
    Variable,
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Code or JSON.
    Given,
    /// A flag of the command.
    Flag(String),
    /// A variable of the environment, as it is spelled there.
    Variable(String),
    /// A variable of an env file, which is named as errors name it.
    File(String, String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("given"),
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "{name} in the environment"),
            Self::File(name, file) => write!(f, "{name} in {file}"),
        }
    }
}

/// The names of one configuration's settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(super) spelling: Spelling,
    pub(super) origins: BTreeMap<&'static str, Origin>,
}

impl Names {
    /// A setting's name as the reader knows it.
    pub(crate) fn called<'s>(&self, setting: &'s str) -> Cow<'s, str> {
        if !ConfigBuilder::NAMES.contains(&setting) {
            return self.called_inside_issuers(setting).into();
        }
        match (self.origins.get(setting), self.spelling) {
            (Some(Origin::Variable(name) | Origin::File(name, _) | Origin::Flag(name)), _) => {
                name.clone().into()
            }
            (Some(Origin::Given) | None, Spelling::Camel) => camel_case(setting).into(),
            (None, Spelling::Variable) => variable_of(setting).into(),
            (Some(Origin::Given) | None, _) => setting.into(),
        }
    }

    /// A member of an entry of `issuers`, such as `jwks_url`.
    fn called_inside_issuers(&self, member: &str) -> String {
        let member = match self.spelling {
            Spelling::Camel => camel_case(member),
            _ => member.to_owned(),
        };
        format!("{member} in {}", self.called("issuers"))
    }

    /// Where a setting came from; `None` if it was not set.
    pub(super) fn origin(&self, setting: &str) -> Option<&Origin> {
        self.origins.get(setting)
    }

    /// Notes where a setting came from.
    pub(super) fn note(&mut self, setting: &str, origin: Origin) {
        let known = ConfigBuilder::NAMES.iter().find(|known| **known == setting);
        known.and_then(|known| self.origins.insert(known, origin));
    }

    /// An error in the reader's spelling.
    #[cold]
    pub(crate) fn respell(&self, error: Error) -> Error {
        if self.spelling == Spelling::Snake && self.origins.is_empty() {
            return error;
        }
        error.reworded(|sentence| self.respelled(sentence))
    }

    /// One of our sentences with the names of settings as the reader knows them. Leaves alone what is quoted, and words
    /// of English that are settings too (`resource`), unless they begin the sentence, where they are the subject.
    pub(crate) fn respelled(&self, sentence: &str) -> String {
        let mut out = String::with_capacity(sentence.len());
        let (mut rest, mut is_quoted) = (sentence, false);
        while !rest.is_empty() {
            let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let is_name = word.contains('_') || out.is_empty();
            if is_name && !is_quoted && ConfigBuilder::NAMES.contains(&word) {
                out.push_str(&self.called(word));
            } else {
                out.push_str(word);
            }
            let Some(next) = after.chars().next() else { break };
            is_quoted ^= next == '\'' && !is_apostrophe(&out, after);
            out.push(next);
            rest = after.get(next.len_utf8()..).unwrap_or_default();
        }
        out
    }
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Whether a `'` stands inside a word, as in `issuer's`.
fn is_apostrophe(before: &str, from: &str) -> bool {
    let follows = from.chars().nth(1).is_some_and(is_of_name);
    follows && before.ends_with(is_of_name)
}

/// `requiredScopes` for `required_scopes`.
pub(super) fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        camel.extend(part.chars().take(1).map(|first| first.to_ascii_uppercase()));
        camel.push_str(part.get(1..).unwrap_or_default());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(spelling: Spelling) -> Names {
        Names { spelling, ..Names::default() }
    }

    #[test]
    fn a_sentence_names_settings_as_its_reader_does() {
        let sentence = "leeway is wrong; set base_url with mcp_path, not 'base_url', to this server's resource";
        for (spelling, told) in [
            (Spelling::Snake, sentence),
            (
                Spelling::Camel,
                "leeway is wrong; set baseUrl with mcpPath, not 'base_url', to this server's resource",
            ),
            (
                Spelling::Variable,
                "AUTHKIT_LEEWAY is wrong; set AUTHKIT_BASE_URL with AUTHKIT_MCP_PATH, not 'base_url', to this server's resource",
            ),
        ] {
            assert_eq!(names(spelling).respelled(sentence), told);
        }
        for odd in ["", "'", "''", "base_urlx", "é base_url'", "a'b 'c"] {
            assert_eq!(names(Spelling::Snake).respelled(odd), odd);
        }
    }

    #[test]
    fn a_setting_is_called_by_where_it_came_from() {
        let mut names = names(Spelling::Variable);
        names.note("base_url", Origin::Given);
        names.note("required_scopes", Origin::Variable("FASTMCP_X_REQUIRED_SCOPES".to_owned()));
        assert_eq!(names.called("base_url"), "base_url");
        assert_eq!(names.called("required_scopes"), "FASTMCP_X_REQUIRED_SCOPES");
        assert_eq!(names.called("authkit_domain"), "AUTHKIT_DOMAIN");
        assert_eq!(camel_case("accept_client_id_audience"), "acceptClientIdAudience");
    }
}
