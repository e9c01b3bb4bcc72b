//! The settings in the process environment and in an env file: `AUTHKIT_*`, and the names of the FastMCP guide.

use std::collections::BTreeSet;
use std::path::Path;

use super::env_file::Line;
use super::names::{Origin, Spelling};
use super::settings::nearest;
use super::{ConfigBuilder, env_source, invalid};
use crate::error::{Code, Error, Result, printable, quoted};

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

    /// Reads the process environment, and for settings that are missing there an env file (`.env`) that the user or
    /// code names: lines `NAME=value`, comments (`#`), an optional `export`, values bare or in single or double
    /// quotes. The process environment wins, setting by setting, and is not changed. In lines that set an authkit
    /// variable, references (`${NAME}`) are refused, not followed. Other programs' lines are skipped.
    ///
    /// # Errors
    /// [`Code::Config`] as [`Self::from_environment`]; and if the file, or a line with an authkit variable, cannot be
    /// read.
    pub fn from_env_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let written = Self::from_lines(path, env_source::named(path, is_ours_in_any_case)?)?;
        Ok(Self::from_environment()?.or(written))
    }

    /// As [`Self::from_env_file`], for an env file that no one chose, such as the `.env` in the directory where a
    /// program is started. Only the three variables of the FastMCP guide and `FASTMCP_SERVER_AUTH` are read from
    /// it, and its domain only counts if no setting names an issuer. `AUTHKIT_*` have no effect, so that a stray file cannot make anyone trusted; the configuration's
    /// description and errors say so. If there is no regular file, only the process environment counts.
    ///
    /// # Errors
    /// As [`Self::from_env_file`]; and [`Code::Config`] if every user can write to the file, or it (or a
    /// symbolic link to it) belongs to neither this process's user nor root. Its group is trusted. On systems other
    /// than Unix, owner and permissions are not checked.
    pub fn from_implicit_env_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let lines = env_source::implicit(path, |name| is_of_fastmcp(&canonical(name)))?;
        let without_effect = without_effect(path, &lines);
        let mut written = Self { without_effect, ..Self::from_lines(path, lines)? };
        // It adds no issuer to those that code or environment trusts.
        written.fallback_domain = written.authkit_domain.take();
        Ok(Self::from_environment()?.or(written))
    }

    fn from_lines(path: &Path, lines: Vec<Line>) -> Result<Self> {
        let mut reading = Reading { file: Some(env_source::shown(path)), ..Reading::default() };
        for Line { number, name, value } in lines {
            let Some(value) = value else { continue };
            reading.take(name, value).map_err(|error| {
                retold(error, |reason| {
                    format!("{}, line {number}: {reason}", env_source::shown(path))
                })
            })?;
        }
        let in_file = |reason: &str| format!("{}: {reason}", env_source::shown(path));
        reading.done().map_err(|error| retold(error, in_file))
    }

    /// Reads variables given as pairs; others than ours are passed over.
    ///
    /// # Errors
    /// As [`Self::from_environment`].
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut reading = Reading::default();
        variables.into_iter().try_for_each(|(variable, value)| reading.take(variable, value))?;
        reading.done()
    }

    /// Who asks for AuthKit in FastMCP's words and leaves half of it out is told all that is missing, by
    /// the names that the guide uses: newer FastMCPs ignore these variables and start open.
    pub(super) fn refuse_half_of_fastmcps(&self) -> Result<()> {
        let Some(asked_by) = self.fastmcp.asked_by()? else { return Ok(()) };
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
                format!("{} (or {}) is missing", variable_of(setting), fastmcp_variable_of(setting))
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

/// What one or more sources say in FastMCP's words.
#[derive(Debug, Clone, Default)]
pub(super) struct FastMcp {
    /// The provider that FastMCP is told to authenticate with.
    provider: Option<String>,
    /// A variable of the guide that configures AuthKit.
    variable: Option<String>,
}

impl FastMcp {
    /// The values here; for missing ones, the values there.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            provider: self.provider.or(other.provider),
            variable: self.variable.or(other.variable),
        }
    }

    /// The variable that asks for AuthKit, if one does.
    fn asked_by(&self) -> Result<Option<&str>> {
        let provider = self.provider.as_deref();
        let class = provider.map(|path| path.trim().rsplit('.').next().unwrap_or_default());
        match (class, self.variable.as_deref()) {
            (None, variable) => Ok(variable),
            (Some(class), _) if class.eq_ignore_ascii_case(AUTHKIT_PROVIDER) => {
                Ok(Some(FASTMCP_PROVIDER))
            }
            // Another provider is the host's business, unless AuthKit variables are set too.
            (Some(_), None) => Ok(None),
            (Some(class), Some(variable)) => Err(invalid(
                variable,
                format!("configures AuthKit, but {FASTMCP_PROVIDER} names {}", quoted(class)),
            )),
        }
    }
}

/// The settings of the variables that were read so far.
#[derive(Default)]
struct Reading {
    builder: ConfigBuilder,
    fastmcp: FastMcp,
    /// The env file as errors name it.
    file: Option<String>,
    seen: Vec<(&'static str, String, String)>,
}

impl Reading {
    /// Reads one more variable, which may be another program's.
    fn take(&mut self, variable: String, value: String) -> Result<()> {
        let name = canonical(&variable);
        if name == FASTMCP_PROVIDER {
            return self.take_provider(&variable, value);
        }
        if !is_ours(&name) {
            return Ok(());
        }
        let setting = setting_of(&variable)?;
        // `AUTHKIT_REQUIRED_SCOPES=${UNSET}` must not silently require no scope.
        if value.trim().is_empty() {
            return Err(invalid(&variable, "is set but empty")
                .with_hint("unset it, or give it a value; an empty list is written []"));
        }
        if name.starts_with(FASTMCP_PREFIX) {
            self.fastmcp.variable.get_or_insert_with(|| variable.clone());
        }
        if let Some((_, other, other_value)) =
            self.seen.iter().find(|(name, _, _)| *name == setting)
        {
            if *other_value != value {
                return Err(invalid(&variable, format!("and {other} say different things")));
            }
            return Ok(());
        }
        self.builder.names.note(setting, self.origin(&variable));
        self.builder.set(setting, &value).map_err(|error| self.builder.names.respell(error))?;
        self.seen.push((setting, variable, value));
        Ok(())
    }

    fn origin(&self, variable: &str) -> Origin {
        match &self.file {
            Some(file) => Origin::File(variable.to_owned(), file.clone()),
            None => Origin::Variable(variable.to_owned()),
        }
    }

    fn take_provider(&mut self, variable: &str, value: String) -> Result<()> {
        if value.trim().is_empty() {
            return Ok(());
        }
        if self.fastmcp.provider.replace(value.clone()).is_some_and(|other| other != value) {
            return Err(invalid(variable, "and its twin in other case say different things"));
        }
        Ok(())
    }

    fn done(mut self) -> Result<ConfigBuilder> {
        self.fastmcp.asked_by()?;
        self.builder.fastmcp = self.fastmcp;
        self.builder.names.spelling = Spelling::Variable;
        Ok(self.builder)
    }
}

/// The message about authkit variables in a default env file: they have no effect.
fn without_effect(path: &Path, lines: &[Line]) -> Option<String> {
    let names: BTreeSet<String> =
        lines.iter().map(|line| canonical(&line.name)).filter(|name| is_ours(name)).collect();
    let mut ineffective = names.iter().filter(|name| !is_of_fastmcp(name));
    let first = ineffective.next()?;
    let more = match ineffective.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (file, first) = (env_source::shown(path), printable(first));
    Some(format!(
        "{file} sets {first}{more} without effect: name the file (env_file) to have all of it read"
    ))
}

/// Names as they are compared: FastMCP takes its own in any case, and a lower-case one of ours that was
/// passed over would be a setting that does not hold.
fn canonical(variable: &str) -> String {
    variable.to_ascii_uppercase()
}

fn is_ours(name: &str) -> bool {
    (name.starts_with(PREFIX) && !NOT_SETTINGS.contains(&name)) || is_of_fastmcp(name)
}

fn is_of_fastmcp(name: &str) -> bool {
    name.starts_with(FASTMCP_PREFIX) || name == FASTMCP_PROVIDER
}

fn is_ours_in_any_case(variable: &str) -> bool {
    is_ours(&canonical(variable))
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
        let hint = if names.len() == FASTMCP_NAMES.len() {
            let known = names.iter().map(|name| fastmcp_variable_of(name)).collect::<Vec<_>>();
            format!("the variables are {}", known.join(", "))
        } else {
            match nearest(&wanted) {
                Some(nearest) => format!("did you mean {}?", variable_of(nearest)),
                None => "the README's table lists the settings".to_owned(),
            }
        };
        Error::new(
            Code::Config,
            format!("the environment variable {} is not known", quoted(variable)),
        )
        .with_hint(hint)
    })
}

fn fastmcp_variable_of(setting: &str) -> String {
    format!("{FASTMCP_PREFIX}{}", setting.to_ascii_uppercase())
}

pub(super) fn variable_of(setting: &str) -> String {
    format!("{PREFIX}{}", setting.strip_prefix("authkit_").unwrap_or(setting).to_ascii_uppercase())
}

/// An error about a setting, rewritten to name the variable or line, which the reader can find.
fn retold(error: Error, reason: impl FnOnce(&str) -> String) -> Error {
    let retold = Error::new(Code::Config, reason(error.reason()));
    match error.hint() {
        Some(hint) => retold.with_hint(hint.to_owned()),
        None => retold,
    }
}
