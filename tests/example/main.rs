//! The Rust example as a user runs it: settings from the environment, the token on standard input.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;
use support::{ISSUER, NOW, claims, claims_with, jwks, keys};

/// Runs the example that `cargo test` has built beside this test; answers its exit status and output.
fn run(settings: &[(&str, &str)], token: &str) -> (i32, String) {
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().unwrap().parent().unwrap().join("examples/verify");
    let mut child = Command::new(&example)
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{}: {error}; run the whole of `cargo test`", example.display())
        });
    child.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn accepts_refuses_and_says_why() {
    let (document, now) = (jwks(&[keys::rsa()]), NOW.to_string());
    let settings = [
        ("AUTHKIT_DOMAIN", ISSUER),
        ("AUTHKIT_BASE_URL", "https://mcp.example"),
        ("AUTHKIT_JWKS", &document),
        ("AUTHKIT_NOW", &now),
    ];
    let good = keys::rsa().token(&claims());
    assert_eq!(run(&settings, &good), (0, "accepted: user_01H\n".to_owned()));

    let expired = keys::rsa().token(&claims_with(&json!({ "exp": 1 })));
    let (status, output) = run(&settings, &expired);
    assert!(status == 1 && output.starts_with("EXPIRED, HTTP 401: "), "{output}");

    let elsewhere = keys::rsa().token(&claims_with(&json!({ "aud": "client_01" })));
    let (status, output) = run(&settings, &elsewhere);
    assert!(status == 1 && output.contains("\nhint: "), "{output}");

    let (status, _) = run(&settings[..1], &good);
    assert_eq!(status, 2, "half a configuration");
    let nowhere = [
        ("AUTHKIT_DOMAIN", "https://localhost:1"),
        ("AUTHKIT_BASE_URL", "https://mcp.example"),
        ("AUTHKIT_NOW", &now),
    ];
    let ours = keys::rsa().token(&claims_with(&json!({ "iss": "https://localhost:1" })));
    assert_eq!(run(&nowhere, &ours).0, 3, "no keys to be had");
}
