//! Random and mutated tokens, requests and key sets through the C ABI: no panic, no crash, no wrong acceptance.
//!
//! `AUTHKIT_MUTATIONS` is the number of inputs (default 20 000; `make mutate` gives a million, also
//! under the address sanitizer). `AUTHKIT_SEED` replays a run; a failure prints its seed.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

#[path = "../support/abi.rs"]
mod abi;
#[path = "../support/mod.rs"]
mod support;

use abi::Verifier;
use authkit::Code;
use serde_json::json;
use support::{ISSUER, NOW, RESOURCE, claims, claims_with, decode, encode, jwks, keys};

/// xorshift64*: a run is its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn octets(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }
}

/// One edit that keeps most of the input, so that it gets past the first checks.
fn mutate(input: &[u8], random: &mut Random) -> Vec<u8> {
    const INTERESTING: &[u8] = b".{}[]\",:\\=-_\0\xff\n eE+0129u";
    let mut output = input.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(output.len().max(1));
        match random.below(7) {
            0 if !output.is_empty() => output[at] ^= 1 << random.below(8),
            1 if !output.is_empty() => output[at] = INTERESTING[random.below(INTERESTING.len())],
            2 if !output.is_empty() => drop(output.remove(at)),
            3 => output.insert(at.min(output.len()), INTERESTING[random.below(INTERESTING.len())]),
            4 => output.truncate(at),
            5 => {
                let end = (at + random.below(64)).min(output.len());
                let piece = output[at.min(end)..end].to_vec();
                let to = random.below(output.len().max(1)).min(output.len());
                drop(output.splice(to..to, piece));
            }
            _ => {
                let noise = random.octets(16);
                drop(output.splice(at.min(output.len())..at.min(output.len()), noise));
            }
        }
    }
    output
}

/// The three parts of a token edited where they matter: the JSON inside, signed anew or not.
fn mutate_inside(token: &str, random: &mut Random) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = token.split('.').map(decode).collect();
    let header = if random.below(2) == 0 { mutate(&parts[0], random) } else { parts[0].clone() };
    let payload = if random.below(2) == 0 { mutate(&parts[1], random) } else { parts[1].clone() };
    if random.below(8) == 0 {
        // Signing costs a thousand times what the rest does: a share is enough.
        return keys::es256().token_of(header, payload).into_bytes();
    }
    format!("{}.{}.{}", encode(header), encode(payload), encode(&parts[2])).into_bytes()
}

/// Safe to log: one line of bounded length.
fn check_reason(reason: Option<&str>) {
    let reason = reason.expect("a refusal has a reason");
    let is_safe = !reason.is_empty() && reason.len() < 1200 && !reason.contains(char::is_control);
    assert!(is_safe, "{reason:?}");
}

fn verifier() -> Verifier {
    let config = json!({
        "issuers": { ISSUER: null }, "resource": RESOURCE, "now": NOW, "algorithms": ["RS256", "ES256"],
        "jwks": { "keys": [keys::rsa().jwk(), keys::es256().jwk()] },
    });
    Verifier::new(&config.to_string())
}

fn runs() -> usize {
    std::env::var("AUTHKIT_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

fn seed() -> u64 {
    let seed = std::env::var("AUTHKIT_SEED").ok().and_then(|text| text.parse().ok());
    seed.unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()
            as u64
    }) | 1
}

fn is_verdict(status: i32) -> bool {
    Code::from_status(status).is_some_and(|code| {
        !matches!(code, Code::Internal | Code::Config | Code::WouldBlock | Code::Absent)
    })
}

#[test]
fn no_mutated_token_is_accepted_unless_it_was_signed_so() {
    let seed = seed();
    println!("AUTHKIT_SEED={seed}");
    let mut random = Random(seed);
    let verifier = verifier();
    let samples = [
        keys::rsa().token(&claims()),
        keys::es256().token(&claims()),
        keys::es256().token(&claims_with(&json!({ "aud": [RESOURCE, "x"], "scope": ["a", "b"], "act": { "sub": "x", "n": [1, 2.5e3, null, true] } }))),
        keys::es256().token_with_header(&json!({ "typ": "at+jwt", "jwk": keys::rsa().jwk() }), &claims()),
    ];
    for run in 0..runs() {
        let sample = &samples[random.below(samples.len())];
        let token = match run % 4 {
            0 => random.octets(2000),
            1 | 2 => mutate(sample.as_bytes(), &mut random),
            _ => mutate_inside(sample, &mut random),
        };
        let answer = verifier.verify(&token);
        match answer.payload {
            None => {
                check_reason(answer.reason.as_deref());
                assert!(
                    is_verdict(answer.status),
                    "status {}, seed {seed}, run {run}",
                    answer.status
                );
            }
            // An edit can leave the token as it was or be signed anew; the payload handed out is the one signed.
            Some(payload) => {
                let text = String::from_utf8(token).unwrap();
                let signed = decode(text.split('.').nth(1).unwrap());
                assert_eq!(payload.as_bytes(), signed, "seed {seed}, run {run}");
                let is_sample = samples.contains(&text);
                let input = &text[..text.rfind('.').unwrap()];
                let signature = decode(&text[text.rfind('.').unwrap() + 1..]);
                assert!(
                    is_sample || oracle(input, &signature),
                    "accepted what nobody signed: seed {seed}, run {run}"
                );
            }
        }
    }
}

/// Another library's word that the EC key signed this.
fn oracle(input: &str, signature: &[u8]) -> bool {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(keys::es256().jwk()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    jsonwebtoken::crypto::verify(
        &encode(signature),
        input.as_bytes(),
        &key,
        jsonwebtoken::Algorithm::ES256,
    )
    .unwrap_or(false)
}

#[test]
fn no_mutated_key_set_breaks_anything() {
    let seed = seed();
    println!("AUTHKIT_SEED={seed}");
    let mut random = Random(seed);
    let verifier = verifier();
    let token = keys::es256().token(&claims());
    let good = jwks(&[keys::es256(), keys::rsa(), keys::ed25519(), keys::es384()]);
    for run in 0..runs() / 4 {
        let document =
            if run % 8 == 0 { random.octets(4000) } else { mutate(good.as_bytes(), &mut random) };
        let answer = verifier.set_jwks(&document);
        let status = answer.status;
        if status != 0 {
            check_reason(answer.reason.as_deref());
        }
        // Invalid UTF-8 is MISUSE: the host passes this document, no attacker.
        let refused = [Code::Config.status(), Code::Misuse.status()];
        assert!(
            status == 0 || refused.contains(&status),
            "status {status}, seed {seed}, run {run}"
        );
        let status = verifier.status(token.as_bytes());
        assert!(status == 0 || is_verdict(status), "status {status}, seed {seed}, run {run}");
        if run % 16 == 0 {
            assert_eq!(verifier.set_jwks(good.as_bytes()).status, 0);
            assert_eq!(verifier.status(token.as_bytes()), 0, "seed {seed}, run {run}");
        }
    }
}

/// Everything that a header's sender has been seen to get wrong, and some more.
const HEADER_PIECES: &[&str] = &[
    "Bearer ",
    "bearer ",
    "BEARER\t",
    "Bearer",
    "Basic dXNlcjpwYXNz",
    ", ",
    ",",
    " ",
    "\t",
    "\r\n",
    "\0",
    "\"",
    "\\",
    "=",
    "DPoP ",
    "Digest realm=\"a, Bearer b\"",
    "access_token=",
    "Set-Cookie: x",
    "\u{e9}",
    "\u{2028}",
    "\u{10d0a}",
    ";",
];

fn header(token: &str, random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 => random.octets(300),
        1 | 2 => mutate(format!("Bearer {token}").as_bytes(), random),
        3 => [b"Bearer ".to_vec(), mutate_inside(token, random)].concat(),
        4 => format!("Bearer {}", "a".repeat(random.below(20_000))).into_bytes(),
        _ => {
            let pieces = (0..=random.below(5)).map(|_| match random.below(4) {
                0 => token,
                _ => HEADER_PIECES[random.below(HEADER_PIECES.len())],
            });
            pieces.collect::<String>().into_bytes()
        }
    }
}

fn query(random: &mut Random) -> Option<Vec<u8>> {
    match random.below(8) {
        0 => Some(random.octets(40)),
        1 => Some(mutate(b"a=b&access%5Ftoken=x;c", random)),
        2 => Some(b"cursor=1".to_vec()),
        _ => None,
    }
}

#[test]
fn no_header_is_let_through_or_answered_with_a_broken_one() {
    let seed = seed();
    println!("AUTHKIT_SEED={seed}");
    let mut random = Random(seed);
    let verifier = verifier();
    let token = keys::es256().token(&claims());
    let mut seen = std::collections::BTreeSet::new();
    for run in 0..runs().max(100_000) {
        let header = header(&token, &mut random);
        let query = query(&mut random);
        let decision = verifier.authorize(&header, query.as_deref());
        let place = format!("seed {seed}, run {run}");
        seen.insert(decision.http_status);
        for (name, value) in &decision.headers {
            assert!(name.iter().all(|octet| matches!(octet, b'a'..=b'z' | b'-')), "{place}");
            assert!(value.iter().all(|octet| matches!(octet, b' '..=b'~')), "{place}");
        }
        assert_eq!(decision.payload.is_some(), decision.http_status == 200, "{place}");
        assert_eq!(decision.http_status == 200, decision.status == 0, "{place}");
        match decision.payload {
            // What went on holds one token, and that one was signed.
            Some(payload) => {
                let text = String::from_utf8(header).unwrap();
                let carried = text.trim().split(' ').next_back().unwrap();
                let (input, signature) = carried.rsplit_once('.').unwrap();
                assert!(carried == token || oracle(input, &decode(signature)), "{place}");
                assert_eq!(payload.as_bytes(), decode(input.split('.').nth(1).unwrap()), "{place}");
            }
            None => {
                assert!(matches!(decision.http_status, 400 | 401), "{place}");
                let body: serde_json::Value = serde_json::from_slice(&decision.body).unwrap();
                assert!(body["error_description"].is_string(), "{place}");
            }
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [200, 400, 401], "every answer was met");
}
