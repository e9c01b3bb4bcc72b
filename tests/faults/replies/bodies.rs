//! Bodies that are no key set, and key sets with something wrong in them (RFC 7517 §5).

use serde_json::{Value, json};

use super::{JSON, Part, Reply, answer, document, head, octets, ok, renamed, set, signer};

pub(super) fn reply(name: &str) -> Option<Reply> {
    text(name).map(|body| octets(ok(body))).or_else(|| typed(name)).or_else(|| sized(name)).or_else(
        || {
            let keys = if let Some(name) = name.strip_prefix("beside-") {
                vec![poison(name)?, signer("k1").jwk()]
            } else {
                vec![poison(name.strip_prefix("only-")?)?]
            };
            Some(octets(ok(document(keys))))
        },
    )
}

/// Bodies by their text.
fn text(name: &str) -> Option<Vec<u8>> {
    let good = set(&["k1"]);
    let jwk = signer("k1").jwk();
    let text = match name {
        "json-not-jwks" => r#"{"message":"hello"}"#.to_owned(),
        "json-empty-object" => "{}".to_owned(),
        "json-null" => "null".to_owned(),
        "json-true" => "true".to_owned(),
        "json-number" => "1e400".to_owned(),
        "json-string" => json!(good).to_string(),
        "json-array" => format!("[{jwk}]"),
        "json-array-of-set" => format!("[{good}]"),
        "json-bare-jwk" => jwk.to_string(),
        "json-empty" => String::new(),
        "json-spaces" => " ".repeat(1000),
        "json-depth-1M" => "[".repeat(1_000_000),
        "json-depth-100k" => "[".repeat(100_000),
        "json-depth-objects" => "{\"keys\":".repeat(20_000),
        "json-depth-in-keys" => {
            format!("{{\"keys\":[{}{}]}}", "[".repeat(60_000), "]".repeat(60_000))
        }
        "json-depth-beside-good" => {
            format!("{{\"keys\":[{}{},{jwk}]}}", "[".repeat(60_000), "]".repeat(60_000))
        }
        "json-depth-in-extra" => {
            format!("{{\"x\":{}{},\"keys\":[{jwk}]}}", "[".repeat(60_000), "]".repeat(60_000))
        }
        "json-trailing-garbage" => format!("{good}garbage"),
        "json-two-documents" => format!("{good}{good}"),
        "json-trailing-comma" => good.replace("]}", ",]}"),
        "json-comment" => format!("/* keys */ {good}"),
        "json-single-quotes" => good.replace('"', "'"),
        "json-nan" => good.replacen('{', "{\"x\":NaN,", 1),
        "json-truncated" => good[..good.len() / 2].to_owned(),
        "json-cut-last" => good[..good.len() - 1].to_owned(),
        "json-prefix" => format!(")]}}',\n{good}"),
        "json-callback" => format!("callback({good})"),
        "json-spaces-around" => format!("\r\n\t {good} \r\n\t"),
        "json-escaped-name" => good.replacen("keys", "\\u006beys", 1),
        "json-upper-name" => good.replacen("keys", "KEYS", 1),
        "json-extra-members" => good.replacen('{', "{\"issuer\":\"x\",\"next\":null,", 1),
        "json-nul-inside" => good.replacen('{', "{\0", 1),
        "keys-twice" => format!("{{\"keys\":[{}],\"keys\":[{jwk}]}}", renamed("rogue", "k1")),
        "keys-twice-escaped" => {
            format!("{{\"keys\":[{jwk}],\"\\u006beys\":[{}]}}", renamed("rogue", "k1"))
        }
        "keys-null" => r#"{"keys":null}"#.to_owned(),
        "keys-object" => format!("{{\"keys\":{{\"0\":{jwk}}}}}"),
        "keys-string" => r#"{"keys":"k1"}"#.to_owned(),
        "keys-number" => r#"{"keys":1}"#.to_owned(),
        "keys-nested" => format!("{{\"keys\":[[{jwk}]]}}"),
        "empty-keys" => r#"{"keys":[]}"#.to_owned(),
        "null-entry" => document([json!(null), json!(5), jwk]),
        "no-kid-in-jwk" => document([without(jwk, "kid")]),
        "no-alg-in-jwk" => document([without(jwk, "alg")]),
        "no-use-in-jwk" => document([without(jwk, "use")]),
        "same-kid-twice" => document([renamed("k2", "k1"), jwk]),
        "same-kid-rogue-first" => document([renamed("rogue", "k1"), jwk]),
        "same-key-twice" => document([jwk.clone(), jwk]),
        "kid-with-nul" => document([with(&jwk, "kid", json!("k1\0x"))]),
        "kid-upper" => document([with(&jwk, "kid", json!("K1"))]),
        "kid-spaces" => document([with(&jwk, "kid", json!(" k1 "))]),
        "body-bom" => format!("\u{feff}{good}"),
        "body-utf16" => return Some(utf16(&good, true)),
        "body-utf16-no-bom" => return Some(utf16(&good, false)),
        "body-utf32" => return Some(good.chars().flat_map(|c| (c as u32).to_be_bytes()).collect()),
        "body-latin1" => {
            let mut octets = good.replacen('{', "{\"x\":\"?\",", 1).into_bytes();
            let at = octets.iter().position(|octet| *octet == b'?')?;
            octets[at] = 0xe9;
            return Some(octets);
        }
        "body-surrogate" => good.replacen('{', "{\"x\":\"\\ud800\",", 1),
        "body-nul" => return Some(vec![0; 1000]),
        "body-pem" => "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n".to_owned(),
        _ => return None,
    };
    Some(text.into_bytes())
}

/// Bodies by what is said of their type and coding.
fn typed(name: &str) -> Option<Reply> {
    let good = set(&["k1"]);
    let coded = |coding: &str, body: Vec<u8>| {
        octets(answer("200 OK", &[JSON, &format!("content-encoding: {coding}")], body))
    };
    let of_type =
        |value: &str| octets(answer("200 OK", &[&format!("content-type: {value}")], &good));
    let gzip = |body: &[u8]| gzip_stored(body);
    Some(match name {
        "html-200" => octets(answer(
            "200 OK",
            &["content-type: text/html"],
            "<!doctype html><title>Sign in</title>",
        )),
        "ct-none" => octets(answer("200 OK", &[], &good)),
        "ct-html" => of_type("text/html"),
        "ct-plain" => of_type("text/plain; charset=utf-8"),
        "ct-binary" => of_type("application/octet-stream"),
        "ct-jwk-set" => of_type("application/jwk-set+json"),
        "ct-garbage" => of_type(";;;/\"\\"),
        "ct-utf16" => of_type("application/json; charset=utf-16"),
        "ct-huge" => of_type(&format!("application/json; x={}", "x".repeat(20_000))),
        "ct-multipart" => of_type("multipart/mixed; boundary=x"),
        "disposition" => octets(answer(
            "200 OK",
            &[JSON, "content-disposition: attachment; filename=/etc/passwd"],
            &good,
        )),
        "cookies" => octets(answer("200 OK", &[JSON, "set-cookie: a=b; Domain=example"], &good)),
        "encoding-identity" => coded("identity", good.into_bytes()),
        "encoding-empty" => coded("", good.into_bytes()),
        "encoding-unknown" | "encoding-br" => coded("br", good.into_bytes()),
        "encoding-zstd" => coded("zstd", good.into_bytes()),
        "encoding-says-gzip" => coded("gzip", good.into_bytes()),
        "encoding-twice" => coded("gzip, gzip", gzip(&gzip(good.as_bytes()))),
        "encoding-list" => coded("identity, br", good.into_bytes()),
        "encoding-flood" => coded(&"gzip, ".repeat(1000), gzip(good.as_bytes())),
        "gzip" => coded("gzip", gzip(good.as_bytes())),
        "gzip-unsaid" => octets(ok(gzip(good.as_bytes()))),
        "gzip-truncated" => {
            let whole = gzip(good.as_bytes());
            coded("gzip", whole[..whole.len() / 2].to_vec())
        }
        "gzip-bomb" => coded("gzip", gzip_of_spaces(50 << 20)),
        "gzip-bomb-unsaid" => octets(ok(gzip_of_spaces(50 << 20))),
        "deflate-bomb" => coded("deflate", gzip_of_spaces(50 << 20)[GZIP_HEAD.len()..].to_vec()),
        "gzip-garbage" => coded("gzip", vec![0x5a; 5000]),
        _ => return None,
    })
}

/// Bodies by their size.
fn sized(name: &str) -> Option<Reply> {
    if let Some(count) = name.strip_prefix("keys-") {
        let count: usize = count.parse().ok()?;
        let others =
            (1..count).map(|n| with(&signer("k2").jwk(), "kid", json!(format!("other-{n}"))));
        return Some(octets(ok(document(others.chain([signer("k1").jwk()])))));
    }
    const MIB: usize = 1 << 20;
    let jwk = signer("k1").jwk();
    let padded = |length: usize| {
        let good = set(&["k1"]);
        ok(format!("{}{good}", " ".repeat(length - good.len())))
    };
    let endless = |lines: &[&str]| {
        vec![Part::Octets(head("200 OK", lines)), Part::Times(vec![b' '; MIB], 10_000)]
    };
    Some(match name {
        "body-200K" => octets(padded(200 * 1024)),
        "body-256K" => octets(padded(256 * 1024)),
        "body-257K" => octets(padded(257 * 1024)),
        "body-1M" => octets(padded(MIB)),
        "body-10M" => octets(padded(10 * MIB)),
        "body-100MB-declared" => vec![
            Part::Octets(head("200 OK", &[JSON, "content-length: 100000000"])),
            Part::Times(vec![b' '; 100_000], 1000),
        ],
        "body-100MB-declared-only" => {
            vec![Part::Octets(head("200 OK", &[JSON, "content-length: 100000000"])), Part::Hang]
        }
        "body-100GB-declared" => endless(&[JSON, "content-length: 100000000000"]),
        "body-endless" => endless(&[JSON, "connection: close"]),
        "body-endless-keys" => {
            let key = format!("{jwk},").repeat(100).into_bytes();
            let head = [head("200 OK", &[JSON]), b"{\"keys\":[".to_vec()].concat();
            vec![Part::Octets(head), Part::Times(key, 100_000)]
        }
        "key-huge" => octets(ok(document([with(&jwk, "x", json!("x".repeat(200_000)))]))),
        "key-too-huge" => octets(ok(document([with(&jwk, "x", json!("x".repeat(MIB)))]))),
        "key-many-members" => {
            let mut key = jwk;
            for n in 0..10_000 {
                key[format!("m{n}")] = json!(n);
            }
            octets(ok(document([key])))
        }
        "entries-many" => octets(ok(format!("{{\"keys\":[{}{jwk}]}}", "0,".repeat(100_000)))),
        "members-many" => {
            let members: String = (0..15_000).map(|n| format!("\"m{n}\":0,")).collect();
            octets(ok(format!("{{{members}\"keys\":[{jwk}]}}")))
        }
        _ => return None,
    })
}

/// One entry that must spoil no other, and be no key itself.
fn poison(name: &str) -> Option<Value> {
    let jwk = || signer("k1").jwk();
    let changed = |member: &str, value: Value| with(&jwk(), member, value);
    Some(match name {
        "null" => json!(null),
        "number" => json!(5),
        "string" => json!("k1"),
        "list" => json!([jwk()]),
        "empty" => json!({}),
        "kid-number" => changed("kid", json!(1)),
        "kid-null" => changed("kid", json!(null)),
        "kid-list" => changed("kid", json!(["k1"])),
        "use-enc" => changed("use", json!("enc")),
        "use-number" => changed("use", json!(1)),
        "ops-sign" => changed("key_ops", json!(["sign"])),
        "ops-text" => changed("key_ops", json!("verify")),
        "alg-none" => changed("alg", json!("none")),
        "alg-hs256" => changed("alg", json!("HS256")),
        "alg-es256" => changed("alg", json!("ES256")),
        "alg-rs512" => changed("alg", json!("RS512")),
        "alg-rsa-oaep" => changed("alg", json!("RSA-OAEP")),
        "alg-number" => changed("alg", json!(256)),
        "kty-missing" => without(jwk(), "kty"),
        "kty-lower" => changed("kty", json!("rsa")),
        "kty-unknown" => changed("kty", json!("AKP")),
        "kty-oct" => json!({ "kty": "oct", "kid": "k1", "k": "c2VjcmV0" }),
        "private" => changed("d", json!("AQAB")),
        "n-missing" => without(jwk(), "n"),
        "n-empty" => changed("n", json!("")),
        "n-number" => changed("n", json!(12345)),
        "n-zero" => changed("n", json!("A".repeat(342))),
        "n-not-base64" => changed("n", json!("!!!!")),
        "n-padded" => changed("n", json!(format!("{}==", jwk()["n"].as_str()?))),
        "n-1024-bits" => changed("n", json!("w".repeat(171))),
        "n-100k" => changed("n", json!("w".repeat(100_000))),
        "e-missing" => without(jwk(), "e"),
        "e-1" => changed("e", json!("AQ")),
        "e-2" => changed("e", json!("Ag")),
        "e-huge" => changed("e", json!("w".repeat(342))),
        "ec-off-curve" => {
            json!({ "kty": "EC", "kid": "k1", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(43) })
        }
        "ec-p521" => json!({ "kty": "EC", "kid": "k1", "crv": "P-521", "x": "A", "y": "A" }),
        "okp-zero" => json!({ "kty": "OKP", "kid": "k1", "crv": "Ed25519", "x": "A".repeat(43) }),
        "deep" => (0..100).fold(json!({ "kid": "k1" }), |inner, _| json!({ "kid": inner })),
        _ => return None,
    })
}

fn with(jwk: &Value, member: &str, value: Value) -> Value {
    let mut jwk = jwk.clone();
    jwk[member] = value;
    jwk
}

fn without(mut jwk: Value, member: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

fn utf16(text: &str, marked: bool) -> Vec<u8> {
    let mark = marked.then_some(0xfeff);
    mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
}

/// RFC 1952 §2.3: no name, no time.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A gzip file whose one block is stored (RFC 1951 §3.2.4).
fn gzip_stored(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let mut file = GZIP_HEAD.to_vec();
    file.push(1);
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(body);
    file.extend(crc32(body).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

/// So many spaces in a 160th of their size: one, and then "the last octet 258 times" again and again,
/// by the fixed codes (RFC 1951 §3.2.6). Its check sum is wrong: who gets so far has lost.
fn gzip_of_spaces(length: usize) -> Vec<u8> {
    let mut bits = Bits { file: GZIP_HEAD.to_vec(), count: 0 };
    bits.push(1, 1); // the last block
    bits.push(0b01, 2); // fixed codes
    bits.push_code(0x30 + u32::from(b' '), 8);
    for _ in 0..length / 258 {
        bits.push_code(0b1100_0101, 8); // length 258
        bits.push_code(0, 5); // distance 1
    }
    bits.push_code(0, 7);
    bits.file.extend([0; 8]);
    bits.file
}

struct Bits {
    file: Vec<u8>,
    count: u32,
}

impl Bits {
    /// A number, its lowest bit first.
    fn push(&mut self, value: u32, width: u32) {
        for bit in 0..width {
            if self.count.is_multiple_of(8) {
                self.file.push(0);
            }
            *self.file.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
    }

    /// A Huffman code, its highest bit first.
    fn push_code(&mut self, code: u32, width: u32) {
        self.push(code.reverse_bits() >> (32 - width), width);
    }
}

fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}
