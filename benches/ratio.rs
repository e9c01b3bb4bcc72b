//! What a verdict through the C ABI costs beside the bare signature check, in one run: `cargo bench --bench ratio`.
//!
//! Distinct AuthKit-shaped tokens, one thread, keys there. The two are measured in turns, batch by
//! batch, so that a busy machine slows both, and by the thread's own time, so that what other programs
//! take is not counted; the figure is the median of the batches' ratios.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/support/abi.rs"]
mod abi;
#[path = "../tests/support/mod.rs"]
mod support;

use abi::Verifier;
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use support::keys::{self, Signer};
use support::{ISSUER, NOW, RESOURCE, claims_with, decode};

/// Tokens per batch, and batches.
const TOKENS: usize = 400;
const BATCHES: usize = 60;

fn verifier(signer: &Signer) -> Verifier {
    let config = json!({
        "issuers": { ISSUER: null }, "resource": RESOURCE, "now": NOW, "algorithms": [signer.alg],
        "jwks": { "keys": [signer.jwk()] },
    });
    Verifier::new(&config.to_string())
}

fn raw_key(signer: &Signer) -> ParsedPublicKey {
    let parameters = signer.parameters();
    let number = |name: &str| decode(parameters[name].as_str().unwrap());
    match signer.alg {
        "RS256" => RsaPublicKeyComponents { n: number("n"), e: number("e") }
            .to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256)
            .unwrap(),
        "ES256" => {
            let point = [vec![4], number("x"), number("y")].concat();
            ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).unwrap()
        }
        _ => ParsedPublicKey::new(&signature::ED25519, number("x")).unwrap(),
    }
}

/// Nanoseconds per item.
fn time(count: usize, mut work: impl FnMut(usize)) -> f64 {
    let now = || clock_gettime(ClockId::ThreadCPUTime);
    let start = now();
    (0..count).for_each(&mut work);
    let spent = now() - start;
    (spent.tv_sec as f64 * 1e9 + spent.tv_nsec as f64) / count as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn measure(signer: &Signer, batches: usize) {
    let tokens: Vec<String> = (0..TOKENS)
        .map(|number| signer.token(&claims_with(&json!({ "jti": format!("jti-{number}"), "sub": format!("user_{number}"), "pad": "x".repeat(300) }))))
        .collect();
    let parts: Vec<(&[u8], Vec<u8>)> = tokens
        .iter()
        .map(|token| {
            let dot = token.rfind('.').unwrap();
            (&token.as_bytes()[..dot], decode(&token[dot + 1..]))
        })
        .collect();
    let (key, verifier) = (raw_key(signer), verifier(signer));
    let raw = |at: usize| assert!(key.verify_sig(parts[at].0, &parts[at].1).is_ok());
    let ours = |at: usize| assert_eq!(verifier.status(tokens[at].as_bytes()), 0);
    time(TOKENS, raw);
    time(TOKENS, ours);
    let pairs: Vec<(f64, f64)> =
        (0..batches).map(|_| (time(TOKENS, raw), time(TOKENS, ours))).collect();
    let ratio = median(pairs.iter().map(|(raw, ours)| ours / raw).collect());
    let micros = |figures: Vec<f64>| median(figures) / 1000.0;
    println!(
        "{:<6} {:>5} bytes   bare signature {:>6.2} µs   C ABI {:>6.2} µs   ratio {ratio:.3}",
        signer.alg,
        tokens[0].len(),
        micros(pairs.iter().map(|pair| pair.0).collect()),
        micros(pairs.iter().map(|pair| pair.1).collect()),
    );
}

fn main() {
    // `cargo test --benches` runs it with --test: one batch shows that it works.
    let batches = if std::env::args().any(|argument| argument == "--test") { 1 } else { BATCHES };
    for signer in [keys::rsa(), keys::es256(), keys::ed25519()] {
        measure(signer, batches);
    }
}
