//! The token's octets, from standard input or a file.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::Path;

use authkit::Code;
use authkit::conformance::file_problem;

use crate::failure::Failure;
use crate::text::file_named;

/// Most octets that are read: far more than any token, so that its length can still be told.
const READ_LIMIT: u64 = 16 * 1024 * 1024;

/// Reads a token.
pub(crate) fn read(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let (octets, place) = match file.filter(|path| path.as_os_str() != "-") {
        Some(path) => (File::open(path).and_then(read_all), file_named(path, "--token-file")),
        None => (from_standard_input(), "standard input".to_owned()),
    };
    let mut octets = octets
        .map_err(|error| format!("{place} cannot be read: {}", file_problem(&error)))
        .map_err(|reason| Failure::new(Code::Misuse, reason))?;
    drop_newline(&mut octets);
    Ok(octets)
}

fn from_standard_input() -> io::Result<Vec<u8>> {
    let input = io::stdin();
    if input.is_terminal() {
        let _ = writeln!(io::stderr(), "Paste the token, then press Enter and Ctrl-D.");
    }
    read_all(input.lock())
}

fn read_all(source: impl Read) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    source.take(READ_LIMIT).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Editors and `echo` end a file with one newline; anything more is part of what is judged.
fn drop_newline(octets: &mut Vec<u8>) {
    for ending in [&b"\r\n"[..], b"\n"] {
        if octets.ends_with(ending) {
            octets.truncate(octets.len() - ending.len());
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::drop_newline;

    #[test]
    fn drops_one_newline_and_nothing_else() {
        let cases = [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a", "a"),
            ("a\n\n", "a\n"),
            ("a\r", "a\r"),
            (" a \n", " a "),
            ("", ""),
            ("\n", ""),
        ];
        for (text, rest) in cases {
            let mut octets = text.as_bytes().to_vec();
            drop_newline(&mut octets);
            assert_eq!(octets, rest.as_bytes(), "{text:?}");
        }
    }
}
