//! What a verdict costs by how far a token gets: `cargo bench --bench stages`.
//!
//! A refused token costs what was judged before it was refused, so that the differences between the rows are the
//! stages. The last rows are accepted tokens: one whose signature is checked, and one that is known.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../tests/support/mod.rs"]
mod support;

use authkit::{Code, MAX_TOKEN_LENGTH, Policy, Verifier};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use support::{NOW, build, builder, claims, claims_with, encode, jwks, keys};

/// Each with the code that it is refused by, in the order of the stages.
fn refused() -> Vec<(&'static str, Code, String)> {
    let good = keys::rsa().token(&claims());
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (_, payload) = input.split_once('.').unwrap();
    let header =
        |header: serde_json::Value| format!("{}.{payload}.{signature}", encode(header.to_string()));
    let forged = format!("{input}.{}", encode(vec![1; 256]));
    vec![
        ("length", Code::TooLarge, "x".repeat(MAX_TOKEN_LENGTH + 1)),
        ("form", Code::Malformed, good.replacen('.', "_", 1)),
        ("header", Code::Algorithm, header(json!({ "alg": "HS256" }))),
        (
            "payload and rules",
            Code::Expired,
            keys::rsa().token(&claims_with(&json!({ "exp": NOW - 3600 }))),
        ),
        ("key", Code::UnknownKey, header(json!({ "alg": "RS256", "kid": "nobody has it" }))),
        ("signature", Code::Signature, forged),
    ]
}

fn verifier(kept: u64) -> Verifier {
    build(builder(jwks(&[keys::rsa()])).token_cache_size(kept))
}

fn stages(criterion: &mut Criterion) {
    let policy = Policy::new();
    let verifier = verifier(0);
    let mut group = criterion.benchmark_group("refused by");
    for (stage, code, token) in refused() {
        let error = verifier.verify(&token, &policy).expect_err(stage);
        assert_eq!(error.code(), code, "{stage}");
        group.throughput(Throughput::Bytes(token.len() as u64));
        group.bench_function(stage, |bencher| {
            bencher.iter(|| verifier.verify(&token, &policy).is_err());
        });
    }
    group.finish();
}

fn accepted(criterion: &mut Criterion) {
    let policy = Policy::new();
    let token = keys::rsa().token(&claims());
    let mut group = criterion.benchmark_group("accepted");
    for (name, kept) in [("signature checked", 0), ("known", 64)] {
        let verifier = verifier(kept);
        group.throughput(Throughput::Bytes(token.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| verifier.verify(&token, &policy).expect("a good token"));
        });
    }
    group.finish();
}

criterion_group!(benches, stages, accepted);
criterion_main!(benches);
