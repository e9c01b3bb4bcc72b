//! What is told if the issuer answers, and not with keys: what came, and the setting to look at.

use authkit::{Code, ConfigBuilder, Policy};
use serde_json::json;

use crate::support::server::{Answer, Server};
use crate::support::{ISSUER, NOW, RESOURCE, build, claims_with, keys};

#[test]
fn each_answer_without_keys_is_told_with_the_setting_to_look_at() {
    let status = |number, lines: &[&str]| {
        Answer::Status(number, lines.iter().map(|&line| line.to_owned()).collect())
    };
    let page = |text: &str| Answer::document(text);
    for (answer, says, names_setting) in [
        (status(404, &[]), "HTTP 404: there is nothing at that address", true),
        (status(410, &[]), "HTTP 410: there is nothing at that address", true),
        (status(302, &["location: https://hunter2.example/"]), "a redirect, which is not", true),
        (status(401, &[]), "refuses this machine", true),
        (status(403, &[]), "refuses this machine", true),
        (status(418, &[]), "see what is there", true),
        (status(429, &[]), "asked too often; no setting needs to change", false),
        (status(500, &[]), "a fault of its own; no setting needs to change", false),
        (status(503, &["retry-after: 9"]), "a fault of its own; no setting needs", false),
        (page("<!DOCTYPE html><html>hunter2</html>"), "a web page (HTML) in place of JSON", true),
        (page("\n  <html>hunter2"), "a web page (HTML) in place of JSON", true),
        (page(""), "sent nothing", true),
        (page(" \n"), "sent nothing", true),
        (page(&"x".repeat(300 * 1024)), "sent more than 262144 bytes", true),
        (page("[\"hunter2\"]"), "not a JSON object", true),
        (page("hunter2"), "not a JSON object", true),
        (page("{\"hunter2\":1}"), "not a key set", true),
        (page("{\"keys\":[]}"), "has no keys", true),
        (
            page("{\"keys\":[{\"kty\":\"oct\",\"k\":\"hunter2\"}]}"),
            "entry 0: a shared secret",
            true,
        ),
    ] {
        for explicit in [false, true] {
            let server = Server::http(answer.clone());
            let (url, domain) = (server.url(), server.url().replace("/oauth2/jwks", ""));
            let config = if explicit {
                json!({ "issuers": { ISSUER: { "jwks_url": url } } })
            } else {
                json!({ "authkit_domain": domain })
            };
            let builder = ConfigBuilder::from_json(&config.to_string()).unwrap();
            let builder = builder.resource(RESOURCE).now(NOW).allow_insecure_loopback(true);
            let issuer = if explicit { ISSUER } else { &domain };
            let token = keys::rsa().token(&claims_with(&json!({ "iss": issuer })));
            let error = build(builder).verify(token, &Policy::new()).unwrap_err();
            assert_eq!(error.code(), Code::KeysUnavailable, "{error}");
            let reason = error.reason();
            assert!(reason.contains(says) && !reason.contains("hunter2"), "{says}: {reason}");
            assert!(reason.len() <= 300 && reason.is_ascii(), "{reason}");
            let setting = if explicit { "jwks_url" } else { "authkit_domain" };
            assert_eq!(reason.contains(setting), names_setting, "{reason}");
        }
    }
}
