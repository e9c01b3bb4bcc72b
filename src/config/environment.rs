//! The settings in the process environment and in an env file: `AUTHKIT_*`, and the names of the FastMCP guide.

use std::path::Path;

use super::{ConfigBuilder, env_file, invalid};
use crate::error::{Code, Error, Result, quoted};
use crate::foreign;

const PREFIX: &str = "AUTHKIT_";
const FASTMCP_PREFIX: &str = "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_";
/// What the FastMCP guide names; the same settings as ours.
const FASTMCP_NAMES: &[&str] = &["authkit_domain", "base_url", "required_scopes"];
/// By which FastMCP is told to authenticate at all, and with what: a dotted path to a class.
const FASTMCP_PROVIDER: &str = "FASTMCP_SERVER_AUTH";
/// The class that stands for AuthKit, in whatever package.
const AUTHKIT_PROVIDER: &str = "AuthKitProvider";
/// `AUTHKIT_*` variables that are not settings: where the bindings look for the library.
const NOT_SETTINGS: &[&str] = &["AUTHKIT_LIBRARY_PATH"];

impl ConfigBuilder {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`Code::Config`] naming the variable that is unknown, empty, not UTF-8, or at odds with its twin.
    pub fn from_environment() -> Result<Self> {
        let mut variables = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| is_ours(&canonical(name))) else {
                continue;
            };
            let value = value.into_string().map_err(|_| invalid(name, "is not UTF-8"))?;
            variables.push((name.to_owned(), value));
        }
        Self::from_variables(variables)
    }

    /// Reads the process environment, and for what is not set there an env file (`.env`): lines
    /// `NAME=value`, comments (`#`), an optional `export`, values bare or in single or double quotes. The
    /// process environment wins, setting by setting, and is not changed. References (`${NAME}`) are
    /// refused, not followed. Variables that are not ours are passed over.
    ///
    /// # Errors
    /// [`Code::Config`] as [`Self::from_environment`], or naming the line that cannot be read.
    pub fn from_env_file(path: impl AsRef<Path>) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            // Not repeated: what was meant as a file's name may have been its content.
            .map_err(|error| {
                invalid("the env file", format!("cannot be read: {}", foreign::file(&error)))
            })?;
        let written = Self::from_variables(env_file::variables(&text)?)?;
        Ok(Self::from_environment()?.or(written))
    }

    /// Reads variables given as pairs; others than ours are passed over.
    ///
    /// # Errors
    /// As [`Self::from_environment`].
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut builder = Self::default();
        let mut provider: Option<String> = None;
        let mut of_fastmcp: Option<String> = None;
        let mut seen: Vec<(&'static str, String, String)> = Vec::new();
        for (variable, value) in variables {
            let name = canonical(&variable);
            if name == FASTMCP_PROVIDER {
                provider = Some(value);
                continue;
            }
            if !is_ours(&name) {
                continue;
            }
            let setting = setting_of(&variable)?;
            // `AUTHKIT_REQUIRED_SCOPES=${UNSET}` must not require nothing without a word.
            if value.trim().is_empty() {
                return Err(invalid(&variable, "is set but empty")
                    .with_hint("unset it, or give it a value; an empty list is written []"));
            }
            if name.starts_with(FASTMCP_PREFIX) {
                of_fastmcp.get_or_insert_with(|| variable.clone());
            }
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
        builder.asked_by = asked_by(provider.as_deref(), of_fastmcp)?;
        Ok(builder)
    }

    /// Who asks for AuthKit in FastMCP's words and leaves half of it out is told all that is missing, by
    /// the names that the guide uses: newer FastMCPs ignore these variables and start open.
    pub(super) fn refuse_half_of_fastmcps(&self) -> Result<()> {
        let Some(asked_by) = &self.asked_by else { return Ok(()) };
        let has_issuer = self.authkit_domain.is_some()
            || self.issuers.is_some()
            || self.session_client_id.is_some();
        let has_audience =
            self.base_url.is_some() || self.resource.is_some() || self.audiences.is_some();
        let wanted = [(has_issuer, "authkit_domain"), (has_audience, "base_url")];
        let missing: Vec<String> = wanted
            .into_iter()
            .filter(|(is_set, _)| !is_set)
            .map(|(_, setting)| {
                let theirs = format!("{FASTMCP_PREFIX}{}", setting.to_ascii_uppercase());
                format!("{setting} is missing ({theirs}, or {})", variable_of(setting))
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            Code::Config,
            format!("{asked_by} asks for AuthKit, but {}", missing.join(", and ")),
        )
        .with_hint("set what is missing, or none of FastMCP's variables"))
    }
}

/// The variable that asks for AuthKit in FastMCP's words, where one does.
fn asked_by(provider: Option<&str>, of_fastmcp: Option<String>) -> Result<Option<String>> {
    let class = provider.map(|path| path.trim().rsplit('.').next().unwrap_or_default());
    match (class, of_fastmcp) {
        (None | Some(""), variable) => Ok(variable),
        (Some(class), _) if class.eq_ignore_ascii_case(AUTHKIT_PROVIDER) => {
            Ok(Some(FASTMCP_PROVIDER.to_owned()))
        }
        // Another provider is the host's business, as long as nothing says AuthKit beside it.
        (Some(_), None) => Ok(None),
        (Some(class), Some(variable)) => Err(invalid(
            &variable,
            format!("configures AuthKit, but {FASTMCP_PROVIDER} names {}", quoted(class)),
        )),
    }
}

/// Names as they are compared: FastMCP takes its own in any case, and a lower-case one of ours that was
/// passed over would be a setting that does not hold.
fn canonical(variable: &str) -> String {
    variable.to_ascii_uppercase()
}

fn is_ours(name: &str) -> bool {
    (name.starts_with(PREFIX) && !NOT_SETTINGS.contains(&name))
        || name.starts_with(FASTMCP_PREFIX)
        || name == FASTMCP_PROVIDER
}

/// The setting that a variable stands for. An unknown one is refused: a misspelt
/// `AUTHKIT_REQUIRED_SCOPE` must not leave the door open.
fn setting_of(variable: &str) -> Result<&'static str> {
    let name = canonical(variable);
    let (names, suffix) = match name.strip_prefix(FASTMCP_PREFIX) {
        Some(suffix) => (FASTMCP_NAMES, suffix),
        None => (ConfigBuilder::NAMES, name.strip_prefix(PREFIX).unwrap_or(&name)),
    };
    let wanted = match name.as_str() {
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
