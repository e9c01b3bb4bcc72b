//! What a host is told to write into its log: how loud, how often, and nothing of the token.

use authkit::{Config, IssuerSettings, Level, LogLine, Policy, Request, Verifier};
use serde_json::{Value, json};

use crate::support::keys::{rsa, rsa_next};
use crate::support::server::{Answer, Server, closed_port};
use crate::support::{ISSUER, NOW, builder, claims_with, jwks, verifier};

fn line(verifier: &Verifier, authorization: &str, policy: &Policy) -> Option<LogLine> {
    let request = Request::new().authorization(authorization);
    verifier.authorize(&request, policy).log_line().cloned()
}

fn line_of(verifier: &Verifier, changes: &Value) -> Option<LogLine> {
    let token = rsa().token(&claims_with(changes));
    let line = line(verifier, &format!("Bearer {token}"), &Policy::new());
    for part in token.split('.') {
        assert!(line.iter().all(|line| !line.text.contains(part)), "{line:?}");
    }
    line
}

fn rest(verifier: &Verifier) -> Vec<LogLine> {
    std::iter::from_fn(|| verifier.next_log_line()).collect()
}

#[test]
fn what_a_setting_can_mend_is_a_warning_and_the_rest_is_information() {
    let verifier = verifier();
    for (changes, level, code) in [
        (json!({"aud": "https://elsewhere.example"}), Level::Warning, "AUDIENCE"),
        (json!({"iss": "https://elsewhere.example"}), Level::Warning, "ISSUER"),
        (json!({"exp": 5}), Level::Info, "EXPIRED"),
        (json!({"nbf": NOW + 9000, "exp": NOW + 10_000}), Level::Warning, "NOT_YET_VALID"),
        (json!({"sub": 5}), Level::Info, "CLAIM"),
    ] {
        let line = line_of(&verifier, &changes).unwrap();
        assert_eq!(line.level, level, "{line:?}");
        assert!(line.text.starts_with(&format!("answered 401: {code}: ")), "{line:?}");
    }
    let unknown = format!("Bearer {}", rsa_next().token(&claims_with(&json!({}))));
    assert_eq!(line(&verifier, &unknown, &Policy::new()).unwrap().level, Level::Warning);
}

#[test]
fn the_line_names_the_client_and_the_tool_and_never_the_subject() {
    let verifier = verifier();
    let mut policy = Policy::new();
    policy.require_scope("nobody:has").unwrap();
    policy.set_tool("send_mail\n");
    let token =
        rsa().token(&claims_with(&json!({"sub": "user_hidden", "client_id": "client_a\nb"})));
    let line = line(&verifier, &format!("Bearer {token}"), &policy).unwrap();
    assert!(line.text.starts_with("answered 403: SCOPE: "), "{line:?}");
    assert!(line.text.ends_with(r" [client client_a\u{a}b, tool send_mail\u{a}]"), "{line:?}");
    assert!(!line.text.contains("hidden"), "{line:?}");
}

#[test]
fn a_token_can_invent_no_causes() {
    let verifier = verifier();
    let invented = (0..200).filter_map(|n| {
        let strange = format!("{n}");
        let changes = match n % 4 {
            0 => json!({"aud": strange}),
            1 => json!({"iss": strange}),
            2 => json!({"client_id": strange, "exp": 5}),
            _ => json!({"aud": [strange]}),
        };
        line_of(&verifier, &changes)
    });
    assert_eq!(invented.count(), 3);
}

#[test]
fn who_sends_no_credentials_or_a_good_token_is_not_told() {
    let verifier = verifier();
    assert!(verifier.authorize(&Request::new(), &Policy::new()).log_line().is_none());
    assert!(line_of(&verifier, &json!({})).is_none());
    let basic = line(&verifier, "Basic dXNlcjpwYXNz", &Policy::new()).unwrap();
    assert_eq!(basic.level, Level::Info);
    assert!(!basic.text.contains("dXNl"), "{basic:?}");
}

#[test]
fn the_start_is_three_lines_and_one_for_each_weak_setting() {
    let verifier = fetching("https://p-1.authkit.app/oauth2/jwks".to_owned());
    let texts =
        |verifier: &Verifier| rest(verifier).into_iter().map(|line| line.text).collect::<Vec<_>>();
    let plain = texts(&verifier);
    assert_eq!(plain.len(), 4, "{plain:?}");
    assert!(plain[3].starts_with("allow_insecure_loopback: "), "{plain:?}");
    for (line, start) in
        plain.iter().zip(["resource indicator: ", "trusted issuer: ", "required scopes: "])
    {
        assert!(line.starts_with(start), "{line}");
    }
    assert!(texts(&verifier).is_empty(), "once");

    let weak = builder(jwks(&[rsa()]))
        .now(5)
        .allow_insecure_loopback(true)
        .allow_insecure_http(["jwks.internal"])
        .accept_client_id_audience(["client_01"])
        .ignore_trailing_slash(true);
    let lines = rest(&Verifier::new(weak.build().unwrap()).unwrap());
    let warned = [
        "now: ",
        "allow_insecure_loopback: ",
        "allow_insecure_http: ",
        "accept_client_id_audience: ",
        "ignore_trailing_slash: ",
    ];
    assert_eq!(lines.len(), 3 + warned.len(), "{lines:?}");
    for (line, name) in lines[3..].iter().zip(warned) {
        assert_eq!((line.level, line.text.starts_with(name)), (Level::Warning, true), "{line:?}");
    }
}

fn fetching(url: String) -> Verifier {
    let settings = IssuerSettings { jwks_url: Some(url), ..IssuerSettings::default() };
    let config = Config::builder()
        .issuer(ISSUER, settings)
        .base_url("https://mcp.example")
        .allow_insecure_loopback(true);
    Verifier::new(config.build().unwrap()).unwrap()
}

#[test]
fn trouble_with_keys_and_its_end_are_told_without_a_request() {
    let server = Server::http(Answer::document("{}"));
    let verifier = fetching(server.url());
    rest(&verifier);
    assert!(verifier.refresh().is_err());
    let [line] = rest(&verifier).try_into().unwrap();
    assert_eq!(line.level, Level::Warning);
    assert!(
        line.text.starts_with("https://p-1.authkit.app: could not fetch the keys: "),
        "{line:?}"
    );
    server.answer(Answer::document(jwks(&[rsa()])));
    verifier.refresh().unwrap();
    assert_eq!(
        rest(&verifier),
        [LogLine {
            level: Level::Info,
            text: "https://p-1.authkit.app: the keys can be fetched again".to_owned(),
        }]
    );
}

#[test]
fn who_takes_the_events_is_told_of_keys_by_them_alone() {
    let verifier = fetching(format!("http://127.0.0.1:{}/jwks", closed_port()));
    rest(&verifier);
    assert!(verifier.refresh().is_err());
    let event = verifier.next_event().unwrap();
    assert_eq!(event.level(), Level::Warning);
    assert!(event.message().starts_with("https://p-1.authkit.app: could not fetch the keys: "));
    assert_eq!(rest(&verifier), []);
}
