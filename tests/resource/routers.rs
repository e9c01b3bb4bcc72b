//! Paths against a model of many routers: whatever place one of them finds, by any steps in any order, that
//! place's scopes were demanded. `AUTHKIT_SEED` replays a run, `AUTHKIT_PATHS` says how many paths are tried.

use authkit::{Access, Request};

/// Fixed, so that a run is the same everywhere.
const SEED: u64 = 0x5EED_0F9A_7357_2026;
const PATHS: usize = 30_000;
/// Of each path, with other steps each time.
const ROUTERS: usize = 6;

const PLACES: [&str; 6] = ["/admin", "/mcp", "/files/private", "/a", "/admin/keys", "/key_ring"];
const PREFIXES: [&str; 3] = ["/api", "/v1/app", "/a"];

/// xorshift64*
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// A place, perhaps below a prefix, with some of what attackers put into paths.
fn path(random: &mut Random) -> Vec<u8> {
    const JUNK: [&str; 58] = [
        ".json", "-", "/", "//", "/.", "/./", "/..", "/../", "/x/..", "\\", "..\\", ";", ";a=b",
        "/;/", "..;/", ".", "..", " ", "\t", "\n", "\r", "\0", "%0a", "%0d", "%00", "%09", "%20",
        "%2e", "%2e%2e/", "%2f", "%2F", "%5c", "%25", "%252f", "%252e", "%3b", "%3f", "%23", "%",
        "%u002f", "#", "?", "?a=/b", "%c0%af", "%c0%ae", "%ff", "\u{ff0f}", "\u{ff0e}", "\u{200b}",
        "\u{2024}", "\u{131}", "\u{17f}", "\u{212a}", "é", "x", "/api", "/a", "http://h",
    ];
    let mut text = String::new();
    for _ in 0..random.below(3) {
        text.push_str(random.pick(&PREFIXES));
    }
    text.push_str(random.pick(&PLACES));
    let mut octets = text.into_bytes();
    for _ in 0..random.below(5) {
        let at = random.below(octets.len() + 1);
        match random.below(5) {
            0 if at < octets.len() => octets[at] = octets[at].to_ascii_uppercase(),
            1 if at < octets.len() => {
                let encoded = format!("%{:02x}", octets[at]);
                octets.splice(at..=at, encoded.into_bytes());
            }
            2 if at < octets.len() => {
                let wide = match octets[at] {
                    octet @ 0x21..=0x7e => char::from_u32(0xFEE0 + u32::from(octet)).unwrap(),
                    _ => 'x',
                };
                octets.splice(at..=at, wide.to_string().into_bytes());
            }
            _ => drop(octets.splice(at..at, random.pick(&JUNK).bytes())),
        }
    }
    octets
}

type Step = fn(&str) -> String;

/// What routers, servers and proxies are known to do to a path before they look for a handler.
const STEPS: [Step; 22] = [
    decoded,
    decoded,
    |path| path.to_lowercase(),
    |path| path.to_uppercase(),
    |path| path.split(';').next().unwrap().to_owned(),
    |path| by_segment(path, |segment| segment.split(';').next().unwrap()),
    |path| path.split('?').next().unwrap().to_owned(),
    |path| path.split('#').next().unwrap().to_owned(),
    |path| path.split('\0').next().unwrap().to_owned(),
    |path| path.strip_suffix('\n').unwrap_or(path).to_owned(),
    |path| path.chars().filter(|c| !c.is_control()).collect(),
    |path| path.replace('\\', "/"),
    merged,
    resolved,
    |path| by_segment(path, |segment| segment.trim_end_matches(['.', ' '])),
    // A suffix that names a format (Django REST framework), and joints (CherryPy).
    |path| without_format(path, str::find),
    |path| without_format(path, str::rfind),
    |path| path.replace(['-', '.', '+', '~'], "_"),
    |path| by_segment(path, str::trim),
    folded,
    |path| path.strip_suffix('/').unwrap_or(path).to_owned(),
    |path| {
        path.strip_prefix("http://")
            .map_or(path, |rest| &rest[rest.find('/').unwrap_or(rest.len())..])
            .to_owned()
    },
];

fn by_segment(path: &str, change: fn(&str) -> &str) -> String {
    path.split('/').map(change).collect::<Vec<_>>().join("/")
}

/// As lenient decoders do it: `%u002f`, overlong UTF-8, what is not UTF-8 replaced.
fn decoded(path: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |digits: Option<&[u8]>| {
            digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
        };
        let (octet, length) = match (first, behind) {
            (b'%', [b'u', ..]) => hex(behind.get(3..5)).map_or((b'%', 1), |octet| (octet, 6)),
            (b'%', _) => hex(behind.get(..2)).map_or((b'%', 1), |octet| (octet, 3)),
            _ => (*first, 1),
        };
        octets.push(octet);
        rest = rest.get(length..).unwrap_or_default();
    }
    let overlong = |from: &[u8], to: u8, octets: Vec<u8>| -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        for octet in octets {
            out.push(octet);
            if out.ends_with(from) {
                out.truncate(out.len() - from.len());
                out.push(to);
            }
        }
        out
    };
    let octets = overlong(b"\xc0\xaf", b'/', overlong(b"\xc0\xae", b'.', octets));
    String::from_utf8_lossy(&octets).into_owned()
}

fn merged(path: &str) -> String {
    let mut out = String::new();
    for c in path.chars().filter(|c| *c != '\u{FFFD}') {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
}

fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." if kept.len() > 1 => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}

/// As normalization forms and case folding do it, for the characters that occur.
fn folded(path: &str) -> String {
    let fold = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0),
        '\u{200B}' => None,
        '\u{2024}' => Some('.'),
        '\u{131}' => Some('i'),
        '\u{17F}' => Some('s'),
        '\u{212A}' => Some('k'),
        c => Some(c),
    };
    path.chars().filter_map(fold).collect()
}

/// Whether a router that looks for a place, in any letter case, finds it or something below it.
fn finds(path: &str, place: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path == place || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
}

fn document(prefix: &str) -> Access {
    let demands = PLACES.map(|place| format!(r#""{place}": ["{place}"]"#)).join(",");
    let public = r#"["/*"]"#;
    Access::from_json(&format!(
        r#"{{"prefix": "{prefix}", "public": {public}, "required_scopes": {{{demands}}}}}"#
    ))
    .unwrap()
}

/// The path without a suffix of its last segment, at the first or the last dot.
fn without_format(path: &str, dot: fn(&str, char) -> Option<usize>) -> String {
    let (above, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
    let stem = dot(last, '.').filter(|at| *at > 0).map_or(last, |at| &last[..at]);
    format!("{above}/{stem}")
}

/// What an application strips unseen: any number of whole segments.
fn stripped_unseen(path: &str, random: &mut Random) -> String {
    let starts: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
    if starts.is_empty() { path.to_owned() } else { path[random.pick(&starts)..].to_owned() }
}

/// What it strips if the prefix is known: once or again, also where no segment ends, also further on.
fn stripped(path: &str, prefix: &str, random: &mut Random) -> String {
    let lowered = path.to_ascii_lowercase();
    match random.below(4) {
        0 => path.to_owned(),
        1 => lowered.find(prefix).map_or(path, |at| &path[at + prefix.len()..]).to_owned(),
        2 => lowered
            .strip_prefix(prefix)
            .map_or(path, |rest| &path[path.len() - rest.len()..])
            .to_owned(),
        _ => {
            let once = path.strip_prefix(prefix).unwrap_or(path);
            once.strip_prefix(prefix).unwrap_or(once).to_owned()
        }
    }
}

#[test]
fn whatever_a_router_finds_was_demanded() {
    let seed = number("AUTHKIT_SEED", SEED);
    let paths = usize::try_from(number("AUTHKIT_PATHS", PATHS as u64)).unwrap();
    let mut random = Random(seed);
    let (anywhere, exact) = (document(""), PREFIXES.map(document));
    let mut found = 0;
    for run in 0..paths {
        let octets = path(&mut random);
        let which = random.below(2 * PREFIXES.len());
        let prefix = PREFIXES[which % PREFIXES.len()];
        // Known by the configuration; by the request; or by nobody.
        let access = if which < PREFIXES.len() { &exact[which] } else { &anywhere };
        let root = if which >= PREFIXES.len() && random.below(2) == 0 { prefix } else { "" };
        let is_known = which < PREFIXES.len() || !root.is_empty();
        let judged = access.judge(&Request::new().path(&octets).root_path(root));
        for _ in 0..ROUTERS {
            // No router goes by the query.
            let target = octets.split(|octet| *octet == b'?').next().unwrap();
            let mut routed = String::from_utf8_lossy(target).into_owned();
            for _ in 0..random.below(7) {
                routed = match random.below(STEPS.len() + 2) {
                    step if step < STEPS.len() => STEPS[step](&routed),
                    _ if is_known => stripped(&routed, prefix, &mut random),
                    _ => stripped_unseen(&routed, &mut random),
                };
            }
            let routed = if routed.starts_with('/') { routed } else { format!("/{routed}") };
            for place in PLACES.into_iter().filter(|place| finds(&routed, place)) {
                found += 1;
                assert!(
                    judged.scopes().contains(&place) && !judged.is_public(),
                    "{place} was routed to by {:?} ({routed:?}), with {prefix:?} known: {is_known}; demanded {:?}, public: {}; run {run} of AUTHKIT_SEED={seed}",
                    String::from_utf8_lossy(&octets),
                    judged.scopes(),
                    judged.is_public(),
                );
            }
        }
    }
    assert!(found > paths, "the paths find too few places: {found}");
}

#[test]
fn what_once_got_past_a_demand_is_demanded() {
    let paths: serde_json::Value =
        serde_json::from_str(include_str!("../paths/hostile.json")).unwrap();
    let rows = paths["found"].as_array().unwrap();
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        if let Some(public) = row["public"].as_str() {
            let access = Access::from_json(&format!(r#"{{"public": ["{public}"]}}"#)).unwrap();
            let request = Request::new().path(text("path")).root_path(text("root"));
            assert!(!access.judge(&request).is_public(), "{row}");
            continue;
        }
        let access = document(text("prefix"));
        let judged = access.judge(&Request::new().path(text("path")).root_path(text("root")));
        assert!(judged.scopes().contains(&text("demands")) && !judged.is_public(), "{row}");
    }
    assert!(rows.len() > 10);
}
