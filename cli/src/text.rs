//! What is printed: foreign text made harmless, JSON on one line, times that a person can read.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use std::path::Path;

use serde::Serialize;

/// Foreign text for a terminal: whatever is invisible or could steer it is escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => out.push(character),
            _ => out.extend(character.escape_debug()),
        }
    }
    out
}

/// Lines of text, each under its name.
pub(crate) fn print_lines<'n>(
    out: &mut dyn Write,
    lines: impl IntoIterator<Item = (&'n str, String)>,
) -> io::Result<()> {
    for (name, text) in lines {
        writeln!(out, "  {name:<9} {}", printable(&text))?;
    }
    Ok(())
}

/// Longest piece of a server's text that is repeated, in characters.
const QUOTED_LIMIT: usize = 240;

/// A server's text within a sentence: in quotes, harmless, and cut.
pub(crate) fn quoted(text: &str) -> String {
    let kept: String = text.chars().take(QUOTED_LIMIT).collect();
    let dots = if text.chars().nth(QUOTED_LIMIT).is_some() { "…" } else { "" };
    format!("'{}{dots}'", printable(&kept))
}

/// A file by its name and the flag that gave it. A text that may be the content of a file is not repeated: a token, a key
/// or settings, given in place of the name, must not reach a log.
pub(crate) fn file_named(path: &Path, flag: &str) -> String {
    let name = path.to_string_lossy();
    let may_be_content = name.len() > 255
        || ["eyJ", "sk_", "-----"].iter().any(|sign| name.contains(sign))
        || name.contains(|c: char| c.is_control() || "={}<>".contains(c));
    if may_be_content {
        return format!(
            "the file given with {flag} (its name is not shown, since it may be what was meant to be in it)"
        );
    }
    format!("the file {} given with {flag}", quoted(&name))
}

/// Prints an object as JSON: one line, ASCII only, since a token's text may end up on a terminal. Its first member,
/// `schema`, says which members follow and what they mean: another number is another shape.
pub(crate) fn print_json(
    out: &mut dyn Write,
    schema: &str,
    object: &impl Serialize,
) -> io::Result<()> {
    let text = serde_json::to_string(object)?;
    let members = text.strip_prefix('{').unwrap_or(&text);
    let comma = if members == "}" { "" } else { "," };
    writeln!(out, "{{\"schema\":\"{schema}\"{comma}{}", ascii_line(members))
}

/// JSON text with everything that is no printable ASCII character escaped. Such characters stand in
/// strings only, but for white space, which becomes a space.
fn ascii_line(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            ' '..='~' => out.push(character),
            '\t' | '\n' | '\r' => out.push(' '),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

/// The machine's time, in Unix seconds.
pub(crate) fn unix_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |age| age.as_secs_f64())
}

/// A moment as a date and in relation to now: `2025-10-09 08:53:20 UTC, in 5 min`.
pub(crate) fn moment(at: f64, now: f64) -> String {
    let distance = at - now;
    let relation = match span(distance.abs()) {
        same if same == "0 s" => "now".to_owned(),
        ahead if distance > 0.0 => format!("in {ahead}"),
        past => format!("{past} ago"),
    };
    match date(at) {
        Some(date) => format!("{date}, {relation}"),
        None => relation,
    }
}

/// A length of time in its two largest units: `4 min 59 s`.
pub(crate) fn span(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // saturates, and is not negative
    let whole = seconds.max(0.0) as u64;
    let units = [
        (whole / 86400, "d"),
        (whole / 3600 % 24, "h"),
        (whole / 60 % 60, "min"),
        (whole % 60, "s"),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(units.len() - 1);
    let shown = units.iter().skip(first).take(2).filter(|(count, _)| *count > 0 || whole == 0);
    let words: Vec<String> = shown.map(|(count, unit)| format!("{count} {unit}")).collect();
    words.join(" ")
}

/// Last second of the year 9999: what lies beyond is a mistake, and is told in seconds alone.
const LAST_DATE: f64 = 253_402_300_799.0;

/// Date and time in UTC, by the civil calendar's arithmetic over eras of 400 years.
fn date(at: f64) -> Option<String> {
    if !(0.0..=LAST_DATE).contains(&at) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // within the range just checked
    let at = at as u64;
    let (day, second) = (at / 86400 + 719_468, at % 86400);
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // The year is counted from March, so that the leap day is its last.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = 400 * era + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_a_terminal() {
        assert_eq!(printable("a \"b\" c\\é"), "a \"b\" c\\é");
        assert_eq!(printable("\u{1b}[2J\r\n\u{202e}\u{9b}"), "\\u{1b}[2J\\r\\n\\u{202e}\\u{9b}");
    }

    #[test]
    fn a_servers_text_is_cut() {
        assert_eq!(quoted("a\u{1b}b"), "'a\\u{1b}b'");
        assert_eq!(quoted(&"x".repeat(100_000)).chars().count(), QUOTED_LIMIT + 3);
    }

    #[test]
    fn json_is_one_line_of_ascii_with_the_same_meaning() {
        let line = ascii_line("{\n \"a\": \"é\u{7f}\u{1f600}\"\t}");
        assert_eq!(line, "{  \"a\": \"\\u00e9\\u007f\\ud83d\\ude00\" }");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["a"], "é\u{7f}\u{1f600}");
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (299.0, "4 min 59 s"),
            (3600.0, "1 h"),
            (3661.0, "1 h 1 min"),
            (86400.0, "1 d"),
            (90061.0, "1 d 1 h"),
            (-1.0, "0 s"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn dates_are_the_civil_calendars() {
        for (seconds, text) in [
            (0.0, "1970-01-01 00:00:00 UTC"),
            (951_782_400.0, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199.5, "2024-02-29 23:59:59 UTC"),
            (1_760_000_000.0, "2025-10-09 08:53:20 UTC"),
            (4_107_542_400.0, "2100-03-01 00:00:00 UTC"),
            (LAST_DATE, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(date(seconds).as_deref(), Some(text));
        }
        assert_eq!(date(-1.0), None);
        assert_eq!(date(1e15), None);
        assert_eq!(moment(1_760_000_300.0, 1_760_000_000.0), "2025-10-09 08:58:20 UTC, in 5 min");
        assert_eq!(moment(1_760_000_000.0, 1_760_000_060.0), "2025-10-09 08:53:20 UTC, 1 min ago");
    }
}
