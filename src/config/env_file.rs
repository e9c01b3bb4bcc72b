//! Reads an env file (`.env`) as FastMCP's own reader does, but for what that one guesses at.
//!
//! Ours, and not a library's: of those there are, dotenvy refuses `a b` and `["a", "b"]` and reads
//! `["a","b"]` as `[a,b]`, which are the lists that the FastMCP guide shows; others drop a line that they
//! cannot read, and a required scope with it.

use super::invalid;
use crate::error::{Error, Result};

/// The variables in a file's text, in its order.
pub(super) fn variables(text: &str) -> Result<Vec<(String, String)>> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = Vec::new();
    while !rest.is_empty() {
        let at = || line_number(text, rest);
        let (line, following) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.trim_start();
        if line.trim_end().is_empty() || line.starts_with('#') {
            rest = following;
            continue;
        }
        let (name, value) = rest
            .split_once('=')
            .filter(|(name, _)| !name.trim().contains('\n'))
            .ok_or_else(|| wrong(at(), "is neither NAME=value nor a comment"))?;
        let name =
            bare_name(name).ok_or_else(|| wrong(at(), "does not begin with a variable's name"))?;
        let read = value_of(value).map_err(|problem| wrong(at(), problem))?;
        variables.push((name.to_owned(), read.value));
        rest = read.rest;
    }
    Ok(variables)
}

/// A value, and what follows its line.
struct Read<'t> {
    value: String,
    rest: &'t str,
}

fn bare_name(text: &str) -> Option<&str> {
    let text = text.trim();
    let name = match text.strip_prefix("export") {
        Some(name) if name.starts_with([' ', '\t']) => name.trim_start(),
        _ => text,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (!name.is_empty() && name.chars().all(fits)).then_some(name)
}

fn value_of(text: &str) -> std::result::Result<Read<'_>, &'static str> {
    let begun = text.trim_start_matches([' ', '\t']);
    let read = match begun.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted_value(&begun[1..], quote)?,
        _ => bare_value(text),
    };
    // Not followed, since it would have to be said from where; and not taken as it stands, either.
    let is_literal = begun.starts_with('\'');
    if !is_literal && read.value.contains("${") {
        return Err(
            "refers to another variable, which is not supported: write the value itself, or quote it with '",
        );
    }
    Ok(read)
}

/// Up to the end of the line, or to a `#` after white space.
fn bare_value(text: &str) -> Read<'_> {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let is_comment = |at: &usize| line[..*at].ends_with([' ', '\t']);
    let comment = line.match_indices('#').map(|(at, _)| at).find(is_comment);
    let value = line[..comment.unwrap_or(line.len())].trim().to_owned();
    Read { value, rest }
}

/// Up to the quote that ends it, be it lines away.
fn quoted_value(text: &str, quote: char) -> std::result::Result<Read<'_>, &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => {
                let (after, rest) =
                    text[at + 1..].split_once('\n').unwrap_or((&text[at + 1..], ""));
                let after = after.trim();
                if !(after.is_empty() || after.starts_with('#')) {
                    return Err("goes on after the quote that ends its value");
                }
                return Ok(Read { value, rest });
            }
            '\\' => value.push_str(&escaped(characters.next().map(|(_, next)| next), quote)),
            _ => value.push(character),
        }
    }
    Err("begins a quoted value that does not end")
}

/// What a backslash and the character after it stand for. Where they stand for nothing, for themselves.
fn escaped(next: Option<char>, quote: char) -> String {
    match next {
        Some(next) if next == quote || next == '\\' => next.to_string(),
        Some('n') if quote == '"' => "\n".to_owned(),
        Some('r') if quote == '"' => "\r".to_owned(),
        Some('t') if quote == '"' => "\t".to_owned(),
        Some(next) => format!("\\{next}"),
        None => "\\".to_owned(),
    }
}

fn line_number(text: &str, rest: &str) -> usize {
    text[..text.len() - rest.len()].matches('\n').count() + 1
}

/// The line is named by its number alone: its content may be a secret.
fn wrong(line: usize, problem: &str) -> Error {
    invalid("the env file", format!("cannot be read: line {line} {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        for (line, value) in [
            ("A=x", "x"),
            ("A = x ", "x"),
            ("export A=x", "x"),
            ("  A=x", "x"),
            ("\u{feff}A=x", "x"),
            ("A=x\r\n", "x"),
            ("A=a,b", "a,b"),
            ("A=a, b", "a, b"),
            ("A=a b", "a b"),
            (r#"A=["a","b"]"#, r#"["a","b"]"#),
            (r#"A=["a", "b"] # list"#, r#"["a", "b"]"#),
            (r#"A='["a", "b"]'"#, r#"["a", "b"]"#),
            (r#"A={"x": ["y"]}"#, r#"{"x": ["y"]}"#),
            (r#"A="a b" # comment"#, "a b"),
            (r#"A="a # b""#, "a # b"),
            (r#"A="a\"b\\c\n\d""#, "a\"b\\c\n\\d"),
            (r"A='a\'b\n'", r"a'b\n"),
            ("A='${X}'", "${X}"),
            ("A=\"one\ntwo\"", "one\ntwo"),
            ("A=x # comment", "x"),
            ("A=x#y", "x#y"),
            ("A=#x", "#x"),
            ("A= # comment", ""),
            ("A=", ""),
            ("A=\"\"", ""),
            ("A=a=b", "a=b"),
            ("A=https://x.example/?a#b", "https://x.example/?a#b"),
            ("A=pa$$word", "pa$$word"),
        ] {
            let pair = ("A".to_owned(), value.to_owned());
            assert_eq!(variables(line).unwrap(), [pair], "{line:?}");
        }
    }

    #[test]
    fn variables_come_in_order_and_lines_between_do_not_matter() {
        let text = "\n# AUTHKIT_NOT=1\nA=1\n\n  \nMULTI='x\nAUTHKIT_DOMAIN=inside\n'\nB=\"2\"\nC=3";
        let read = variables(text).unwrap();
        let names: Vec<_> = read.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "MULTI", "B", "C"]);
        assert!(variables("").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line_and_not_repeated() {
        for (text, line) in [
            ("hunter2", 1),
            ("A=1\n\nhunter2\nB=2", 3),
            ("A=1\nB C=hunter2", 2),
            ("=hunter2", 1),
            ("A=1\nB=\"hunter2\nC=3", 2),
            ("A='hunter2' x", 1),
            ("A=\"hunter2\"x", 1),
            ("A=hunter2${B}", 1),
            ("A=\"${B}hunter2\"", 1),
            ("A=\"one\ntwo\"\nhunter2", 3),
        ] {
            let error = variables(text).unwrap_err();
            assert!(error.reason().contains(&format!("line {line} ")), "{text:?}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
