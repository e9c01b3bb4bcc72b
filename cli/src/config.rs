//! `authkit config`: the configuration in force, and the line for the dashboard.

use std::collections::BTreeMap;
use std::io::{self, Write};

use authkit::{Config, ConfigBuilder};
use serde_json::{Value, json};

use crate::Exit;
use crate::arguments::ConfigArguments;
use crate::settings;
use crate::text::{print_json, printable};
use crate::verify::print_unusable;

pub(crate) fn run(arguments: &ConfigArguments, out: &mut dyn Write) -> io::Result<Exit> {
    let config = match settings::config(&arguments.sources) {
        Ok(config) => config,
        Err(failure) => return print_unusable(&failure),
    };
    if arguments.json {
        let mut described: BTreeMap<String, Value> = serde_json::from_str(&config.describe_json())?;
        let origins = ConfigBuilder::NAMES.iter().map(|name| (*name, config.origin(name)));
        described.insert("origins".to_owned(), json!(origins.collect::<BTreeMap<_, _>>()));
        print_json(out, "authkit-config/1", &described)?;
    } else {
        for line in config.describe().lines() {
            writeln!(out, "{}{}", printable(line), origin(&config, line))?;
        }
        for name in FOLDED.iter().filter(|name| config.origin(name) != DEFAULT) {
            writeln!(out, "{name}: see above [{}]", config.origin(name))?;
        }
    }
    Ok(Exit::Success)
}

/// The origin of a setting that was not set.
const DEFAULT: &str = "default";
/// Settings that have no line of their own: issuers and the resource are made of them.
const FOLDED: &[&str] =
    &["authkit_domain", "base_url", "mcp_path", "session_client_id", "issuers", "jwks"];

/// Where the setting of a line came from, unless it is the default.
fn origin(config: &Config, line: &str) -> String {
    let name = line.split_once(':').map_or("", |(name, _)| name);
    let origin = ConfigBuilder::NAMES.contains(&name).then(|| config.origin(name));
    let set = origin.filter(|origin| origin != DEFAULT);
    set.map(|origin| format!(" [{}]", printable(&origin))).unwrap_or_default()
}
