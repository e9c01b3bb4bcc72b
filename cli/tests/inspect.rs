//! Holds `authkit inspect` to what it must never look like: a verdict.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{authkit, good};
use serde_json::{Value, json};

fn token(header: &str, payload: &str) -> String {
    format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

fn remarks(token: &str) -> Vec<String> {
    let run = authkit(&["inspect", "--json", "--now", "1760000000"], token);
    let remarks = run.json()["remarks"].as_array().unwrap().clone();
    remarks.iter().map(|remark| remark.as_str().unwrap().to_owned()).collect()
}

#[test]
fn says_loudly_on_both_streams_that_nothing_was_verified() {
    let good = good();
    let run = authkit(&["inspect", "--now", &good.now], &good.token);
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.starts_with("NOT VERIFIED: "), "{run:?}");
    assert!(run.stderr.starts_with("NOT VERIFIED: "), "{run:?}");
    assert!(
        run.stdout.contains("  exp       1760000300  (2025-10-09 08:58:20 UTC, in 5 min)\n"),
        "{run:?}"
    );
    assert!(run.stdout.contains("256 bytes, not checked"), "{run:?}");
    assert!(!run.all_output().contains("ACCEPTED"), "{run:?}");
}

#[test]
fn json_says_so_too() {
    let good = good();
    let run = authkit(&["inspect", "--json", "--now", &good.now], format!("{}\n", good.token));
    let inspection = run.json();
    assert_eq!(inspection["schema"], "authkit-inspect/1");
    assert_eq!(run.exit, 0);
    assert_eq!(
        (&inspection["verified"], &inspection["code"]),
        (&json!(false), &json!("NOT_VERIFIED"))
    );
    assert_eq!(inspection["header"]["alg"], "RS256");
    assert_eq!(inspection["claims"]["sub"], "user_01K7HELD0UTSUBJECT00000001");
    assert_eq!(inspection["remarks"], json!([]));
    assert!(inspection.get("ok").is_none(), "a script must not take it for a verdict");
}

#[test]
fn remarks_on_what_would_keep_the_token_out() {
    let claims = r#"{"iss":"i","aud":"a","sub":"s","exp":1760000300}"#;
    let good = r#"{"alg":"RS256","kid":"k"}"#;
    let cases: &[(&str, &str, &str)] = &[
        (good, r#"{"iss":"i","aud":"a","sub":"s","exp":1759999940}"#, "expired 1 min ago"),
        (
            good,
            r#"{"iss":"i","aud":"a","sub":"s","exp":"1"}"#,
            "exp is not a number: never accepted",
        ),
        (good, r#"{"iss":"i","aud":"a","sub":"s"}"#, "exp is missing: never accepted"),
        (good, r#"{"aud":"a","sub":"s","exp":1760000300}"#, "iss is missing"),
        (
            good,
            r#"{"iss":"i","aud":"a","sub":"s","exp":1760000300,"nbf":1760000100}"#,
            "nbf lies 1 min 40 s ahead: not yet valid",
        ),
        (r#"{"alg":"none","kid":"k"}"#, claims, "alg is 'none': never accepted"),
        (r#"{"alg":"HS256","kid":"k"}"#, claims, "alg is 'HS256': never accepted"),
        (r#"{"kid":"k"}"#, claims, "alg is missing or not a string: never accepted"),
        (
            r#"{"alg":"ES256","kid":"k"}"#,
            claims,
            "alg is ES256: accepted only where algorithms lists it (default RS256)",
        ),
        (
            r#"{"alg":"RS256","kid":"k","typ":"dpop+jwt"}"#,
            claims,
            "typ is 'dpop+jwt': not an access token",
        ),
        (
            r#"{"alg":"RS256","kid":"k","crit":["x"]}"#,
            claims,
            "crit demands an extension: never accepted",
        ),
        (
            r#"{"alg":"RS256","kid":"k","jku":"https://x"}"#,
            claims,
            "jku: never used, since a token does not choose its key",
        ),
        (r#"{"alg":"RS256"}"#, claims, "kid is missing: accepted only where exactly one key fits"),
    ];
    for (header, payload, remark) in cases {
        assert_eq!(remarks(&token(header, payload)), [*remark], "{header} {payload}");
    }
    for (payload, remark) in [
        (
            r#""aud":"client_01","sub":"s","client_id":"client_02""#,
            "aud is a client id: AuthKit knows no",
        ),
        (r#""aud":"client_01","sub":"s""#, "aud is a client id, and client_id is missing: never"),
        (r#""aud":"client_01","sub":"client_01""#, "aud is a client id, and sub too: a machine's"),
        (r#""aud":"a","sub":"s","nonce":null,"c_hash":"x""#, "nonce, c_hash: an ID token, never"),
        (r#""aud":"a","sub":"s","cnf":{"jkt":"x"}"#, "cnf binds the token to a key"),
    ] {
        let token = token(good, &format!(r#"{{"iss":"i","exp":1760000300,{payload}}}"#));
        let remarks = remarks(&token);
        assert!(remarks.len() == 1 && remarks[0].starts_with(remark), "{remarks:?}");
    }
}

#[test]
fn what_the_strict_parser_refuses_is_unreadable_and_the_rest_is_shown() {
    for (token, code) in [
        (String::new(), "MALFORMED"),
        ("not a token".to_owned(), "MALFORMED"),
        (token(r#"{"alg":"RS256"}"#, r#"{"sub":"a","sub":"b"}"#), "MALFORMED"),
        ("x".repeat(20_000), "TOO_LARGE"),
    ] {
        let run = authkit(&["inspect", "--json"], &token);
        assert_eq!(run.exit, 1, "{run:?}");
        let inspection = run.json();
        assert_eq!(
            (&inspection["verified"], &inspection["code"]),
            (&json!(false), &json!(code)),
            "{inspection}"
        );
        assert!(inspection["reason"].is_string(), "{inspection}");
        assert_eq!(inspection["claims"], Value::Null);
    }
    let repeated = token(r#"{"alg":"RS256"}"#, r#"{"sub":"a","sub":"b"}"#);
    assert_eq!(authkit(&["inspect", "--json"], &repeated).json()["header"]["alg"], "RS256");
    assert_eq!(authkit(&["inspect", "--token-file", "no/such/file"], "").exit, 2);
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let hostile =
        token("{\"alg\":\"RS256\",\"\u{202e}k\":\"\u{9b}2J\"}", "{\"sub\":\"\u{7f}\\u001b[2J\"}");
    for mode in [&["inspect"][..], &["inspect", "--json"]] {
        let run = authkit(mode, &hostile);
        let is_plain = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
        assert!(run.all_output().bytes().all(is_plain), "{run:?}");
    }
}
