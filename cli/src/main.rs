//! The `authkit` command: what the library decides, on a terminal and in scripts.

mod arguments;
mod config;
mod doctor;
mod failure;
mod inspect;
mod jwks;
#[cfg(test)]
mod manual;
#[cfg(unix)]
mod serve;
mod settings;
mod text;
mod token;
mod usage;
mod vectors;
mod verify;

use std::io::{self, Write as _};
use std::process::ExitCode;

use authkit::conformance::file_problem;
use clap::Parser as _;

use arguments::{Arguments, Command};

/// How the command ended, as its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Accepted, or whatever was asked for was done.
    Success = 0,
    /// The token is rejected, a vector that must agree does not, or a MUST is not met.
    Rejected = 1,
    /// Usage or configuration: nothing was judged.
    Unusable = 2,
    /// The issuer's keys, or a server to examine, could not be had: nothing is known about it.
    KeysUnavailable = 3,
    /// Every MUST is met, not every SHOULD.
    Warned = 4,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::explain(&error),
    };
    let mut out = io::stdout().lock();
    let ended = match &arguments.command {
        Command::Verify(arguments) => verify::run(arguments, &mut out),
        Command::Config(arguments) => config::run(arguments, &mut out),
        Command::Inspect(arguments) => inspect::run(arguments, &mut out),
        Command::Jwks(arguments) => jwks::run(arguments, &mut out),
        Command::Doctor(arguments) => doctor::run(arguments, &mut out),
        #[cfg(unix)]
        Command::Serve(arguments) => serve::run(arguments, &mut out),
        Command::Vectors(arguments) => vectors::run(arguments, &mut out),
    };
    match ended.and_then(|exit| out.flush().map(|()| exit)) {
        Ok(exit) => ExitCode::from(exit as u8),
        // The reader has seen enough, as `head` does; it cannot be told anything either.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::from(Exit::Unusable as u8)
        }
        Err(error) => {
            let problem = file_problem(&error);
            let _ = writeln!(io::stderr(), "authkit: the output cannot be written: {problem}");
            ExitCode::from(Exit::Unusable as u8)
        }
    }
}
