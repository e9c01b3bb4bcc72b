//! The settings as flags, and the one order of precedence: flag, file, environment, env file.

use std::fs;
use std::path::{Path, PathBuf};

use authkit::conformance::file_problem;
use authkit::{Code, Config, ConfigBuilder};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::failure::Failure;
use crate::text::file_named;

/// A setting's flag. The setting is the flag's name with underscores.
struct Flag {
    long: &'static str,
    value: &'static str,
    help: &'static str,
}

/// What a switch takes; it alone may be left out, and then means true.
const SWITCH: &str = "true|false";

const FLAGS: &[Flag] = &[
    Flag {
        long: "authkit-domain",
        value: "URL",
        help: "The AuthKit domain, such as https://your-project-12345.authkit.app",
    },
    Flag { long: "base-url", value: "URL", help: "The server's public URL, without the MCP path" },
    Flag {
        long: "mcp-path",
        value: "PATH",
        help: "Where the MCP endpoint lies below it [default: /mcp]",
    },
    Flag {
        long: "resource",
        value: "URL",
        help: "The resource whole, in place of base URL and path",
    },
    Flag {
        long: "resource-name",
        value: "TEXT",
        help: "The resource's name for people, announced",
    },
    Flag {
        long: "resource-documentation",
        value: "URL",
        help: "Where developers read about it, announced",
    },
    Flag { long: "audiences", value: "LIST", help: "Audiences to accept [default: the resource]" },
    Flag {
        long: "accept-client-id-audience",
        value: "LIST",
        help: "Client ids to accept as audience, for machine tokens",
    },
    Flag {
        long: "ignore-trailing-slash",
        value: SWITCH,
        help: "Take an audience that differs by a trailing slash only",
    },
    Flag { long: "required-scopes", value: "LIST", help: "Scopes that every token must carry" },
    Flag {
        long: "scopes-supported",
        value: "LIST",
        help: "Scopes to announce [default: the required ones]",
    },
    Flag {
        long: "scope-claims",
        value: "LIST",
        help: "Claims that hold scopes [default: scope, else scp]",
    },
    Flag {
        long: "scope-hierarchy",
        value: "JSON",
        help: "Which scope includes which: {\"admin\": [\"read\"]}",
    },
    Flag {
        long: "issuers",
        value: "JSON",
        help: "Allow-listed issuers and their JWKS: {\"https://issuer\": \"https://jwks\"}",
    },
    Flag {
        long: "session-client-id",
        value: "ID",
        help: "Client id whose AuthKit session tokens are accepted too",
    },
    Flag {
        long: "algorithms",
        value: "LIST",
        help: "Signature algorithms to accept [default: RS256]",
    },
    Flag {
        long: "leeway",
        value: "SECONDS",
        help: "Clock skew to allow, at most 300 [default: 60]",
    },
    Flag { long: "max-token-age", value: "SECONDS", help: "Oldest acceptable iat [default: any]" },
    Flag { long: "typ", value: "any|rfc9068", help: "Which typ headers to accept [default: any]" },
    Flag { long: "now", value: "SECONDS", help: "Judge as of this Unix time [default: the clock]" },
    Flag {
        long: "jwks",
        value: "JSON",
        help: "The issuer's keys as a JWKS document; nothing is fetched",
    },
    Flag {
        long: "allow-insecure-loopback",
        value: SWITCH,
        help: "Allow http:// to this machine, for a local test server",
    },
    Flag {
        long: "allow-insecure-http",
        value: "LIST",
        help: "Hosts for which http:// is allowed; anyone on the way can replace the keys",
    },
    Flag {
        long: "ca-file",
        value: "FILE",
        help: "PEM file of certificate authorities to trust as well",
    },
    Flag {
        long: "extra-ca-file",
        value: "FILE",
        help: "As --ca-file, but skipped if it cannot be used",
    },
    Flag {
        long: "proxy",
        value: "URL",
        help: "Proxy to fetch keys through; the environment's is not used",
    },
    Flag {
        long: "fetch-timeout",
        value: "SECONDS",
        help: "How long a fetch may take and a call may wait, 1 to 30 [default: 5]",
    },
    Flag {
        long: "refresh-mode",
        value: "MODE",
        help: "background, inline or manual [default: background]",
    },
    Flag {
        long: "jwks-cache-dir",
        value: "DIR",
        help: "Directory in which processes of one user share fetched keys",
    },
    Flag {
        long: "token-cache-size",
        value: "TOKENS",
        help: "Verified tokens to keep, 0 to 65536 [default: 1024]",
    },
];

/// The settings given as flags, in their text forms.
#[derive(Debug)]
pub(crate) struct SettingFlags(Vec<(String, String)>);

impl Flag {
    fn setting(&self) -> String {
        self.long.replace('-', "_")
    }

    fn argument(&self) -> Arg {
        let argument = Arg::new(self.long)
            .long(self.long)
            .value_name(self.value)
            .help(self.help)
            .action(ArgAction::Set)
            .allow_negative_numbers(true)
            .help_heading("Settings");
        if self.value == SWITCH {
            return argument.num_args(0..=1).require_equals(true).default_missing_value("true");
        }
        argument
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(Flag::argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given =
            |flag: &Flag| Some((flag.setting(), matches.get_one::<String>(flag.long)?.clone()));
        Ok(Self(FLAGS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Where the settings come from.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// A JSON object whose members are the settings below
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// An env file (.env) for what the environment does not set
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,

    #[command(flatten)]
    flags: SettingFlags,
}

/// The configuration that flags, file, environment and env file make together.
pub(crate) fn config(sources: &Sources) -> Result<Config, Failure> {
    let mut given = ConfigBuilder::default();
    for (setting, text) in &sources.flags.0 {
        given.set_flag(setting, text)?;
    }
    let written = sources.config.as_deref();
    let written = written.map_or_else(|| Ok(ConfigBuilder::default()), from_file)?;
    let environment = match &sources.env_file {
        Some(path) => ConfigBuilder::from_env_file(path)?,
        None => ConfigBuilder::from_environment()?,
    };
    Ok(given.or(written).or(environment).build()?)
}

fn from_file(path: &Path) -> Result<ConfigBuilder, Failure> {
    let file = file_named(path, "--config");
    let text = fs::read_to_string(path).map_err(|error| {
        let reason = format!("{file} cannot be read: {}", file_problem(&error));
        Failure::new(Code::Config, reason)
    })?;
    let read = ConfigBuilder::from_json(&text).map_err(|error| {
        let failure = Failure::from(error);
        Failure { reason: format!("{file}: {}", failure.reason), ..failure }
    })?;
    Ok(read.of_file(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_flag_and_every_flag_is_a_setting() {
        let settings: Vec<String> = FLAGS.iter().map(Flag::setting).collect();
        assert_eq!(settings, ConfigBuilder::NAMES);
    }
}
