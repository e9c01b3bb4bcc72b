//! What is said of a command line that does not fit, without repeating a token given by mistake.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::Exit;

/// Longest run of token characters in a message of our own: no flag is as long, every token is longer.
const LONGEST_WORD: usize = 32;

const NO_ARGUMENT: &str = "\
error: the token is not taken as an argument, since arguments show in process lists and shell histories

  Pass it on standard input:  authkit verify < token.txt
  or in a file:               authkit verify --token-file token.txt

For more information, try '--help'.";

/// Prints help, or what is wrong; the exit status is 0 for help that was asked for, else 2.
pub(crate) fn explain(error: &clap::Error) -> ExitCode {
    if is_or_holds_a_token(error) {
        let _ = writeln!(io::stderr(), "{NO_ARGUMENT}");
        return ExitCode::from(Exit::Unusable as u8);
    }
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(Exit::Unusable as u8),
    }
}

/// `authkit verify eyJ…`, `--token=eyJ…` and the like.
fn is_or_holds_a_token(error: &clap::Error) -> bool {
    if !error.use_stderr() {
        return false;
    }
    let stray = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) if error.kind() == ErrorKind::UnknownArgument => {
            argument == "--token" || !argument.starts_with('-')
        }
        _ => false,
    };
    let message = error.render().to_string();
    let mut words = message.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.~+/=".contains(c)));
    stray || words.any(|word| word.len() > LONGEST_WORD)
}
