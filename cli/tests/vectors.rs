//! Runs the published vectors through `authkit vectors`, and holds its report to its promises.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]

mod common;

use std::fs;
use std::path::Path;

use common::{Run, authkit, file, vector, vectors};
use serde_json::{Value, json};

fn run(paths: &[&str]) -> Run {
    authkit(&[&["vectors", "--json"], paths].concat(), "")
}

/// A vector that agrees, changed.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut case = vector("baseline/aud-array-many");
    change(&mut case);
    format!("{case}\n")
}

/// Every difference of lesser strength is argued in the documentation, by name.
fn assert_argued(report: &Value) {
    let documentation =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors.md"))
            .unwrap();
    for disagreement in report["disagreements"].as_array().unwrap() {
        let name = disagreement["name"].as_str().unwrap();
        assert!(
            documentation.contains(&format!("`{name}`")),
            "{name} is not argued in docs/vectors.md"
        );
    }
}

#[test]
fn the_projects_own_vectors_agree() {
    let run = run(&[vectors().to_str().unwrap()]);
    let report = run.json();
    assert_eq!(report["schema"], "authkit-vectors/1");
    assert_eq!(run.exit, 0, "{report}");
    assert_eq!(
        (&report["ok"], &report["must"], &report["should"]),
        (&json!(true), &json!(0), &json!(0))
    );
    assert!(report["agreed"].as_u64().unwrap() > 390, "{report}");
    assert_eq!(report["skipped"], json!({"alg:ES512": 4, "alg:Ed25519": 1}));
    assert_argued(&report);
}

/// Other projects' vectors are not copied here; where they lie beside the checkout they are run.
#[test]
fn other_projects_vectors_agree_where_they_are_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/external");
    if !folder.is_dir() {
        eprintln!(
            "skipped: other projects' vectors are not beside this checkout (../shared/cases/external)"
        );
        return;
    }
    let run = run(&[folder.to_str().unwrap()]);
    let report = run.json();
    assert_eq!(run.exit, 0, "{report}");
    assert_eq!(report["must"], 0, "{report}");
    assert_argued(&report);
}

#[test]
fn a_disagreement_counts_by_its_strength() {
    for (strength, exit) in [("must", 1), ("should", 0), ("may", 0)] {
        let line = changed(|case| {
            case["expect"] = json!("reject");
            case["strength"] = json!(strength);
        });
        let path = file(&format!("{strength}.jsonl"), line);
        let run = run(&[&path]);
        let report = run.json();
        assert_eq!(run.exit, exit, "{report}");
        assert_eq!(report[strength], 1, "{report}");
        let disagreement = &report["disagreements"][0];
        assert_eq!(disagreement["name"], "baseline/aud-array-many");
        assert_eq!(
            (&disagreement["expected"], &disagreement["code"]),
            (&json!("reject"), &Value::Null)
        );

        let text = authkit(&["vectors", &path], "").stdout;
        assert!(
            text.starts_with(&format!(
                "disagreements of strength {strength}:\n  baseline/aud-array-many ("
            )),
            "{text}"
        );
        assert!(
            text.contains(
                "    expected reject, got accept\n    because: one of several audiences is ours\n"
            ),
            "{text}"
        );
        let counts = text.lines().last().unwrap();
        assert!(counts.starts_with("0 agree, 1 disagree (must "), "{text}");
    }
}

#[test]
fn a_refusal_is_reported_with_its_code_and_reason() {
    let path = file(
        "refusal.jsonl",
        changed(|case| case["config"]["audience"] = json!("https://elsewhere.example")),
    );
    let run = run(&[&path]);
    assert_eq!(run.exit, 1);
    assert_eq!(run.json()["disagreements"][0]["code"], "AUDIENCE");
    let text = authkit(&["vectors", &path], "").stdout;
    assert!(text.contains("expected accept, got AUDIENCE: the token is meant for "), "{text}");
}

#[test]
fn the_vectors_configuration_is_the_verifiers() {
    let cases: &[(&str, Value, &str)] = &[
        ("audience", json!(null), "accept"),
        ("audience", json!(["https://a.example", "https://mcp.heldout.example/mcp"]), "accept"),
        ("audience", json!([]), "reject"),
        ("issuer", json!("Black Mesa"), "reject"),
        ("leeway", json!(301), "reject"),
        ("now", json!(1_760_000_300), "reject"),
        ("required_scopes", json!(["openid"]), "accept"),
        ("required_scopes", json!(["admin"]), "reject"),
        ("algorithms", json!([]), "reject"),
        ("algorithms", json!(["RS256", "HS256"]), "reject"),
        ("algorithms", json!(["RS256", "none"]), "reject"),
        ("algorithms", json!(["RS256", "ES512", "Ed25519"]), "accept"),
        ("typ", json!(["at+jwt"]), "reject"),
        ("max_age", json!(30), "reject"),
        ("max_age", json!(100), "accept"),
    ];
    for (index, (setting, value, expect)) in cases.iter().enumerate() {
        let line = changed(|case| {
            case["config"][setting] = value.clone();
            case["expect"] = json!(expect);
        });
        let run = run(&[&file(&format!("setting-{index}.jsonl"), line)]);
        assert_eq!(run.exit, 0, "{setting} {value} {run:?}");
        assert_eq!(run.json()["agreed"], 1, "{setting} {value} {run:?}");
    }
}

#[test]
fn what_this_library_has_not_is_skipped_and_counted() {
    let needs = |needs: Value| changed(|case| case["needs"] = needs);
    let lines = [
        needs(json!(["alg:ES512"])),
        needs(json!([
            "alg:PS256",
            "audience-list",
            "typ-option",
            "max-age-option",
            "audience-optional"
        ])),
        needs(json!(["telepathy"])),
        changed(|case| case["config"]["algorithms"] = json!(["ES512"])),
        changed(|case| case["config"]["typ"] = json!(["dpop+jwt"])),
        changed(|case| case["config"]["issuer"] = json!(null)),
        json!({"name": "t", "level": "thumbprint", "jwk": {}, "sha256": "x"}).to_string(),
    ];
    let run = run(&[&file("needs.jsonl", lines.join("\n"))]);
    let report = run.json();
    assert_eq!(run.exit, 0, "{report}");
    assert_eq!(report["agreed"], 1, "{report}");
    let skipped = json!({"alg:ES512": 2, "telepathy": 1, "typ:dpop+jwt": 1, "issuer-optional": 1, "level:thumbprint": 1});
    assert_eq!(report["skipped"], skipped);
}

#[test]
fn a_signature_alone_is_judged_without_claims() {
    let jws = |change: fn(&mut Value)| {
        changed(|case| {
            case["level"] = json!("jws");
            case["config"] = json!({"issuer": null, "audience": null, "algorithms": ["RS256", "ES512"], "leeway": 0,
                "required_scopes": [], "now": null});
            change(case);
        })
    };
    let lines = [
        jws(|_| {}),
        jws(|case| case["jwks"]["keys"].as_array_mut().unwrap().truncate(1)),
        // The only key is meant, whatever it is called.
        jws(|case| {
            case["jwks"]["keys"].as_array_mut().unwrap().truncate(1);
            case["jwks"]["keys"][0]["kid"] = json!("another");
        }),
        jws(|case| {
            case["jwks"]["keys"].as_array_mut().unwrap().remove(0);
            case["expect"] = json!("reject");
        }),
        jws(|case| {
            case["config"]["algorithms"] = json!(["PS256"]);
            case["expect"] = json!("reject");
        }),
    ];
    let run = run(&[&file("jws.jsonl", lines.concat())]);
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(run.json()["agreed"], lines.len(), "{run:?}");
}

#[test]
fn what_cannot_be_read_is_named_and_outweighs_the_rest() {
    let agreeing = changed(|_| {});
    for (name, content) in [
        ("no-json.jsonl", format!("{agreeing}\n\n{{\n")),
        ("no-token.jsonl", changed(|case| case["token"] = json!(null))),
        ("no-jwks.jsonl", changed(|case| drop(case.as_object_mut().unwrap().remove("jwks")))),
        ("no-config.jsonl", changed(|case| drop(case.as_object_mut().unwrap().remove("config")))),
        ("no-expect.jsonl", changed(|case| drop(case.as_object_mut().unwrap().remove("expect")))),
        ("bad-base64.jsonl", changed(|case| case["token_b64"] = json!("?"))),
        (
            "bad-hex.jsonl",
            changed(|case| {
                case["level"] = json!("raw");
                case["alg"] = json!("RS256");
                case["msg_hex"] = json!("0");
            }),
        ),
    ] {
        let run = run(&[&file(name, content)]);
        assert_eq!(run.exit, 2, "{name} {run:?}");
        assert!(run.json()["unreadable"][0]["line"].is_u64(), "{name} {run:?}");
    }
    let both = format!("{}{{\n", changed(|case| case["expect"] = json!("reject")));
    assert_eq!(run(&[&file("both.jsonl", both)]).exit, 2);
    let run = authkit(&["vectors", "no/such/file.jsonl"], "");
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("no/such/file.jsonl"), "{run:?}");
    assert_eq!(authkit(&["vectors"], "").exit, 2);
}

#[test]
fn a_directory_is_all_the_vectors_in_it_and_below() {
    let line = changed(|_| {});
    file("folder/a.jsonl", &line);
    file("folder/below/b.jsonl", format!("\n{line}\r\n{line}"));
    file("folder/README.md", "no vectors");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("folder");
    assert_eq!(run(&[folder.to_str().unwrap()]).json()["agreed"], 3);
    file("empty-folder/README.md", "no vectors");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty-folder");
    assert_eq!(run(&[folder.to_str().unwrap()]).exit, 2);
}

#[test]
fn octets_reach_the_verifier_untrimmed() {
    let good = vector("baseline/aud-array-many")["token"].as_str().unwrap().to_owned();
    let token = |token: String| {
        changed(|case| {
            case["token"] = json!(token);
            case["expect"] = json!("reject");
        })
    };
    let lines = [token(format!("{good}\n")), token(format!(" {good}")), token(format!("{good}\0"))];
    let run = run(&[&file("untrimmed.jsonl", lines.concat())]);
    assert_eq!((run.exit, &run.json()["agreed"]), (0, &json!(3)), "{run:?}");
}
