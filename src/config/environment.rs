//! The settings in the process environment: `AUTHKIT_*`, and the names of the FastMCP guide.

use super::{ConfigBuilder, invalid};
use crate::error::{Code, Error, Result, quoted};

const PREFIX: &str = "AUTHKIT_";
const FASTMCP_PREFIX: &str = "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_";
/// What the FastMCP guide names; the same settings as ours.
const FASTMCP_NAMES: &[&str] = &["authkit_domain", "base_url", "required_scopes"];
/// `AUTHKIT_*` variables that are not settings: where the bindings look for the library.
const NOT_SETTINGS: &[&str] = &["AUTHKIT_LIBRARY_PATH"];

impl ConfigBuilder {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`Code::Config`] naming the variable that is unknown, not UTF-8, or at odds with its twin.
    pub fn from_environment() -> Result<Self> {
        let mut variables = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            let value = value.into_string().map_err(|_| invalid(name, "is not UTF-8"))?;
            variables.push((name.to_owned(), value));
        }
        Self::from_variables(variables)
    }

    /// Reads variables given as pairs; others than ours are passed over.
    ///
    /// # Errors
    /// As [`Self::from_environment`].
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut builder = Self::default();
        let mut seen: Vec<(&'static str, String, String)> = Vec::new();
        for (variable, value) in variables {
            if !is_ours(&variable) {
                continue;
            }
            let setting = setting_of(&variable)?;
            if let Some((_, other, other_value)) = seen.iter().find(|(name, _, _)| *name == setting)
            {
                if *other_value != value {
                    return Err(invalid(&variable, format!("and {other} say different things")));
                }
                continue;
            }
            builder.set(setting, &value).map_err(|error| named(&variable, error))?;
            seen.push((setting, variable, value));
        }
        Ok(builder)
    }
}

fn is_ours(variable: &str) -> bool {
    (variable.starts_with(PREFIX) && !NOT_SETTINGS.contains(&variable))
        || variable.starts_with(FASTMCP_PREFIX)
}

/// The setting that a variable stands for. An unknown one is refused: a misspelt
/// `AUTHKIT_REQUIRED_SCOPE` must not leave the door open.
fn setting_of(variable: &str) -> Result<&'static str> {
    let (names, suffix) = match variable.strip_prefix(FASTMCP_PREFIX) {
        Some(suffix) => (FASTMCP_NAMES, suffix),
        None => (ConfigBuilder::NAMES, variable.strip_prefix(PREFIX).unwrap_or(variable)),
    };
    let wanted = match variable {
        // Not AUTHKIT_AUTHKIT_DOMAIN.
        "AUTHKIT_DOMAIN" => "authkit_domain".to_owned(),
        _ => suffix.to_ascii_lowercase(),
    };
    names.iter().find(|name| **name == wanted).copied().ok_or_else(|| {
        let known = names.iter().map(|name| variable_of(name)).collect::<Vec<_>>().join(", ");
        Error::new(
            Code::Config,
            format!("the environment variable {} is not known", quoted(variable)),
        )
        .with_hint(format!("the variables are {known}"))
    })
}

fn variable_of(setting: &str) -> String {
    format!("{PREFIX}{}", setting.strip_prefix("authkit_").unwrap_or(setting).to_ascii_uppercase())
}

/// An error about a setting, retold about the variable that the reader can find.
fn named(variable: &str, error: Error) -> Error {
    let retold = Error::new(Code::Config, format!("{variable}: {}", error.reason()));
    match error.hint() {
        Some(hint) => retold.with_hint(hint.to_owned()),
        None => retold,
    }
}
