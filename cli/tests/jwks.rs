//! Holds `authkit jwks` to what it shows of issuers that answer, fail or lie, and to its exit statuses.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use common::{Run, authkit, authkit_in, file, good};
use serde_json::{Value, json};

const ISSUER: &str = "https://p-1.authkit.app";
const OTHER: &str = "https://p-2.authkit.app";
const RESOURCE: [&str; 2] = ["--resource", "https://mcp.example/mcp"];

/// 1760000000 as a header says it, long past.
const DATE: &str = "Date: Thu, 09 Oct 2025 08:53:20 GMT";

/// Answers every request alike, for the life of the test's process.
struct Issuer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Issuer {
    fn publishing(document: &Value, headers: &[&str]) -> Self {
        Self::answering("200 OK", headers, &document.to_string())
    }

    fn answering(status: &str, headers: &[&str], body: &str) -> Self {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let answer = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                read_head(&mut stream);
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}/oauth2/jwks", self.address)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut octet).is_ok_and(|read| read == 1) {
        head.push(octet[0]);
    }
}

/// Where nobody listens.
fn closed_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/oauth2/jwks", listener.local_addr().unwrap())
}

/// Issuers and where their keys are.
type Issuers<'a> = &'a [(&'a str, &'a str)];

fn jwks(issuers: Issuers<'_>, more: &[&str]) -> Run {
    let issuers = issuers.iter().copied().collect::<BTreeMap<_, _>>();
    let issuers = json!(issuers).to_string();
    let base = ["jwks", "--allow-insecure-loopback", "--issuers", &issuers];
    authkit(&[&base, &RESOURCE[..], more].concat(), "")
}

/// The published vectors' two keys, `sso_oidc_key_pair_…`, as a list to change.
fn published() -> Vec<Value> {
    let document: Value = serde_json::from_str(&good().jwks).unwrap();
    document["keys"].as_array().unwrap().clone()
}

fn renamed(key: &Value, kid: &str) -> Value {
    let mut key = key.clone();
    key["kid"] = json!(kid);
    key
}

#[track_caller]
fn assert_lines(run: &Run, expected: &[&str]) {
    let lines: Vec<&str> = run.stdout.lines().collect();
    for line in expected {
        assert!(lines.contains(line), "{line:?} is not in {run:#?}");
    }
}

fn harmless(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
}

#[test]
fn each_key_is_shown_as_used_or_with_the_reason_it_is_not() {
    let key = renamed(&published()[0], "used");
    let mut nameless = key.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    let mut encrypting = renamed(&key, "encrypting");
    encrypting["use"] = json!("enc");
    let secret = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "shared" });
    let headers = ["Cache-Control: max-age=600", "ETag: \"one\"", "Expires: 0"];
    let document = json!({ "keys": [key, encrypting, nameless, secret, 7] });
    let issuer = Issuer::publishing(&document, &headers);
    let run = jwks(&[(ISSUER, &issuer.url())], &[]);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(run.stdout.lines().next(), Some(ISSUER));
    assert_lines(
        &run,
        &[
            &format!("  keys from {}", issuer.url()),
            "  key       used (RS256)",
            "  key       (unnamed) (RS256)",
            "  dropped   entry 1, encrypting: use is not sig",
            "  dropped   entry 3, shared: a shared secret is published",
            "  header    Cache-Control: max-age=600",
            "  header    ETag: \"one\"",
            "  header    Expires (not used): 0",
            "  clock     the issuer sent no date to compare with",
        ],
    );
    assert!(run.stdout.contains("\n  dropped   entry 4, (unnamed): "), "{run:?}");
    let standing = "\n  standing  fresh, from the network, time to live 10 min, next refresh in ";
    assert!(run.stdout.contains(standing), "{run:?}");
    assert!(!run.stdout.contains("c2VjcmV0"), "a secret is not repeated: {run:?}");
    assert_eq!(issuer.requests(), 1);
}

#[test]
fn json_is_the_librarys_stats_with_the_outcome_and_the_events() {
    let issuer = Issuer::publishing(&json!({ "keys": published() }), &["ETag: W/\"x\""]);
    let run = jwks(&[(ISSUER, &issuer.url())], &["--json"]);
    let report = run.json();
    let mut members: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = [
        "code",
        "events",
        "events_lost",
        "hint",
        "issuers",
        "ok",
        "reason",
        "retry_after",
        "schema",
        "token_cache",
        "verdicts",
    ];
    assert_eq!(members, expected);
    assert_eq!(report["schema"], "authkit-jwks/1");
    assert_eq!((run.exit, &report["ok"], &report["code"]), (0, &json!(true), &json!("OK")));
    let shown = &report["issuers"][0];
    assert_eq!((&shown["issuer"], &shown["jwks_url"]), (&json!(ISSUER), &json!(issuer.url())));
    assert_eq!((&shown["standing"], &shown["source"]), (&json!("fresh"), &json!("network")));
    assert_eq!((&shown["ttl"], &shown["fetches"]), (&json!(300), &json!(1)));
    assert_eq!(shown["keys"].as_array().unwrap().len(), 2);
    assert_eq!(shown["keys"][0]["alg"], "RS256");
    assert_eq!((&shown["headers"]["etag"], &shown["skew"]), (&json!("W/\"x\""), &Value::Null));
    assert_eq!(report["events"][0]["event"], "fetched");
    // Where nothing could even be tried, the members are the same.
    let run = authkit(&["jwks", "--json"], "");
    let report = run.json();
    let same: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(same.len(), expected.len());
    assert_eq!((run.exit, &report["ok"], &report["code"]), (2, &json!(false), &json!("CONFIG")));
    assert_eq!(report["issuers"], json!([]));
}

#[test]
fn exit_status_tells_misuse_from_an_outage() {
    let issuer = Issuer::publishing(&json!({ "keys": published() }), &[]);
    let failing = Issuer::answering("500 Sorry", &[], "");
    let empty = Issuer::publishing(&json!({ "keys": [] }), &[]);
    let (up, down) = (issuer.url(), failing.url());
    let cases: &[(Issuers<'_>, &[&str], i32, &str)] = &[
        (&[(ISSUER, &up)], &[], 0, "OK"),
        (&[(ISSUER, &up)], &["--refresh-mode", "inline"], 0, "OK"),
        (&[(ISSUER, &up)], &["--refresh-mode", "manual"], 0, "OK"),
        (&[(ISSUER, &up)], &["--algorithms", "HS256"], 2, "CONFIG"),
        (&[(ISSUER, &up)], &["--algorithms", "ES256"], 3, "KEYS_UNAVAILABLE"),
        (&[(ISSUER, "http://elsewhere.example/jwks")], &[], 2, "CONFIG"),
        (&[(ISSUER, &down)], &[], 3, "KEYS_UNAVAILABLE"),
        (&[(ISSUER, &empty.url())], &[], 3, "KEYS_UNAVAILABLE"),
        (&[(ISSUER, &closed_url())], &[], 3, "KEYS_UNAVAILABLE"),
        (&[(ISSUER, &up), (OTHER, &down)], &[], 3, "KEYS_UNAVAILABLE"),
    ];
    for (issuers, more, exit, code) in cases {
        let run = jwks(issuers, &[more, &["--json"][..]].concat());
        assert_eq!(run.exit, *exit, "{issuers:?} {more:?} {run:?}");
        let report = run.json();
        assert_eq!(report["code"], *code, "{issuers:?} {more:?}");
        assert_eq!(report["retry_after"].is_u64(), *exit == 3, "{issuers:?} {report}");
        assert_eq!(jwks(issuers, more).exit, *exit, "{issuers:?} {more:?}");
    }
    for usage in [&["jwks", "--no-such-flag"][..], &["jwks", "stray"], &["jwks", "--leeway"]] {
        let run = authkit(usage, "");
        assert_eq!((run.exit, run.stdout.as_str()), (2, ""), "{usage:?} {run:?}");
    }
    let run = authkit(&["jwks"], "");
    assert!(run.stderr.starts_with("NOT FETCHED  CONFIG\n  reason    "), "{run:?}");
    assert_eq!(run.stdout, "");
    let help = authkit(&["jwks", "--help"], "");
    assert_eq!((help.exit, help.stderr.as_str()), (0, ""), "{help:?}");
}

#[test]
fn an_issuer_that_is_down_hides_no_other() {
    let up = Issuer::publishing(&json!({ "keys": [renamed(&published()[0], "theirs")] }), &[]);
    let down = Issuer::answering("500 Sorry", &[], "");
    let run = jwks(&[(ISSUER, &down.url()), (OTHER, &up.url())], &[]);
    assert_eq!(run.exit, 3, "{run:?}");
    let (first, second) = run.stdout.split_once("\n\n").unwrap();
    assert!(first.starts_with(ISSUER) && second.starts_with(OTHER), "{run:?}");
    for line in ["\n  standing  none\n", "HTTP 500", "\n  retry     in 1 s"] {
        assert!(first.contains(line) && !second.contains(line), "{line:?} {run:?}");
    }
    assert!(second.contains("\n  key       theirs (RS256)\n"), "{run:?}");
}

#[test]
fn a_document_without_a_usable_key_is_explained_entry_by_entry() {
    let keys = published();
    let document = json!({ "keys": [renamed(&keys[0], "one"), { "kty": "oct" }] });
    let issuer = Issuer::publishing(&document, &[]);
    let run = jwks(&[(ISSUER, &issuer.url())], &["--algorithms", "ES256"]);
    assert_eq!(run.exit, 3, "{run:?}");
    let told = "none of the 2 keys of the JWKS is usable: entry 0: alg is not allowed here; \
                entry 1: a shared secret is published";
    assert!(run.stdout.contains(told), "{run:?}");
}

#[test]
fn a_clock_that_differs_by_more_than_the_leeway_is_told_with_what_to_do() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - 1_760_000_000;
    let (in_step, slow) = (format!("Age: {since}"), format!("Age: {}", since + 200));
    let document = json!({ "keys": published() });
    let cases: [(&[&str], &[&str], &str, bool); 6] = [
        (&[DATE, &in_step], &[], "as the issuer's", false),
        (&[DATE], &[], " ahead of the issuer's", true),
        (&["Date: Fri, 01 Jan 2100 00:00:00 GMT"], &[], " behind the issuer's", true),
        (&[DATE, &slow], &["--leeway", "60"], " behind the issuer's", true),
        (&[DATE, &slow], &["--leeway", "300"], " behind the issuer's", false),
        (&[], &[], "the issuer sent no date", false),
    ];
    for (headers, more, clock, hinted) in cases {
        let issuer = Issuer::publishing(&document, headers);
        let run = jwks(&[(ISSUER, &issuer.url())], more);
        let line = run.stdout.lines().find(|line| line.starts_with("  clock ")).unwrap();
        // A busy machine can take seconds between this test's look at its clock and the answer.
        let close = clock == "as the issuer's" && line.ends_with("s ahead of the issuer's");
        assert!(line.contains(clock) || close, "{clock:?} {run:?}");
        let hint = "\n  hint      set this machine's clock by NTP: ";
        assert_eq!((run.exit, run.stdout.contains(hint)), (0, hinted), "{clock:?} {run:?}");
        let report = jwks(&[(ISSUER, &issuer.url())], &[more, &["--json"][..]].concat()).json();
        assert_eq!(report["hint"].is_string(), hinted, "{clock:?} {report}");
        assert_eq!(
            report["issuers"][0]["skew"].is_i64(),
            !headers.is_empty(),
            "{clock:?} {report}"
        );
    }
}

#[test]
fn given_keys_are_shown_without_a_fetch() {
    let good = good();
    let flags = ["jwks", "--authkit-domain", &good.issuer, "--jwks", &good.jwks];
    let run = authkit(&[&flags[..], &RESOURCE].concat(), "");
    assert_eq!(run.exit, 0, "{run:?}");
    assert_lines(
        &run,
        &[
            "  keys from the configuration; nothing is fetched",
            "  standing  given",
            "  key       sso_oidc_key_pair_01K7HELD0UTMA1N00000000000 (RS256)",
        ],
    );
    for absent in ["header", "clock", "failure", "old"] {
        assert!(!run.stdout.contains(absent), "{absent} {run:?}");
    }
}

#[test]
fn settings_come_from_the_file_and_the_environment_as_for_verify() {
    let issuer = Issuer::publishing(&json!({ "keys": published() }), &[]);
    let config = file(
        "jwks-settings.json",
        json!({ "issuers": { ISSUER: issuer.url() }, "allow_insecure_loopback": true }).to_string(),
    );
    let resource = ("AUTHKIT_RESOURCE", RESOURCE[1]);
    let run = authkit_in(&[resource], &["jwks", "--config", &config], "");
    assert_eq!((run.exit, issuer.requests()), (0, 1), "{run:?}");
    let misspelt = ("AUTHKIT_DOMIAN", ISSUER);
    assert_eq!(authkit_in(&[resource, misspelt], &["jwks", "--config", &config], "").exit, 2);
    assert_eq!(authkit_in(&[resource], &["jwks", "--config", "no/such/file"], "").exit, 2);
}

#[cfg(unix)]
#[test]
fn keys_are_left_in_the_shared_directory_and_shown_from_it_in_an_outage() {
    use std::os::unix::fs::DirBuilderExt as _;
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jwks-cache-dir");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::DirBuilder::new().mode(0o700).create(&directory).unwrap();
    let shared = ["--jwks-cache-dir", directory.to_str().unwrap()];
    let key = renamed(&published()[0], "shared");
    // One connection is answered, then nobody listens at this URL any more.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/oauth2/jwks", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_head(&mut stream);
        let body = json!({ "keys": [key] }).to_string();
        write!(stream, "HTTP/1.0 200 OK\r\n\r\n{body}").unwrap();
    });
    assert_eq!(jwks(&[(ISSUER, &url)], &shared).exit, 0);
    answering.join().unwrap();
    let run = jwks(&[(ISSUER, &url)], &shared);
    assert_eq!(run.exit, 3, "{run:?}");
    assert_lines(&run, &["  key       shared (RS256)"]);
    assert!(run.stdout.contains("\n  standing  fresh, from another process's file"), "{run:?}");
    assert!(run.stdout.contains("\n  failure   "), "{run:?}");

    let issuer = Issuer::publishing(&json!({ "keys": published() }), &[]);
    let run = jwks(&[(ISSUER, &issuer.url())], &["--jwks-cache-dir", "/nonexistent/directory"]);
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains("\n  cache dir "), "{run:?}");
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let key = &published()[0];
    let mut encrypting = renamed(key, "\u{1b}]0;owned\u{7}\u{202e}\r\n  key       forged (RS256)");
    encrypting["use"] = json!("enc");
    let hostile = renamed(key, "\u{1b}[2J\u{9b}31m\n");
    let headers = ["ETag: \"\u{9b}31m\"", "Cache-Control: \u{202e}", "Expires: \t\\u001b[2J"];
    let issuer = Issuer::publishing(&json!({ "keys": [hostile, encrypting] }), &headers);
    let refused = Issuer::publishing(&json!({ "keys": [encrypting] }), &[]);
    let steering = Issuer::publishing(&json!({ "keys": [] }), &["ETag: \u{1b}[2J"]);
    let status = Issuer::answering("503 \u{1b}[2J", &["Content-Type: \u{9b}31m"], "\u{1b}[2J");
    for mode in [&[][..], &["--json"]] {
        for issuer in [&issuer, &refused, &steering, &status] {
            let run = jwks(&[(ISSUER, &issuer.url())], mode);
            assert!(harmless(&run.all_output()), "{run:?}");
            assert!(!run.stdout.contains("\n  key       forged"), "{run:?}");
        }
    }
    let run = jwks(&[(ISSUER, &issuer.url())], &[]);
    assert!(run.stdout.contains(r"\u{1b}]0;owned"), "it is shown, escaped: {run:?}");
}
