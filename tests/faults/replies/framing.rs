//! HTTP that is slow, broken off, or none (RFC 9112).

use std::time::Duration;

use super::{JSON, Part, Reply, answer, good, head, octets, ok, set};

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn reply(name: &str) -> Option<Reply> {
    slow(name).or_else(|| cut_off(name)).or_else(|| lengths(name)).or_else(|| heads(name))
}

fn slow(name: &str) -> Option<Reply> {
    let (head, body) = split();
    let middle = body.len() / 2;
    Some(match name {
        "hang" => vec![Part::Hang],
        "slow-headers" => vec![Part::Drip(good(), SECOND)],
        "slow-body" => vec![Part::Octets(head), Part::Drip(body, SECOND)],
        "headers-stall" => vec![Part::Octets(head[..head.len() - 2].to_vec()), Part::Hang],
        "body-stalls" => vec![Part::Octets(head), Part::Hang],
        "body-stalls-half" => {
            vec![Part::Octets(head), Part::Octets(body[..middle].to_vec()), Part::Hang]
        }
        // All of it is there, and the connection stays: the length says that it is.
        "complete-then-hang" => {
            let lines = [JSON, &format!("content-length: {}", body.len())];
            let mut whole = super::head("200 OK", &lines);
            whole.extend(body);
            vec![Part::Octets(whole), Part::Hang]
        }
        "no-length-then-hang" => {
            let mut whole = super::head("200 OK", &[JSON]);
            whole.extend(body);
            vec![Part::Octets(whole), Part::Hang]
        }
        "one-byte-segments" => vec![Part::Drip(good(), Duration::ZERO)],
        "two-halves" => vec![
            Part::Octets(head),
            Part::Octets(body[..middle].to_vec()),
            Part::Pause(SECOND),
            Part::Octets(body[middle..].to_vec()),
        ],
        // Interim answers of which each alone is in time (RFC 9110 §15.2).
        "continue-for-ever" => {
            let interim = super::head("100 Continue", &[]);
            (0..60).flat_map(|_| [Part::Octets(interim.clone()), Part::Pause(SECOND)]).collect()
        }
        "continue-flood" => {
            vec![Part::Times(super::head("100 Continue", &[]).repeat(1000), 100_000)]
        }
        "early-hints-flood" => {
            let hints = super::head("103 Early Hints", &["link: </x>; rel=preload"]);
            vec![Part::Times(hints.repeat(1000), 100_000)]
        }
        "continue-then-ok" => {
            let mut whole = super::head("100 Continue", &[]);
            whole.extend(good());
            octets(whole)
        }
        _ => return None,
    })
}

fn cut_off(name: &str) -> Option<Reply> {
    let (head, body) = split();
    let half = [head.as_slice(), &body[..body.len() / 2]].concat();
    Some(match name {
        "close-before-headers" | "reset-before-headers" => vec![],
        "close-mid-headers" => octets(head[..head.len() / 2].to_vec()),
        "close-after-headers" | "reset-after-headers" => octets(head),
        "close-mid-body" | "reset-mid-body" => octets(half),
        "half-close" => vec![Part::HalfClose, Part::Hang],
        "half-close-mid-body" => vec![Part::Octets(half), Part::HalfClose, Part::Hang],
        "half-close-after-ok" => vec![Part::Octets(good()), Part::HalfClose, Part::Hang],
        "status-garbage" => octets("HTTP/9.9 banana split\r\n\r\n"),
        "status-negative" => octets("HTTP/1.1 -200 OK\r\n\r\n{}"),
        "status-missing" => octets(format!("HTTP/1.1\r\n\r\n{}", set(&["k1"]))),
        "status-0" => octets(answer("000 X", &[JSON], set(&["k1"]))),
        "status-999" => octets(answer("999 X", &[JSON], set(&["k1"]))),
        "status-20" => octets(answer("20 X", &[JSON], set(&["k1"]))),
        "status-2000" => octets(answer("2000 X", &[JSON], set(&["k1"]))),
        "http09" => octets(set(&["k1"])),
        "http2-preface" => octets(
            b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff".to_vec(),
        ),
        "ssh" => octets("SSH-2.0-OpenSSH_9.2\r\n"),
        "noise" => octets((0..=255u8).cycle().take(4096).collect::<Vec<_>>()),
        "nul" => vec![Part::Times(vec![0; 64 * 1024], 10_000)],
        "newlines" => vec![Part::Times(b"\r\n".repeat(32 * 1024), 10_000)],
        _ => return None,
    })
}

fn lengths(name: &str) -> Option<Reply> {
    let body = set(&["k1"]);
    let length = body.len();
    let with = |line: &str| {
        [head("200 OK", &[JSON, line, "connection: close"]), body.clone().into()].concat()
    };
    let chunked = |rest: String| {
        let mut whole = head("200 OK", &[JSON, "transfer-encoding: chunked"]);
        whole.extend(rest.into_bytes());
        whole
    };
    let chunk = format!("{length:x}\r\n{body}\r\n");
    Some(match name {
        "ok-close" => octets(good()),
        "length-too-long" => octets(with(&format!("content-length: {}", length + 100))),
        "length-too-short" => octets(with(&format!("content-length: {}", length - 10))),
        "length-none" | "ok-until-close" => octets(with("x-none: 1")),
        "length-zero" => octets(with("content-length: 0")),
        "length-negative" => octets(with("content-length: -1")),
        "length-garbage" => octets(with("content-length: many")),
        "length-overflow" => octets(with("content-length: 99999999999999999999999")),
        "length-plus" => octets(with(&format!("content-length: +{length}"))),
        "length-twice-different" => {
            octets(with(&format!("content-length: {length}\r\ncontent-length: {}", length - 9)))
        }
        "length-and-chunked" => octets(
            [
                head(
                    "200 OK",
                    &[JSON, "content-length: 5", "transfer-encoding: chunked", "connection: close"],
                ),
                format!("{chunk}0\r\n\r\n").into_bytes(),
            ]
            .concat(),
        ),
        "http10" => {
            octets(format!("HTTP/1.0 200 OK\r\n{JSON}\r\ncontent-length: {length}\r\n\r\n{body}"))
        }
        "http10-no-length" => octets(format!("HTTP/1.0 200 OK\r\n{JSON}\r\n\r\n{body}")),
        "chunked-ok" => octets(chunked(format!("{chunk}0\r\n\r\n"))),
        "chunked-each-octet" => {
            let chunks: String = body.chars().map(|octet| format!("1\r\n{octet}\r\n")).collect();
            octets(chunked(format!("{chunks}0\r\n\r\n")))
        }
        "chunked-extension" => {
            octets(chunked(format!("{length:x};a=\"b\"\r\n{body}\r\n0\r\n\r\n")))
        }
        "chunked-trailer" => octets(chunked(format!("{chunk}0\r\nx-trailer: 1\r\n\r\n"))),
        "chunked-no-end" => octets(chunked(chunk)),
        "chunked-cut-off" => octets(chunked(format!("{:x}\r\n{body}", length + 50))),
        "chunked-bad-size" => octets(chunked(format!("zz\r\n{body}\r\n0\r\n\r\n"))),
        "chunked-negative-size" => octets(chunked(format!("-{length:x}\r\n{body}\r\n0\r\n\r\n"))),
        "chunked-empty-size" => octets(chunked(format!("\r\n{body}\r\n0\r\n\r\n"))),
        "chunked-size-overflow" => {
            octets(chunked(format!("ffffffffffffffffff\r\n{body}\r\n0\r\n\r\n")))
        }
        "chunked-size-max" => octets(chunked(format!("ffffffffffffffff\r\n{body}\r\n0\r\n\r\n"))),
        "chunked-size-too-short" => octets(chunked(format!("5\r\n{body}\r\n0\r\n\r\n"))),
        "chunked-endless" => {
            let spaces = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
            vec![Part::Octets(chunked(String::new())), Part::Times(spaces.into(), 1 << 20)]
        }
        "chunked-endless-size" => {
            vec![Part::Octets(chunked(String::new())), Part::Times(b"0".repeat(64 * 1024), 10_000)]
        }
        "chunked-extension-endless" => {
            vec![Part::Octets(chunked("5;a=".into())), Part::Times(b"b".repeat(64 * 1024), 10_000)]
        }
        "chunked-trailers-endless" => {
            let start = chunked(format!("{chunk}0\r\n"));
            vec![Part::Octets(start), Part::Times(b"x-trailer: 1\r\n".repeat(1000), 100_000)]
        }
        "chunked-one-octet-endless" => {
            let tiny = b"1\r\n \r\n".repeat(1000);
            vec![Part::Octets(chunked(String::new())), Part::Times(tiny, 100_000)]
        }
        "transfer-encoding-gzip" => octets(with("transfer-encoding: gzip, chunked")),
        "transfer-encoding-unknown" => octets(with("transfer-encoding: banana")),
        _ => return None,
    })
}

fn heads(name: &str) -> Option<Reply> {
    let body = set(&["k1"]);
    let with = |lines: &str| octets(answer("200 OK", &[JSON, lines], &body));
    let start = || Part::Octets(b"HTTP/1.1 200 OK\r\n".to_vec());
    Some(match name {
        "headers-100" => with(&lines(100, |n| format!("x-{n}: {n}"))),
        "headers-10000" => with(&lines(10_000, |n| format!("x-{n}: {n}"))),
        "headers-same-10000" => with(&lines(10_000, |_| "set-cookie: a=b".into())),
        "header-huge" => with(&format!("x-huge: {}", "h".repeat(1 << 20))),
        "header-name-huge" => with(&format!("{}: 1", "h".repeat(1 << 20))),
        "header-no-colon" => with("no colon here"),
        "header-folded" => with("x-folded: a\r\n b"),
        "header-nul" => with("x-nul: a\0b"),
        "header-bare-cr" => with("x-cr: a\rb"),
        "header-not-ascii" => with("x-latin: é"),
        "header-space-before-colon" => with("content-length : 5"),
        "headers-endless" => vec![start(), Part::Times(b"x-a: b\r\n".repeat(1000), 1 << 20)],
        "header-endless" => {
            vec![
                start(),
                Part::Octets(b"x-a: ".to_vec()),
                Part::Times(b"b".repeat(64 * 1024), 1 << 20),
            ]
        }
        "status-line-endless" => {
            vec![
                Part::Octets(b"HTTP/1.1 200 ".to_vec()),
                Part::Times(b"O".repeat(64 * 1024), 1 << 20),
            ]
        }
        "lf-only" => {
            octets(format!("HTTP/1.1 200 OK\n{JSON}\ncontent-length: {}\n\n{body}", body.len()))
        }
        "status-101" => {
            octets(head("101 Switching Protocols", &["upgrade: websocket", "connection: upgrade"]))
        }
        "two-answers" => octets([ok(&body), ok(set(&["rogue"]))].concat()),
        _ => return None,
    })
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().join("\r\n")
}

/// The good answer's head and body.
fn split() -> (Vec<u8>, Vec<u8>) {
    let mut head = good();
    let body = head.split_off(head.len() - set(&["k1"]).len());
    (head, body)
}
