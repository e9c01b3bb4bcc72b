//! `authkit config`: the configuration in force, and the line for the dashboard.

use std::io::{self, Write};

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
        let described: serde_json::Value = serde_json::from_str(&config.describe_json())?;
        print_json(out, &described)?;
    } else {
        for line in config.describe().lines() {
            writeln!(out, "{}", printable(line))?;
        }
    }
    Ok(Exit::Success)
}
