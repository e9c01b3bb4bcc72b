//! Shows every check of `authkit doctor` once met and once missed, on servers that misbehave one answer
//! at a time, and that no server's answer reaches the terminal, nor the token anybody else.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../tests/support/keys.rs"]
mod keys;
mod ours;
mod site;
mod world;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::authkit;
use serde_json::{Value, json};
use site::{Reply, Request, Site, certificate};
use world::{Spoil, World, finding, listener, untouched};

/// For the keys, which are shared with the library's own tests.
fn encode(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// Which token the command is given.
#[derive(Debug, Clone, Copy)]
enum Given {
    None,
    Good,
    Narrow,
    Other,
    /// The good one, and leave to call tools.
    Tools,
}

impl World {
    fn token(&self, given: Given) -> Option<&str> {
        match given {
            Given::None => None,
            Given::Good | Given::Tools => Some(&self.tokens.good),
            Given::Narrow => Some(&self.tokens.narrow),
            Given::Other => Some(&self.tokens.other),
        }
    }

    fn report(&self, given: Given) -> Value {
        let arguments: &[&str] = match given {
            Given::Tools => &["--json", "--call-tools"],
            _ => &["--json"],
        };
        self.doctor(self.token(given), arguments).json()
    }
}

/// One spoilt answer and what it does to one check.
struct Case {
    check: &'static str,
    finding: &'static str,
    given: Given,
    authorization_server: Spoil,
    server: Spoil,
}

/// An answer of the authorization server's is spoilt.
fn at_issuer(check: &'static str, finding: &'static str, spoil: Spoil) -> Case {
    Case { check, finding, given: Given::None, authorization_server: spoil, server: untouched }
}

/// An answer of the MCP server's is spoilt.
fn at_server(check: &'static str, finding: &'static str, spoil: Spoil) -> Case {
    Case { check, finding, given: Given::None, authorization_server: untouched, server: spoil }
}

/// And a token is given.
fn with(given: Given, case: Case) -> Case {
    Case { given, ..case }
}

fn is_metadata(request: &Request) -> bool {
    request.path.starts_with("/.well-known/oauth-authorization-server")
        || request.path.starts_with("/.well-known/openid-configuration")
}

fn is_prm(request: &Request) -> bool {
    request.path.starts_with("/.well-known/oauth-protected-resource")
}

fn is_endpoint(request: &Request) -> bool {
    request.path == "/mcp" && request.method != "OPTIONS"
}

fn credentials(request: &Request) -> &str {
    request.header("authorization").unwrap_or_default()
}

fn is_garbage(request: &Request) -> bool {
    credentials(request).ends_with(" authkit-doctor.sends.garbage")
}

fn set(reply: &mut Reply, name: &str, value: &str) {
    reply.headers.insert(name.to_owned(), value.to_owned());
}

fn put(reply: &mut Reply, name: &str, value: Value) {
    reply.edit(|document| document[name] = value);
}

fn shift_clock(reply: &mut Reply) {
    let late = SystemTime::now() - Duration::from_secs(600);
    set(reply, "date", &httpdate::fmt_http_date(late));
}

/// Rewrites the challenge, where there is one.
fn challenge(reply: &mut Reply, change: impl FnOnce(&str) -> String) {
    if let Some(value) = reply.headers.get_mut("www-authenticate") {
        *value = change(value);
    }
}

const METADATA: &str = "resource_metadata=";

/// Every way of missing a check; those of `config` and TLS, which no answer spoils, have tests of their own.
fn cases() -> Vec<Case> {
    vec![
        at_issuer("as.reachable", "fail", |request, reply| {
            if is_metadata(request) {
                reply.status = 404
            }
        }),
        at_issuer("as.reachable", "fail", |request, reply| {
            if is_metadata(request) {
                reply.body = "[]".to_owned()
            }
        }),
        at_issuer("as.oauth-metadata", "warn", |request, reply| {
            if request.path.ends_with("oauth-authorization-server") {
                reply.status = 404
            }
        }),
        at_issuer("as.issuer", "fail", |request, reply| {
            if is_metadata(request) {
                reply.edit(|document| {
                    document["issuer"] = json!(format!("{}/", document["issuer"].as_str().unwrap()))
                });
            }
        }),
        at_issuer("as.issuer", "fail", |request, reply| {
            if request.path.ends_with("openid-configuration") {
                put(reply, "issuer", json!("https://x.example"))
            }
        }),
        at_issuer("as.jwks-uri", "warn", |request, reply| {
            if is_metadata(request) {
                put(reply, "jwks_uri", json!("https://x.example/jwks"))
            }
        }),
        at_issuer("as.endpoints", "fail", |request, reply| {
            if is_metadata(request) {
                put(reply, "token_endpoint", json!("http://x.example/token"))
            }
        }),
        at_issuer("as.pkce", "fail", |request, reply| {
            if is_metadata(request) {
                put(reply, "code_challenge_methods_supported", json!(["plain"]))
            }
        }),
        at_issuer("as.cimd", "warn", |request, reply| {
            if is_metadata(request) {
                put(reply, "client_id_metadata_document_supported", json!("true"))
            }
        }),
        at_issuer("as.dcr", "note", |request, reply| {
            if is_metadata(request) {
                reply.edit(|document| {
                    drop(document.as_object_mut().unwrap().remove("registration_endpoint"))
                });
            }
        }),
        at_issuer("as.iss-parameter", "warn", |request, reply| {
            if is_metadata(request) {
                put(reply, "authorization_response_iss_parameter_supported", json!(false))
            }
        }),
        at_issuer("jwks.reachable", "fail", |request, reply| {
            if request.path == "/oauth2/jwks" {
                reply.status = 302
            }
        }),
        at_issuer("jwks.usable", "fail", |request, reply| {
            if request.path == "/oauth2/jwks" {
                put(reply, "keys", json!([]))
            }
        }),
        at_issuer("jwks.admission", "warn", |request, reply| {
            if request.path == "/oauth2/jwks" {
                reply.edit(|set| {
                    set["keys"]
                        .as_array_mut()
                        .unwrap()
                        .push(json!({ "kty": "oct", "k": "AA", "kid": "shared" }))
                });
            }
        }),
        at_issuer("jwks.key-ids", "warn", |request, reply| {
            if request.path == "/oauth2/jwks" {
                reply.edit(|set| drop(set["keys"][0].as_object_mut().unwrap().remove("kid")));
            }
        }),
        at_issuer("jwks.cache", "note", |_, reply| drop(reply.headers.remove("cache-control"))),
        at_issuer("clock.authorization-server", "warn", |_, reply| shift_clock(reply)),
        at_server("clock.server", "warn", |_, reply| shift_clock(reply)),
        at_server("prm.reachable", "fail", |request, reply| {
            if is_prm(request) {
                reply.status = 0
            }
        }),
        at_server("prm.path", "fail", |request, reply| {
            if request.path.ends_with("resource/mcp") {
                reply.status = 404
            }
        }),
        at_server("prm.path", "fail", |request, reply| {
            if request.path.ends_with("resource/mcp") {
                reply.status = 401
            }
        }),
        at_server("prm.root", "note", |request, reply| {
            if request.path.ends_with("resource") {
                reply.status = 404
            }
        }),
        at_server("prm.root", "fail", |request, reply| {
            if request.path.ends_with("resource") {
                put(reply, "resource", json!("https://x.example"))
            }
        }),
        at_server("prm.content-type", "fail", |request, reply| {
            if is_prm(request) {
                set(reply, "content-type", "text/html")
            }
        }),
        at_server("prm.resource", "fail", |request, reply| {
            if is_prm(request) {
                reply.edit(|document| {
                    document["resource"] =
                        json!(format!("{}/", document["resource"].as_str().unwrap()))
                });
            }
        }),
        at_server("prm.authorization-servers", "fail", |request, reply| {
            if is_prm(request) {
                put(reply, "authorization_servers", json!([]))
            }
        }),
        at_server("prm.issuer", "fail", |request, reply| {
            if is_prm(request) {
                reply.edit(|document| {
                    document["authorization_servers"][0] = json!(format!(
                        "{}/",
                        document["authorization_servers"][0].as_str().unwrap()
                    ));
                });
            }
        }),
        at_server("prm.scopes-supported", "warn", |request, reply| {
            if is_prm(request) {
                put(reply, "scopes_supported", json!("mcp:read"))
            }
        }),
        at_server("prm.no-offline-access", "warn", |request, reply| {
            if is_prm(request) {
                put(reply, "scopes_supported", json!(["mcp:read", "offline_access"]))
            }
        }),
        at_server("prm.bearer-methods", "note", |request, reply| {
            if is_prm(request) {
                reply.edit(|document| {
                    drop(document.as_object_mut().unwrap().remove("bearer_methods_supported"))
                });
            }
        }),
        at_server("prm.bearer-methods", "fail", |request, reply| {
            if is_prm(request) {
                put(reply, "bearer_methods_supported", json!(["header", "query"]))
            }
        }),
        at_server("prm.cache", "note", |request, reply| {
            if is_prm(request) {
                drop(reply.headers.remove("cache-control"))
            }
        }),
        at_server("prm.as-metadata", "note", |request, reply| {
            if is_metadata(request) {
                reply.status = 404
            }
        }),
        at_server("prm.as-metadata", "fail", |request, reply| {
            if is_metadata(request) {
                put(reply, "issuer", json!("https://x.example"))
            }
        }),
        at_server("challenge.reachable", "fail", |request, reply| {
            if is_endpoint(request) {
                reply.status = 0
            }
        }),
        at_server("challenge.status", "fail", |request, reply| {
            if is_endpoint(request) {
                reply.status = 200
            }
        }),
        at_server("challenge.status", "fail", |request, reply| {
            if is_endpoint(request) {
                reply.status = 307;
                set(reply, "location", "/mcp/")
            }
        }),
        at_server("challenge.every-request", "fail", |request, reply| {
            if is_endpoint(request) && request.method == "GET" {
                reply.status = 200;
                reply.stays_open = true
            }
        }),
        at_server("challenge.bearer", "fail", |request, reply| {
            if is_endpoint(request) && is_garbage(request) {
                drop(reply.headers.remove("www-authenticate"))
            }
        }),
        at_server("challenge.bearer", "fail", |_, reply| {
            challenge(reply, |_| "Basic realm=\"x\"".to_owned())
        }),
        at_server("challenge.syntax", "fail", |_, reply| {
            challenge(reply, |value| value.replace("\", ", "\" "))
        }),
        at_server("challenge.syntax", "fail", |request, reply| {
            if is_garbage(request) {
                challenge(reply, |value| format!("{value}, error_description=\"bad \\\"alg\\\"\""));
            }
        }),
        at_server("challenge.resource-metadata", "warn", |request, reply| {
            if is_garbage(request) {
                challenge(reply, |value| value.replace(METADATA, "x="))
            }
        }),
        at_server("challenge.resource-metadata-url", "fail", |_, reply| {
            challenge(reply, |value| value.replace("/.well-known", "/mcp/.well-known"));
        }),
        at_server("challenge.resource-metadata-url", "fail", |_, reply| {
            challenge(reply, |value| value.replace("http://127.0.0.1", "https://internal.example"));
        }),
        at_server("challenge.discoverable", "fail", |request, reply| {
            if is_prm(request) {
                reply.status = 404
            }
            challenge(reply, |value| value.replace(METADATA, "x="));
        }),
        at_server("challenge.scope", "warn", |_, reply| {
            challenge(reply, |value| value.replace("scope=", "x="))
        }),
        at_server("challenge.scope", "warn", |_, reply| {
            challenge(reply, |value| value.replace("mcp:read", "openid"))
        }),
        at_server("challenge.no-error-code", "warn", |request, reply| {
            if credentials(request).is_empty() {
                challenge(reply, |value| {
                    value.replace("Bearer ", "Bearer error=\"invalid_token\", ")
                });
            }
        }),
        at_server("challenge.no-offline-access", "warn", |_, reply| {
            challenge(reply, |value| value.replace("mcp:read", "mcp:read offline_access"));
        }),
        at_server("challenge.bad-token", "fail", |request, reply| {
            if is_garbage(request) {
                reply.status = 403
            }
        }),
        at_server("challenge.error-code", "warn", |request, reply| {
            if is_garbage(request) {
                challenge(reply, |value| value.replace("invalid_token", "token_bad"))
            }
        }),
        // A server that believes what a token says of itself.
        at_server("challenge.forged", "fail", |request, reply| {
            if credentials(request).starts_with("Bearer eyJ") {
                reply.status = 200
            }
        }),
        at_server("challenge.forged", "skip", |request, reply| {
            if credentials(request).starts_with("Bearer eyJ") {
                reply.status = 503
            }
        }),
        at_server("challenge.scheme-case", "fail", |request, reply| {
            if credentials(request).starts_with("bearer") {
                challenge(reply, |value| value.replace("error=\"invalid_token\", ", ""));
            }
        }),
        at_server("challenge.query-token", "fail", |request, reply| {
            if !request.query.is_empty() {
                challenge(reply, |value| {
                    value.replace("Bearer ", "Bearer error=\"invalid_token\", ")
                });
            }
        }),
        at_server("challenge.query-token", "pass", |request, reply| {
            if !request.query.is_empty() {
                reply.status = 400
            }
        }),
        at_server("challenge.malformed", "fail", |_, reply| {
            if reply.status == 400 {
                reply.status = 401
            }
        }),
        at_server("challenge.no-server-error", "fail", |request, reply| {
            if credentials(request).contains('"') {
                reply.status = 500
            }
        }),
        at_server("challenge.no-server-error", "fail", |request, reply| {
            if is_endpoint(request) && credentials(request).is_empty() {
                reply.status = 500
            }
        }),
        at_server("cors.preflight", "warn", |request, reply| {
            if request.method == "OPTIONS" {
                reply.status = 401
            }
        }),
        at_server("cors.preflight", "warn", |request, reply| {
            if request.method == "OPTIONS" {
                set(reply, "access-control-allow-headers", "*")
            }
        }),
        at_server("cors.preflight", "skip", |request, reply| {
            if request.header("origin").is_some() {
                reply.status = 403;
            }
        }),
        at_server("cors.metadata", "warn", |request, reply| {
            if is_prm(request) {
                drop(reply.headers.remove("access-control-allow-origin"))
            }
        }),
        at_server("cors.challenge", "warn", |_, reply| {
            drop(reply.headers.remove("access-control-expose-headers"))
        }),
        at_server("cors.preflight", "warn", |request, reply| {
            if request.method == "OPTIONS" {
                let names = reply.headers["access-control-allow-headers"].replace("Mcp-Name, ", "");
                set(reply, "access-control-allow-headers", &names)
            }
        }),
        with(
            Given::Good,
            at_server("cors.session", "warn", |_, reply| {
                if reply.status == 200 {
                    drop(reply.headers.remove("access-control-expose-headers"))
                }
            }),
        ),
        at_server("challenge.scopes-supported", "warn", |request, reply| {
            if !is_prm(request) {
                challenge(reply, |value| value.replace("mcp:read", "mcp:read mcp:admin"))
            }
        }),
        with(
            Given::Tools,
            at_server("token.tools", "warn", |request, reply| {
                if request.header("mcp-method") == Some("tools/call") {
                    *reply = Reply::new(403).header(
                        "www-authenticate",
                        "Bearer error=\"insufficient_scope\", scope=\"mcp:admin\"",
                    );
                }
            }),
        ),
        at_server("cors.as-metadata", "note", |request, reply| {
            if is_metadata(request) {
                set(reply, "access-control-allow-origin", "https://other.example")
            }
        }),
        with(Given::Other, at_server("token.verdict", "fail", untouched)),
        // The audience is not looked at: the most frequent hole.
        with(
            Given::Other,
            at_server("token.server", "fail", |request, reply| {
                if credentials(request).starts_with("Bearer eyJ") {
                    reply.status = 200
                }
            }),
        ),
        with(
            Given::Good,
            at_server("token.server", "fail", |request, reply| {
                if credentials(request).starts_with("Bearer eyJ") {
                    reply.status = 401
                }
            }),
        ),
        with(
            Given::Good,
            at_server("token.signature", "fail", |request, reply| {
                if credentials(request).starts_with("Bearer eyJ") {
                    reply.status = 200
                }
            }),
        ),
        with(
            Given::Narrow,
            at_server("token.forbidden", "fail", |_, reply| {
                if reply.status == 403 {
                    reply.status = 401
                }
            }),
        ),
        with(
            Given::Narrow,
            at_server("token.scope-challenge", "warn", |_, reply| {
                if reply.status == 403 {
                    challenge(reply, |value| value.replace("scope=", "x="))
                }
            }),
        ),
    ]
}

/// Checks that no answer over plain http on loopback can spoil.
const SHOWN_ELSEWHERE: &[&str] = &["config.https", "config.canonical-uri", "as.tls"];

#[test]
fn every_check_is_missed_where_its_answer_is_spoilt() {
    let mut missed: BTreeSet<String> = SHOWN_ELSEWHERE.iter().map(|id| (*id).to_owned()).collect();
    let mut ids = BTreeSet::new();
    for Case { check, finding: expected, given, authorization_server, server } in cases() {
        let report = World::spoilt(authorization_server, server).report(given);
        let (found, seen) = finding(&report, check);
        assert_eq!(found, expected, "{check}: {seen}");
        if expected != "pass" {
            missed.insert(check.to_owned());
        }
        ids.extend(
            report["checks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|check| check["id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(ids, missed);
}

#[test]
fn every_check_is_met_by_servers_that_do_it_right() {
    let world = World::good();
    let (good, narrow) = (world.report(Given::Tools), world.report(Given::Narrow));
    for check in good["checks"].as_array().unwrap() {
        let id = check["id"].as_str().unwrap();
        let report = if ["token.forbidden", "token.scope-challenge"].contains(&id) {
            &narrow
        } else {
            &good
        };
        let (found, seen) = finding(report, id);
        assert_eq!(found, "pass", "{id}: {seen}");
    }
    assert_eq!((&good["ok"], &good["exit"]), (&json!(true), &json!(0)));
}

#[test]
fn the_exit_status_is_the_worst_findings() {
    let world = World::good();
    assert_eq!(world.doctor(None, &[]).exit, 0);
    assert_eq!(world.doctor(Some(&world.tokens.good), &[]).exit, 0);
    assert_eq!(world.doctor(Some(&world.tokens.other), &[]).exit, 1);
    let warned = World::spoilt(untouched, |_, reply| {
        drop(reply.headers.remove("access-control-expose-headers"))
    });
    assert_eq!(warned.doctor(None, &[]).exit, 4);
    let failed = World::spoilt(untouched, |_, reply| {
        if reply.status == 400 {
            reply.status = 401
        }
    });
    assert_eq!(failed.doctor(None, &[]).exit, 1);
    let (closed, url) = listener();
    drop(closed);
    assert_eq!(world.doctor(None, &["--base-url", &url]).exit, 3);
    let silent = World::spoilt(|_, reply| reply.status = 0, untouched);
    assert_eq!(silent.doctor(None, &[]).exit, 3);
    assert_eq!(finding(&silent.report(Given::None), "as.reachable").0, "fail");
}

#[test]
fn what_cannot_be_examined_is_told_with_status_2() {
    let cases: &[&[&str]] = &[
        &["doctor"],
        &["doctor", "--authkit-domain", "https://p-1.authkit.app"],
        &["doctor", "--authkit-domain", "https://p-1.authkit.app", "--audiences", "a"],
        &["doctor", "--authkit-domain", "p-1.authkit.app", "--base-url", "https://a.example"],
        &[
            "doctor",
            "--authkit-domain",
            "https://p-1.authkit.app",
            "--base-url",
            "https://a.example",
            "--token-file",
            "no/such/file",
        ],
        &[
            "doctor",
            "--authkit-domain",
            "https://p-1.authkit.app",
            "--base-url",
            "https://a.example",
            "--ca-file",
            "no/such/file",
        ],
    ];
    for arguments in cases {
        let run = authkit(arguments, "");
        assert_eq!((run.exit, run.stdout.as_str()), (2, ""), "{arguments:?} {run:?}");
        assert!(run.stderr.starts_with("NOT EXAMINED  "), "{run:?}");
        let report = authkit(&[arguments, &["--json"][..]].concat(), "").json();
        assert_eq!(
            (&report["ok"], &report["exit"], &report["checks"]),
            (&json!(false), &json!(2), &json!([]))
        );
        assert!(report["error"]["reason"].is_string(), "{report}");
    }
    assert_eq!(authkit(&["doctor", "--token", "x"], "").exit, 2);
}

#[test]
fn settings_come_from_a_file_and_the_token_from_another() {
    let run = World::good().doctor_by_file("doctor.json");
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(run.json()["token"], json!(true));
}

#[test]
fn the_json_object_has_the_members_of_its_schema() {
    let world = World::good();
    let report = world.report(Given::None);
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        members(&report),
        [
            "authorization_server",
            "checks",
            "error",
            "exit",
            "ok",
            "resource",
            "schema",
            "summary",
            "token"
        ]
    );
    assert_eq!(members(&report["summary"]), ["fail", "note", "pass", "skip", "warn"]);
    assert_eq!(report["schema"], "authkit-doctor/1");
    assert_eq!(report["resource"], format!("{}/mcp", world.base_url));
    assert_eq!(report["authorization_server"], world.issuer);
    let checks = report["checks"].as_array().unwrap();
    for check in checks {
        assert_eq!(
            members(check),
            ["dashboard", "finding", "id", "level", "remedy", "rule", "seen", "source"]
        );
    }
    let total: u64 =
        report["summary"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(total, checks.len() as u64);
}

#[test]
fn plain_http_to_another_machine_is_not_asked() {
    let world = World::good();
    let report = world
        .doctor(Some(&world.tokens.good), &["--json", "--base-url", "http://mcp.example"])
        .json();
    assert_eq!(finding(&report, "config.https").0, "fail");
    for id in ["prm.reachable", "challenge.reachable", "cors.preflight", "token.server"] {
        let (found, seen) = finding(&report, id);
        assert_eq!(found, "skip", "{id}: {seen}");
    }
}

#[test]
fn a_resource_that_clients_would_respell_is_told() {
    let world = World::good();
    // A base_url is normalised; a resource that is given whole stays as it is.
    let shouted = format!("{}/mcp", world.base_url.replace("127.0.0.1", "LOCALHOST"));
    let report = world.doctor(None, &["--json", "--resource", &shouted]).json();
    assert_eq!(finding(&report, "config.canonical-uri").0, "warn");
}

#[test]
fn a_certificate_that_nobody_knows_is_a_finding_and_no_silence() {
    let (tls, ca_file) = certificate("doctor-ca.pem");
    let (listener, _) = listener();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let issuer = url.clone();
    let _site = Site::start(listener, Some(tls), move |request| match request.path.as_str() {
        path if path.starts_with("/.well-known/o") => Reply::json(&json!({ "issuer": issuer })),
        "/oauth2/jwks" => Reply::json(&json!({ "keys": [keys::rsa().jwk()] })),
        _ => Reply::new(401),
    });
    let arguments = ["doctor", "--json", "--authkit-domain", &url, "--base-url", &url];
    let unknown = authkit(&arguments, "");
    assert_eq!(unknown.exit, 1, "{unknown:?}");
    for id in ["as.tls", "jwks.reachable", "prm.reachable", "challenge.reachable"] {
        assert_eq!(finding(&unknown.json(), id).0, "fail", "{id}");
    }
    let known =
        authkit(&[&arguments[..], &["--ca-file", ca_file.to_str().unwrap()]].concat(), "").json();
    for id in ["as.tls", "jwks.reachable", "jwks.usable", "prm.reachable", "challenge.reachable"] {
        let (found, seen) = finding(&known, id);
        assert_eq!(found, "pass", "{id}: {seen}");
    }
}

#[test]
fn nothing_but_the_configured_servers_is_asked_and_not_too_often() {
    // Redirects, and a challenge that would lead to the other server.
    let world = World::spoilt(
        |request, reply| {
            if request.path == "/oauth2/jwks" {
                reply.status = 302;
                set(reply, "location", "/trap")
            }
        },
        |_, reply| {
            challenge(reply, |value| {
                value.replace(METADATA, "resource_metadata=\"http://127.0.0.1:1/trap\", x=")
            })
        },
    );
    let run = world.doctor(Some(&world.tokens.good), &["--json"]);
    assert_eq!(finding(&run.json(), "challenge.resource-metadata-url").0, "fail");
    let (issuer, server) = (world.authorization_server.requests(), world.server.requests());
    assert!(issuer.iter().chain(&server).all(|request| request.path != "/trap"));
    assert!(issuer.len() + server.len() <= 48, "{} requests", issuer.len() + server.len());
}

#[test]
fn a_server_that_keeps_strange_origins_out_is_examined_all_the_same() {
    let world = World::spoilt(untouched, |request, reply| {
        if is_endpoint(request) && request.header("origin").is_some() {
            reply.status = 403;
        }
    });
    let report = world.report(Given::Good);
    assert_eq!(finding(&report, "cors.challenge").0, "skip");
    assert_eq!(report["exit"], 0, "{report}");
}

#[test]
fn the_token_goes_to_the_resource_alone_in_its_header_and_its_session_is_closed() {
    let world = World::good();
    world.report(Given::Good);
    let holds = |request: &&Request| format!("{request:?}").contains(&world.tokens.good);
    assert!(!world.authorization_server.requests().iter().any(|request| holds(&request)));
    let requests = world.server.requests();
    let carrying: Vec<&Request> = requests.iter().filter(holds).collect();
    // As a client sends it, and as a page does; each session is closed.
    assert_eq!(carrying.len(), 4);
    for request in &carrying {
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/mcp", ""));
        assert_eq!(credentials(request), format!("Bearer {}", world.tokens.good));
    }
    for (opening, closing) in [(0, 1), (2, 3)] {
        assert_eq!(carrying[opening].method, "POST");
        assert_eq!(carrying[closing].method, "DELETE");
        assert_eq!(carrying[closing].header("mcp-session-id"), Some("session-1"));
    }
}

#[test]
fn no_output_holds_the_token_though_the_server_says_it_back() {
    let world = World::spoilt(untouched, |request, reply| {
        let token = credentials(request).to_owned();
        challenge(reply, |value| format!("{value}, error_description=\"{token}\""));
        set(reply, "location", &token);
        if token.starts_with("Bearer eyJ") {
            reply.status = 302
        }
    });
    for given in [Given::Good, Given::Narrow, Given::Other] {
        let token = world.token(given).unwrap();
        for mode in [&["--json"][..], &[]] {
            let run = world.doctor(Some(token), mode);
            // Header and first claims are any token's; what ends the claims and signs them is this one's.
            for part in token.split('.').skip(1) {
                let end = &part[part.len() - 24..];
                assert!(!run.all_output().contains(end), "{given:?} {mode:?}: {run:?}");
            }
            assert!(run.all_output().contains("[token]"), "{run:?}");
        }
    }
}

#[test]
fn what_servers_say_reaches_no_terminal() {
    let spoil: Spoil = |request, reply| {
        let hostile = "\u{9b}2J\u{202e}\t";
        if reply.headers.contains_key("content-type") && !request.path.ends_with("jwks") {
            for name in
                ["issuer", "resource", "token_endpoint", "jwks_uri", "registration_endpoint"]
            {
                put(reply, name, json!("\u{1b}[2J\r\n\u{202e}".repeat(1000)));
            }
            put(reply, "scopes_supported", json!(["\u{1b}]0;x\u{7}"]));
            put(reply, "authorization_servers", json!(["\u{1b}[31m"]));
        }
        challenge(reply, |value| format!("{value}, x=\"{hostile}"));
        set(reply, "location", &format!("{hostile}{}", "y".repeat(2000)));
        set(reply, "cache-control", hostile);
        set(reply, "access-control-allow-origin", hostile);
        if is_endpoint(request) && request.method == "GET" {
            reply.status = 301
        }
    };
    let world = World::spoilt(spoil, spoil);
    for mode in [&["--json"][..], &[]] {
        let run = world.doctor(None, mode);
        assert_eq!(run.exit, 1, "{run:?}");
        let is_harmless = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(run.all_output().chars().all(is_harmless), "{run:?}");
        assert!(run.stdout.len() < 64 * 1024, "{} bytes", run.stdout.len());
    }
}

#[test]
fn the_table_names_finding_rule_and_change_without_colour() {
    let world = World::spoilt(untouched, |_, reply| {
        if reply.status == 400 {
            reply.status = 401
        }
    });
    let run = world.doctor(None, &[]);
    for line in [
        "  pass  as.issuer                         MUST    ",
        "  FAIL  challenge.malformed               MUST    Bearer without a token: answered 401",
        "        rule    an Authorization header that is no Bearer credentials is answered with 400",
        "        change  answer Bearer without a token",
        "At least one MUST is not met.",
    ] {
        assert!(run.stdout.contains(line), "{line} is not in {}", run.stdout);
    }
    assert!(!run.stdout.contains('\u{1b}'));
}

/// One of the older SSE transport: the stream is a GET, and messages go elsewhere.
fn sse_world() -> World {
    World::spoilt(untouched, |request, reply| {
        if is_endpoint(request) && request.method == "POST" {
            *reply = Reply::new(405).header("allow", "GET");
        }
    })
}

#[test]
fn a_server_of_the_older_transport_is_examined_by_its_own_method() {
    let report = sse_world().report(Given::Good);
    let missed: Vec<&Value> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| ["fail", "warn"].contains(&check["finding"].as_str().unwrap()))
        .collect();
    assert_eq!(missed, Vec::<&Value>::new());
}

#[test]
fn an_open_server_is_one_headline() {
    let world = World::spoilt(untouched, |request, reply| {
        if is_endpoint(request) && request.method != "OPTIONS" {
            *reply = Reply::json(&json!({}));
        }
    });
    let run = world.doctor(None, &["--problems"]);
    assert_eq!(run.exit, 1);
    assert_eq!(run.stdout.matches("FAIL").count(), 1, "{}", run.stdout);
    assert!(run.stdout.contains("OPEN"), "{}", run.stdout);
}

#[test]
fn problems_are_shown_alone_and_none_is_nothing() {
    let world = World::good();
    let run = world.doctor(Some(&world.tokens.good), &["--problems"]);
    assert_eq!((run.exit, run.stdout.as_str()), (0, ""));
}

#[test]
fn a_server_that_is_not_public_yet_is_reached_where_it_listens() {
    let world = World::good();
    let address = world.base_url.strip_prefix("http://").unwrap().to_owned();
    let public = "http://mcp.example";
    let arguments = [
        "--base-url",
        public,
        "--connect",
        &world.base_url,
        "--allow-insecure-http",
        "mcp.example",
        "--json",
    ];
    let report = world.doctor(None, &arguments).json();
    assert_eq!(finding(&report, "challenge.status").0, "pass");
    // It says who it is, and that is compared with the public URL.
    assert_eq!(finding(&report, "prm.resource").0, "fail");
    let asked = world.server.requests();
    assert!(asked.iter().all(|request| request.header("host") == Some("mcp.example")), "{address}");
    let wrong = world.doctor(None, &["--connect", "no port"]);
    assert_eq!(wrong.exit, 2);
}

#[test]
fn no_tool_is_called_unless_that_is_asked_for_and_a_destructive_one_never() {
    let world = World::good();
    let called = |world: &World| {
        let requests = world.server.requests();
        let calls =
            requests.iter().filter(|request| request.header("mcp-method") == Some("tools/call"));
        calls
            .map(|request| request.header("mcp-name").unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    world.report(Given::Good);
    assert_eq!(called(&world), Vec::<String>::new());
    world.report(Given::Tools);
    assert_eq!(called(&world), ["read"]);
}
