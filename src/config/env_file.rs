//! Reads an env file (`.env`) as FastMCP's own reader does, but for what that one guesses at.
//!
//! Ours, and not a library's: of those there are, dotenvy refuses `a b` and `["a", "b"]` and reads
//! `["a","b"]` as `[a,b]`, which are the lists that the FastMCP guide shows; others drop a line that they
//! cannot read, and a required scope with it.

/// A line about a variable, by its number from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) name: String,
    /// None if the variable is another program's. Its value is not read.
    pub(super) value: Option<String>,
}

/// The error for a line of ours that cannot be read. It names only the number: the line may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) number: usize,
    pub(super) problem: &'static str,
}

/// The quotes of another program's values, the longer ones first.
const QUOTES: [&str; 5] = ["\"\"\"", "'''", "\"", "'", "`"];

/// The lines about variables, in the file's order. A line about one of ours must be whole. Any other line may have
/// any form; only its quoted value hides what stands within the quotes.
pub(super) fn lines(
    octets: &[u8],
    is_ours: impl Fn(&str) -> bool,
) -> std::result::Result<Vec<Line>, Wrong> {
    let text = text_of(octets)?;
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = Vec::new();
    let mut number = 1;
    while !rest.is_empty() {
        let (line, following) = split_line(rest);
        let name = name_in(line);
        let mut after = following;
        if !name.is_empty() {
            let value = if is_ours(name) {
                let read = value_in(rest).map_err(|problem| Wrong { number, problem })?;
                after = read.rest;
                Some(read.value)
            } else {
                after = quoted_by_another(rest).unwrap_or(following);
                None
            };
            lines.push(Line { number, name: name.to_owned(), value });
        }
        let passed = rest.len() - after.len();
        number += rest.get(..passed).unwrap_or_default().matches('\n').count();
        rest = after;
    }
    Ok(lines)
}

/// The file's text. Octets that are no UTF-8 become U+FFFD: they may be another program's.
fn text_of(octets: &[u8]) -> std::result::Result<String, Wrong> {
    // In UTF-16 every second byte is one, so no line of ours can be found in it.
    if octets.contains(&0) {
        return Err(Wrong { number: 1, problem: "is not UTF-8: save the file as UTF-8" });
    }
    let text = String::from_utf8_lossy(octets);
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// A line, and what follows it.
fn split_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// The variable that a line is about, even if the line is damaged: its first word, or the next one after `export`.
/// Empty for a comment.
fn name_in(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    let first = first_word(line);
    match first.after.starts_with([' ', '\t']) && first.word == "export" {
        true => first_word(first.after).word,
        false => first.word,
    }
}

struct Word<'t> {
    word: &'t str,
    after: &'t str,
}

fn first_word(text: &str) -> Word<'_> {
    let begun =
        text.trim_start_matches(|first: char| !(first.is_ascii_alphanumeric() || first == '_'));
    let end = begun.find(|next| !fits_a_name(next)).unwrap_or(begun.len());
    let (word, after) = begun.split_at(end);
    Word { word, after }
}

fn fits_a_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}

/// Whether a text is a variable's name, with an `export` before it or without.
fn is_bare_name(text: &str) -> bool {
    let text = text.trim();
    let name = match text.strip_prefix("export") {
        Some(name) if name.starts_with([' ', '\t']) => name.trim_start(),
        _ => text,
    };
    !name.is_empty() && name.chars().all(fits_a_name)
}

/// A value, and what follows its line.
struct Read<'t> {
    value: String,
    rest: &'t str,
}

/// The value of the variable that a text begins with.
fn value_in(text: &str) -> std::result::Result<Read<'_>, &'static str> {
    let (line, _) = split_line(text);
    let name = line.split_once('=').ok_or("is not written NAME=value")?.0;
    if !is_bare_name(name) {
        return Err("does not begin with the variable's name");
    }
    let read = value_of(text.get(name.len() + 1..).unwrap_or_default())?;
    if read.value.contains(char::REPLACEMENT_CHARACTER) {
        return Err("is not UTF-8");
    }
    Ok(read)
}

/// What follows another program's variable whose value is quoted, even over several lines. None if it is not quoted,
/// or if the quotes are not closed: then only that line is skipped.
fn quoted_by_another(text: &str) -> Option<&str> {
    let (line, _) = split_line(text);
    let (name, _) = line.split_once('=')?;
    let value = text.get(name.len() + 1..)?.trim_start_matches([' ', '\t']);
    QUOTES.iter().find_map(|quote| {
        let quoted = quoted_value(value.strip_prefix(quote)?, quote);
        quoted.ok().map(|read| read.rest)
    })
}

fn value_of(text: &str) -> std::result::Result<Read<'_>, &'static str> {
    let begun = text.trim_start_matches([' ', '\t']);
    let quote = ["\"", "'"].into_iter().find(|quote| begun.starts_with(quote));
    let read = match quote {
        Some(quote) => quoted_value(begun.strip_prefix(quote).unwrap_or_default(), quote)?,
        None => bare_value(text),
    };
    // Not followed, since it would have to be said from where; and not taken as it stands, either.
    if quote != Some("'") && read.value.contains("${") {
        return Err(
            "refers to another variable, which is not supported: write the value itself, or quote it with '",
        );
    }
    Ok(read)
}

/// Up to the end of the line, or to a `#` after white space.
fn bare_value(text: &str) -> Read<'_> {
    let (line, rest) = split_line(text);
    let is_comment = |at: &usize| line[..*at].ends_with([' ', '\t']);
    let comment = line.match_indices('#').map(|(at, _)| at).find(is_comment);
    let value = line[..comment.unwrap_or(line.len())].trim().to_owned();
    Read { value, rest }
}

/// Up to the quote that ends it, be it lines away.
fn quoted_value<'t>(text: &'t str, quote: &str) -> std::result::Result<Read<'t>, &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if let Some(after) = text.get(at..).and_then(|left| left.strip_prefix(quote)) {
            let (after, rest) = split_line(after);
            let after = after.trim();
            if !(after.is_empty() || after.starts_with('#')) {
                return Err("goes on after the quote that ends its value");
            }
            return Ok(Read { value, rest });
        }
        match character {
            '\\' => value.push_str(&escaped(characters.next().map(|(_, next)| next), quote)),
            _ => value.push(character),
        }
    }
    Err("begins a quoted value that does not end")
}

/// What a backslash and the character after it stand for. Where they stand for nothing, for themselves.
fn escaped(next: Option<char>, quote: &str) -> String {
    match next {
        Some(next) if quote.starts_with(next) || next == '\\' => next.to_string(),
        Some('n') if quote == "\"" => "\n".to_owned(),
        Some('r') if quote == "\"" => "\r".to_owned(),
        Some('t') if quote == "\"" => "\t".to_owned(),
        Some(next) => format!("\\{next}"),
        None => "\\".to_owned(),
    }
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
            let read = lines(line.as_bytes(), |name| name == "A").unwrap();
            let value = Some(value.to_owned());
            assert_eq!(read, [Line { number: 1, name: "A".to_owned(), value }], "{line:?}");
        }
    }

    /// The values of ours, by line, and how many lines were another's.
    fn read(text: &[u8]) -> (Vec<(usize, String)>, usize) {
        let lines = lines(text, is_ours).unwrap();
        let others = lines.iter().filter(|line| line.value.is_none()).count();
        let ours = lines.into_iter().filter_map(|line| Some((line.number, line.value?)));
        (ours.collect(), others)
    }

    fn is_ours(name: &str) -> bool {
        name.starts_with("OURS_")
    }

    #[test]
    fn variables_come_in_order_with_their_lines() {
        let text = "\n# OURS_NOT=1\nOURS_A=1\n\n  \nMULTI='x\nOURS_DOMAIN=inside\n'\nOURS_B=\"2\n\"\nOURS_C=3";
        let mine = [(3, "1"), (9, "2\n"), (11, "3")].map(|(line, value)| (line, value.to_owned()));
        assert_eq!(read(text.as_bytes()), (mine.to_vec(), 1));
        let carriage_returns = text.replace('\n', "\r");
        assert_eq!(read(carriage_returns.as_bytes()), (mine.to_vec(), 1));
        assert_eq!(read(b""), (Vec::new(), 0));
    }

    #[test]
    fn lines_of_other_programs_are_passed_over_whatever_they_look_like() {
        for line in [
            "DATABASE_URL=postgres://u:${PGPASS}@h/db",
            "DATABASE_URL=\"postgres://u:${PGPASS}@h/db\"",
            "NAME",
            "export NAME",
            "B C=x",
            "=x",
            "=",
            "\"NAME\": \"x\",",
            "A='x' y",
            "A=\"x\"y",
            "A=\"never closed",
            "A='tis",
            "A=`never closed",
            "A=\"\"\"never closed",
            "A=$(cat /etc/passwd)",
            "A=OURS_X=1",
            "A=1; OURS_X=2",
            "A=\\",
            "PATH += x",
            "if [ -n \"$A\" ]; then",
            "[section]",
            "{",
            "-----BEGIN PRIVATE KEY-----",
            "M\u{fc}ll\u{e9}=\u{1f600}",
            "\u{1b}[31m",
            "export=OURS_X",
            "THEIRS_OURS_X",
        ] {
            for text in [
                format!("{line}\nOURS_X=\"it\"\n"),
                format!("OURS_X='it'\n{line}"),
                format!("{line}\n{line}\nOURS_X=it\n{line}\n"),
            ] {
                let (ours, _) = read(text.as_bytes());
                assert_eq!(ours.len(), 1, "{text:?}");
                assert_eq!(ours[0].1, "it", "{text:?}");
            }
        }
        let latin1 = b"A=M\xfcller\nOURS_X=it\nB=\xff\xfe\n";
        assert_eq!(read(latin1), (vec![(2, "it".to_owned())], 2));
    }

    #[test]
    fn what_another_programs_value_quotes_is_none_of_ours() {
        for quote in ["\"", "'", "`", "\"\"\"", "'''"] {
            for after in ["", " ", " # comment"] {
                let value = format!("KEY = {quote}\nOURS_X=stray\nexport OURS_Y\n{quote}{after}");
                let (ours, _) = read(format!("{value}\nOURS_X=it\n").as_bytes());
                assert_eq!(ours, [(5, "it".to_owned())], "{value:?}");
            }
        }
        // Within their own quotes an escaped one ends nothing.
        let escaped = "KEY=\"\\\"\nOURS_X=stray\n\\\\\"\nOURS_X=it";
        assert_eq!(read(escaped.as_bytes()).0, [(4, "it".to_owned())]);
    }

    #[test]
    fn a_damaged_line_of_ours_is_named_by_its_number_and_not_repeated() {
        for (text, number) in [
            ("OURS_X", 1),
            ("export OURS_X", 1),
            ("A=1\n\nOURS_X hunter2\nB=2", 3),
            ("A=1\nOURS_X Y=hunter2", 2),
            ("OURS_X: hunter2", 1),
            ("\"OURS_X\"=hunter2", 1),
            ("- OURS_X=hunter2", 1),
            ("\u{200b}OURS_X=hunter2", 1),
            ("OURS_X\u{200b}=hunter2", 1),
            ("set OURS_Y\nA='\n'\n$OURS_X=hunter2", 4),
            ("A=1\nOURS_X=\"hunter2\nC=3", 2),
            ("OURS_X='hunter2' x", 1),
            ("OURS_X=\"hunter2\"x", 1),
            ("OURS_X=hunter2${B}", 1),
            ("OURS_X=\"${B}hunter2\"", 1),
            ("A=\"one\ntwo\"\nOURS_X", 3),
        ] {
            let wrong = lines(text.as_bytes(), is_ours).unwrap_err();
            assert_eq!(wrong.number, number, "{text:?}: {}", wrong.problem);
        }
        assert_eq!(lines(b"A=1\nOURS_X=\xff", is_ours).unwrap_err().number, 2);
        let utf16: Vec<u8> = "OURS_X=1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(lines(&utf16, is_ours).is_err());
    }
}
