//! Holds `authkit verify` to its exit statuses, its output and its order of precedence.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::net::TcpListener;

use common::{authkit, authkit_in, file, good, vector};
use serde_json::{Value, json};

const MEMBERS: &[&str] = &[
    "schema",
    "ok",
    "status",
    "code",
    "http_status",
    "error",
    "reason",
    "hint",
    "retry_after",
    "claims",
    "header",
];

fn members(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn sorted(names: &[&'static str]) -> Vec<&'static str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

#[test]
fn accepts_a_good_token_in_words() {
    let good = good();
    let run = authkit(&good.flags(), &good.token);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.starts_with("ACCEPTED\n"), "{run:?}");
    let expected = [
        "subject   user_01K7HELD0UTSUBJECT00000001",
        "client    client_01K7HELD0UTMCPCL1ENT0000",
        "scopes    openid profile email",
        "expires   2025-10-09 08:58:20 UTC, in 5 min",
        "resource  https://mcp.heldout.example/mcp",
        "issuer    https://heldout-palm-42.authkit.app",
        "key       sso_oidc_key_pair_01K7HELD0UTMA1N00000000000 (RS256)",
    ];
    for line in expected {
        assert!(run.stdout.contains(line), "{line} is not in {run:?}");
    }
}

#[test]
fn rejects_a_dead_token_in_words() {
    let good = good();
    let mut flags = good.flags();
    *flags.last_mut().unwrap() = "1760003900";
    let run = authkit(&flags, &good.token);
    assert_eq!(run.exit, 1, "{run:?}");
    assert_eq!(
        run.stdout,
        "REJECTED  EXPIRED (HTTP 401, invalid_token)\n  reason    the token expired 3600 s ago\n  hint      judged as of the time that --now sets, not by this machine's clock; if that is not meant, unset --now\n"
    );
}

#[test]
fn json_of_an_accepted_token_has_exactly_its_members() {
    let good = good();
    let run = authkit(&good.flags_and(&["--json"]), &good.token);
    let verdict = run.json();
    assert_eq!(run.exit, 0);
    assert_eq!(members(&verdict), sorted(MEMBERS));
    assert_eq!(verdict["schema"], "authkit-verify/1");
    assert_eq!(verdict["ok"], json!(true));
    assert_eq!(
        (&verdict["status"], &verdict["code"], &verdict["http_status"]),
        (&json!(0), &json!("OK"), &json!(200))
    );
    for absent in ["error", "reason", "hint", "retry_after"] {
        assert_eq!(verdict[absent], Value::Null, "{absent}");
    }
    assert_eq!(verdict["claims"]["sub"], "user_01K7HELD0UTSUBJECT00000001");
    assert_eq!(verdict["claims"]["exp"], 1_760_000_300);
    assert_eq!(verdict["header"]["alg"], "RS256");
}

#[test]
fn json_of_a_rejected_token_has_the_same_members_and_no_claims() {
    let good = good();
    let run = authkit(
        &good.flags_and(&["--json", "--require-scope", "read", "--require-scope", "write"]),
        &good.token,
    );
    let verdict = run.json();
    assert_eq!(run.exit, 1);
    assert_eq!(members(&verdict), sorted(MEMBERS));
    assert_eq!(verdict["ok"], json!(false));
    assert_eq!(verdict["status"], json!(1 << 8 | 4));
    assert_eq!((&verdict["code"], &verdict["http_status"]), (&json!("SCOPE"), &json!(403)));
    assert_eq!(verdict["error"], "insufficient_scope");
    assert_eq!(verdict["reason"], "the token lacks the scopes read write");
    assert!(verdict["hint"].is_string());
    assert_eq!(verdict["claims"], Value::Null);
    assert_eq!(verdict["header"]["alg"], "RS256");
}

#[test]
fn the_token_comes_from_a_file_or_standard_input() {
    let good = good();
    let path = file("from-file.txt", &good.token);
    assert_eq!(authkit(&good.flags_and(&["--token-file", &path]), "").exit, 0);
    assert_eq!(authkit(&good.flags_and(&["--token-file", "-"]), &good.token).exit, 0);
    assert_eq!(authkit(&good.flags(), &good.token).exit, 0);
    let run = authkit(&good.flags_and(&["--token-file", "no/such/file"]), &good.token);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("--token-file cannot be read"), "{run:?}");
}

#[test]
fn one_newline_at_the_end_is_dropped_and_nothing_else() {
    let good = good();
    for (before, after, exit) in [
        ("", "\n", 0),
        ("", "\r\n", 0),
        ("", "\n\n", 1),
        ("", "\r", 1),
        ("", " ", 1),
        ("", " \n", 1),
        ("", "\0", 1),
        (" ", "", 1),
        ("\n", "", 1),
        ("Bearer ", "", 1),
    ] {
        let run = authkit(&good.flags_and(&["--json"]), format!("{before}{}{after}", good.token));
        assert_eq!(run.exit, exit, "{before:?} {after:?} {run:?}");
        let code = if exit == 0 { "OK" } else { "MALFORMED" };
        assert_eq!(run.json()["code"], code, "{before:?} {after:?}");
    }
    assert_eq!(authkit(&good.flags_and(&["--json"]), "").json()["code"], "MALFORMED");
}

#[test]
fn exit_status_tells_rejection_from_misuse_and_outage() {
    let good = good();
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outage = format!(r#"{{"{}": "http://{unused}/jwks"}}"#, good.issuer);
    let outage =
        ["verify", "--issuers", &outage, "--allow-insecure-loopback", "--resource", &good.audience];
    let outage = [&outage[..], &["--now", &good.now]].concat();
    let cases: &[(&[&str], i32, &str)] = &[
        (&good.flags(), 0, "OK"),
        (&good.flags_and(&["--require-scope", "admin"]), 1, "SCOPE"),
        (&good.flags_and(&["--required-scopes", "admin"]), 1, "SCOPE"),
        (&good.flags_and(&["--algorithms", "ES256"]), 2, "CONFIG"),
        (&good.flags_and(&["--algorithms", "HS256"]), 2, "CONFIG"),
        (&good.flags_and(&["--leeway", "301"]), 2, "CONFIG"),
        (&good.flags_and(&["--require-scope", "two words"]), 2, "MISUSE"),
        (&["verify"], 2, "CONFIG"),
        (
            &["verify", "--authkit-domain", "p.authkit.app", "--base-url", "https://a.example"],
            2,
            "CONFIG",
        ),
        (&outage, 3, "KEYS_UNAVAILABLE"),
    ];
    for (flags, exit, code) in cases {
        let run = authkit(&[flags, &["--json"][..]].concat(), &good.token);
        assert_eq!(run.exit, *exit, "{flags:?} {run:?}");
        let verdict = run.json();
        assert_eq!(verdict["code"], *code, "{flags:?}");
        assert_eq!(verdict["retry_after"].is_u64(), *exit == 3, "{flags:?} {verdict}");
        assert_eq!(authkit(flags, &good.token).exit, *exit, "{flags:?}");
    }
    for usage in [&["verify", "--no-such-flag"][..], &["verify", "--leeway"], &["nonsense"], &[]] {
        let run = authkit(usage, "");
        assert_eq!((run.exit, run.stdout.as_str()), (2, ""), "{usage:?} {run:?}");
    }
}

#[test]
fn a_flag_goes_before_the_file_and_the_file_before_the_environment() {
    let good = good();
    let (right, wrong) = (good.audience.as_str(), "https://elsewhere.example/mcp");
    let rest = [
        "verify",
        "--authkit-domain",
        &good.issuer,
        "--jwks",
        &good.jwks,
        "--now",
        &good.now,
        "--json",
    ];
    for (environment, written, flag, code) in [
        (Some(right), None, None, "OK"),
        (Some(wrong), None, None, "AUDIENCE"),
        (Some(wrong), Some(right), None, "OK"),
        (Some(right), Some(wrong), None, "AUDIENCE"),
        (Some(wrong), Some(wrong), Some(right), "OK"),
        (Some(right), Some(right), Some(wrong), "AUDIENCE"),
        (None, Some(right), None, "OK"),
        (None, None, None, "CONFIG"),
    ] {
        let variables: Vec<(&str, &str)> =
            environment.map(|value| ("AUTHKIT_RESOURCE", value)).into_iter().collect();
        let path =
            written.map(|value| file("precedence.json", json!({ "resource": value }).to_string()));
        let mut arguments = rest.to_vec();
        arguments.extend(path.iter().flat_map(|path| ["--config", path]));
        arguments.extend(flag.iter().flat_map(|value| ["--resource", *value]));
        let run = authkit_in(&variables, &arguments, &good.token);
        assert_eq!(run.json()["code"], code, "{environment:?} {written:?} {flag:?} {run:?}");
    }
}

#[test]
fn a_file_holds_every_setting_with_the_key_set_inline() {
    let good = good();
    let jwks: Value = serde_json::from_str(&good.jwks).unwrap();
    let config = json!({
        "authkit_domain": good.issuer, "base_url": "https://mcp.heldout.example", "jwks": jwks,
        "now": 1_760_000_000, "required_scopes": ["openid"], "leeway": 0,
    });
    let path = file("whole.json", config.to_string());
    assert_eq!(authkit(&["verify", "--config", &path], &good.token).exit, 0);
    assert_eq!(authkit(&["verify", "--config", &path, "--now=1760000300"], &good.token).exit, 1);
    for broken in [r#"{"authkit_domian": "x"}"#, "[]", "", r#"{"leeway": "x"}"#] {
        let path = file("broken.json", broken);
        let run = authkit(&["verify", "--config", &path], &good.token);
        assert_eq!(run.exit, 2, "{broken} {run:?}");
        assert!(run.stderr.starts_with("NOT JUDGED  CONFIG"), "{broken} {run:?}");
    }
}

#[test]
fn the_environment_alone_is_enough_and_a_misspelt_variable_is_refused() {
    let good = good();
    let mut variables = vec![
        ("AUTHKIT_DOMAIN", good.issuer.as_str()),
        ("AUTHKIT_BASE_URL", "https://mcp.heldout.example"),
        ("AUTHKIT_JWKS", &good.jwks),
        ("AUTHKIT_NOW", &good.now),
    ];
    assert_eq!(authkit_in(&variables, &["verify"], &good.token).exit, 0);
    variables.push(("AUTHKIT_REQUIRED_SCOPE", "admin"));
    assert_eq!(authkit_in(&variables, &["verify"], &good.token).exit, 2);
}

#[test]
fn a_switch_needs_no_value() {
    let good = good();
    let slash = format!("{}/", good.audience);
    let base = [
        "verify",
        "--authkit-domain",
        &good.issuer,
        "--jwks",
        &good.jwks,
        "--now",
        &good.now,
        "--audiences",
        &slash,
    ];
    for (switch, exit) in [
        (None, 1),
        (Some("--ignore-trailing-slash"), 0),
        (Some("--ignore-trailing-slash=true"), 0),
        (Some("--ignore-trailing-slash=false"), 1),
        (Some("--ignore-trailing-slash=perhaps"), 2),
    ] {
        let arguments: Vec<&str> = base.iter().copied().chain(switch).collect();
        assert_eq!(authkit(&arguments, &good.token).exit, exit, "{switch:?}");
    }
}

#[test]
fn neither_token_nor_signature_is_ever_printed() {
    let good = good();
    let token = good.token.as_str();
    let expired = [&good.flags()[..good.flags().len() - 1], &["1760003900"]].concat();
    let inline = format!("--token={token}");
    let runs = [
        authkit(&good.flags(), token),
        authkit(&good.flags_and(&["--json"]), token),
        authkit(&expired, token),
        authkit(&good.flags(), token.replace('.', "..")),
        authkit(&good.flags(), format!("Bearer {token}")),
        authkit(&good.flags_and(&[token]), ""),
        authkit(&good.flags_and(&["--token", token]), ""),
        authkit(&good.flags_and(&[&inline]), ""),
        authkit(&good.flags_and(&["--token-file", token]), ""),
        authkit(&["verify", "--config", token], ""),
        authkit(&["verify", "--leeway", token], ""),
        authkit(&["verify", "--json=x", token], ""),
        authkit(&[token], ""),
        authkit(&["inspect"], token),
        authkit(&["inspect", "--json"], token),
        authkit(&["inspect", token], ""),
        authkit(&["inspect", "--now", token], ""),
    ];
    for (index, run) in runs.iter().enumerate() {
        let output = run.all_output();
        assert!(!output.contains(good.signature()), "run {index}: {run:?}");
        assert!(!output.contains(&token[..100]), "run {index}: {run:?}");
    }
}

#[test]
fn an_argument_in_the_tokens_place_is_refused_with_the_way_to_do_it() {
    for arguments in
        [&["verify", "short"][..], &["verify", "--token", "short"], &["inspect", "short"]]
    {
        let run = authkit(arguments, "");
        assert_eq!(run.exit, 2, "{run:?}");
        assert!(run.stderr.contains("authkit verify < token.txt"), "{run:?}");
        assert!(!run.stderr.contains("short"), "{run:?}");
    }
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let case = vector("baseline/aud-array-many");
    let good = good();
    // An unknown issuer with control characters is repeated in the reason, escaped.
    let payload = "eyJpc3MiOiJodHRwczovL2EuZXhhbXBsZVx1MDAxYlsySiJ9";
    let header = case["token"].as_str().unwrap().split('.').next().unwrap();
    for mode in [&[][..], &["--json"]] {
        let run = authkit(&good.flags_and(mode), format!("{header}.{payload}.AA"));
        assert_eq!(run.exit, 1, "{run:?}");
        assert!(run.stdout.contains("ISSUER"), "{run:?}");
        assert!(
            run.stdout.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)),
            "{run:?}"
        );
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [
        &["--help"][..],
        &["verify", "--help"],
        &["inspect", "--help"],
        &["vectors", "--help"],
        &["--version"],
    ] {
        let run = authkit(arguments, "");
        assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    }
    assert_eq!(
        authkit(&["--version"], "").stdout,
        format!("authkit {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(authkit(&["verify", "--help"], "").stdout.contains("never as an argument"));
}
