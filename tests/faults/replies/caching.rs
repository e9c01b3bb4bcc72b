//! Header lines on freshness, and entity tags (RFC 9111 §5, RFC 9110 §8.8.3).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Ask, JSON, Reply, answer, head, octets, set};

pub(super) fn reply(name: &str, ask: &Ask<'_>) -> Option<Reply> {
    if let Some(name) = name.strip_prefix("cc-") {
        let names = if ask.phase > 0 { &["k2"][..] } else { &["k1"] };
        // Only what is to be revoked is turned over.
        let body =
            if name.starts_with("year") && ask.phase > 0 { set(names) } else { set(&["k1"]) };
        let lines = freshness(name)?;
        return Some(octets(answer("200 OK", &[JSON, &lines], body)));
    }
    tagged(name.strip_prefix("etag-")?, ask).map(octets)
}

fn freshness(name: &str) -> Option<String> {
    let value = match name {
        "none" => return Some("x-none: 1".into()),
        "empty" => "",
        "no-store" => "no-store",
        "no-cache" => "no-cache",
        "max-age-0" => "max-age=0",
        "max-age-1" => "max-age=1",
        "max-age-2" => "max-age=2",
        "max-age-60" => "max-age=60",
        "max-age-600" => "public, max-age=600",
        "negative" => "max-age=-1",
        "float" => "max-age=1.5",
        "exponent" => "max-age=1e3",
        "hex" => "max-age=0x10",
        "spaces" => "max-age = 60",
        "no-value" => "max-age",
        "empty-value" => "max-age=",
        "text" => "max-age=soon",
        "quoted" => "max-age=\"600\"",
        "overflow" => "max-age=99999999999999999999",
        "u64-max" => "max-age=18446744073709551615",
        "i64-max" => "max-age=9223372036854775807",
        "year" | "year-with-rotation-hint" => "public, max-age=31536000",
        "year-immutable" => "public, max-age=31536000, immutable",
        "year-stale-if-error" => {
            "max-age=60, stale-if-error=31536000, stale-while-revalidate=31536000"
        }
        "immutable" => "immutable",
        "private" => "private",
        "must-revalidate" => "max-age=0, must-revalidate",
        "proxy-revalidate" => "max-age=0, proxy-revalidate",
        "s-maxage-0" => "s-maxage=0",
        "s-maxage-year" => "max-age=60, s-maxage=31536000",
        "only-if-cached" => "only-if-cached",
        "upper" => "MAX-AGE=0",
        "semicolons" => "max-age=0; no-store",
        "commas" => ",,,,max-age=0,,,,",
        "quoted-comma" => "ext=\"a, no-store\", max-age=0",
        "twice-in-one" => "max-age=0, max-age=600",
        "flood" => return Some(format!("cache-control: {}", "max-age=0, ".repeat(2000))),
        "twice" => return Some("cache-control: max-age=0\r\ncache-control: max-age=3600".into()),
        "not-ascii" => return Some("cache-control: max-age=0, é=1".into()),
        "pragma" => return Some("pragma: no-cache".into()),
        "vary-star" => return Some("vary: *".into()),
        "warning" => return Some("warning: 110 - \"Response is Stale\"".into()),
        "clear-site-data" => return Some("clear-site-data: \"*\"".into()),
        "age-max-age" => return Some("cache-control: max-age=600\r\nage: 600".into()),
        "age-huge" => {
            return Some("cache-control: max-age=600\r\nage: 99999999999999999999".into());
        }
        "age-negative" => return Some("cache-control: max-age=0\r\nage: -600".into()),
        "age-float" => return Some("cache-control: max-age=0\r\nage: 1.5".into()),
        "age-twice" => return Some("cache-control: max-age=600\r\nage: 1\r\nage: 599".into()),
        "age-alone" => return Some("age: 100000".into()),
        "expires-past" => return Some("expires: Thu, 01 Jan 1970 00:00:00 GMT".into()),
        "expires-0" => return Some("expires: 0".into()),
        "expires-minus-1" => return Some("expires: -1".into()),
        "expires-garbage" => return Some("expires: next tuesday".into()),
        "expires-year-9999" => return Some("expires: Fri, 31 Dec 9999 23:59:59 GMT".into()),
        "expires-soon" => return Some(format!("expires: {}", date_in(600))),
        "expires-two-digit-year" => return Some("expires: Sunday, 06-Nov-94 08:49:37 GMT".into()),
        "expires-asctime" => return Some("expires: Sun Nov  6 08:49:37 1994".into()),
        "date-past" => {
            return Some("date: Thu, 01 Jan 1970 00:00:00 GMT\r\ncache-control: max-age=60".into());
        }
        "date-future" => {
            return Some("date: Fri, 31 Dec 9999 23:59:59 GMT\r\ncache-control: max-age=60".into());
        }
        "date-garbage" => return Some("date: yesterday\r\ncache-control: max-age=60".into()),
        "date-twice" => return Some(format!("date: {}\r\ndate: {}", date_in(0), date_in(-9999))),
        _ => return None,
    };
    Some(format!("cache-control: {value}"))
}

fn tagged(name: &str, ask: &Ask<'_>) -> Option<Vec<u8>> {
    let turned = ask.phase > 0;
    let body = if turned { set(&["k1", "k2"]) } else { set(&["k1"]) };
    let version = format!("\"v{}\"", ask.phase);
    let asked =
        ask.head.lines().find_map(|line| line.strip_prefix("if-none-match:")).map(str::trim);
    let plain = |tag: &str| answer("200 OK", &[JSON, &format!("etag: {tag}")], &body);
    let conditional = |tag: &str| {
        if asked == Some(tag) {
            head("304 Not Modified", &[&format!("etag: {tag}"), "connection: close"])
        } else {
            plain(tag)
        }
    };
    Some(match name {
        "rotates" => conditional(&version),
        "weak" => conditional(&format!("W/{version}")),
        // Who asks about an old document is told that it is the current one.
        "stuck" => conditional("\"always\""),
        "same-while-keys-change" => plain("\"always\""),
        "unquoted" => conditional(&format!("v{}", ask.phase)),
        "empty" => conditional(""),
        "star" => conditional("*"),
        "list" => conditional("\"a\", \"b\""),
        "huge" => conditional(&format!("\"{}\"", "e".repeat(16 * 1024))),
        "not-ascii" => plain("\"é\""),
        "nul" => plain("\"a\0b\""),
        "random" => plain(&format!("\"{}\"", ask.number)),
        "304-unasked" => head("304 Not Modified", &["connection: close"]),
        "304-always" if ask.number > 1 => head("304 Not Modified", &["connection: close"]),
        "304-always" => plain("\"a\""),
        "304-other-tag" if asked.is_some() => {
            head("304 Not Modified", &["etag: \"other\"", "connection: close"])
        }
        "304-other-tag" => plain("\"a\""),
        "304-with-body" if asked.is_some() => {
            answer("304 Not Modified", &["etag: \"a\""], set(&["rogue"]))
        }
        "304-with-body" => plain("\"a\""),
        "304-year" if asked.is_some() => head(
            "304 Not Modified",
            &["etag: \"a\"", "cache-control: max-age=31536000", "connection: close"],
        ),
        "304-year" => plain("\"a\""),
        "412" if asked.is_some() => answer("412 Precondition Failed", &[], ""),
        "412" => plain("\"a\""),
        "last-modified" => {
            answer("200 OK", &[JSON, "last-modified: Thu, 01 Jan 1970 00:00:00 GMT"], &body)
        }
        _ => return None,
    })
}

/// A date so many seconds from now, as HTTP writes it (RFC 9110 §5.6.7).
pub(super) fn date_in(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let then = Duration::from_secs(now.as_secs().saturating_add_signed(seconds));
    httpdate::fmt_http_date(UNIX_EPOCH + then)
}
