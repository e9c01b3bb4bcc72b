//! How a request may carry its token, and what it gets when it carries it otherwise.

use authkit::{Code, Policy, Request, Response, Verifier};
use serde_json::{Value, json};

use crate::support::server::{Answer, Server, closed_port};
use crate::support::{ISSUER, RESOURCE, build, builder, claims, claims_with, jwks, keys, verifier};

fn authorize(verifier: &Verifier, authorization: &[u8]) -> Result<(), Code> {
    decide(verifier, &Request::new().authorization(authorization))
}

fn decide(verifier: &Verifier, request: &Request<'_>) -> Result<(), Code> {
    let decision = verifier.authorize(request, &Policy::new());
    check_form(decision.response());
    assert_eq!(decision.claims().is_some(), decision.response().status() == 200);
    match decision.error() {
        None => Ok(()),
        Some(error) => {
            assert_eq!(decision.response().status(), error.code().http_status());
            Err(error.code())
        }
    }
}

#[test]
fn what_is_pasted_in_place_of_a_token_is_told_and_never_shown() {
    let verifier = verifier();
    let token = keys::rsa().token(&claims());
    for (value, says) in [
        ("Bearer \"TOKEN\"", "quotes"),
        ("Bearer 'TOKEN'", "quotes"),
        ("\"Bearer TOKEN\"", "without quotes"),
        ("Bearer Bearer TOKEN", "without Bearer"),
        ("Bearer bearer: TOKEN", "without Bearer"),
        ("Bearer TOKEN\n", "white space"),
        ("Bearer TO\nKEN", "line break"),
        ("Bearer TOKEN TOKEN", "more than one thing"),
        ("Bearer sk_test_TOKEN1", "sk_..."),
        ("Bearer client_TOKEN1", "client id"),
        ("Bearer undefined", "no value"),
        ("Bearer null", "no value"),
        ("Bearer [object Object]", "no value"),
        ("Bearer ${TOKEN}", "variable"),
        ("Bearer $TOKEN", "variable"),
        ("Bearer {\"access_token\": \"TOKEN\"}", "JSON document"),
        ("Bearer a.b.c.d.e", "encrypted"),
        ("Bearer rVhiNIBuaGS5cMMEFhHiMOC7", "refresh token"),
        ("Bearer: TOKEN", "one space"),
        ("Bearer", "variable may be empty"),
    ] {
        let secret =
            if value.contains("sk_") || value.contains("client_") { "HUNTER2" } else { &token };
        let value = value.replace("TOKEN1", secret).replace("TOKEN", &token);
        let decision = verifier.authorize(&Request::new().authorization(&value), &Policy::new());
        check_form(decision.response());
        let error = decision.error().unwrap();
        assert!(error.to_string().contains(says), "{value}: {error}");
        for part in token.split('.').chain([secret, "rVhiNIBuaGS5"]) {
            assert!(!error.to_string().contains(part), "{value}: {error}");
        }
    }
}

/// What holds for every answer.
pub(crate) fn check_form(response: &Response) {
    let mut names: Vec<&str> = response.headers().iter().map(|(name, _)| *name).collect();
    for (name, value) in response.headers() {
        assert_eq!(*name, name.to_ascii_lowercase());
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name}: {value:?}");
    }
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a header comes twice: {names:?}");
    if response.body().is_empty() {
        return;
    }
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert!(serde_json::from_str::<Value>(response.body()).unwrap().is_object());
}

#[test]
fn a_dpop_token_is_told_as_what_it_is_to_the_operator() {
    let verifier = verifier();
    let token = keys::rsa().token(&claims());
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let header = format!("{scheme} {token}");
        let decision = verifier.authorize(&Request::new().authorization(&header), &Policy::new());
        let error = decision.error().unwrap();
        assert_eq!(error.code(), Code::NoCredentials, "{error}");
        assert!(error.reason().contains("DPoP") && error.hint().unwrap().contains("Bearer"));
        assert!(!decision.response().body().contains("DPoP"));
    }
    // The very token, bound to a key, stolen and sent as a bearer's.
    let bound = keys::rsa().token(&claims_with(&json!({ "cnf": { "jkt": "x" } })));
    let bound = format!("Bearer {bound}");
    assert_eq!(authorize(&verifier, bound.as_bytes()), Err(Code::Claim));
    let joined = format!("DPoP {token}, Bearer {token}");
    assert_eq!(authorize(&verifier, joined.as_bytes()), Err(Code::InvalidRequest));
}

#[test]
fn one_bearer_token_in_one_header_is_taken_and_everything_else_is_named() {
    let verifier = verifier();
    let token = keys::rsa().token(&claims());
    let header = |text: &str| text.replace("TOKEN", &token);
    let none = Err(Code::NoCredentials);
    let invalid = Err(Code::InvalidRequest);
    let malformed = Err(Code::Malformed);
    for (value, expected) in [
        ("Bearer TOKEN", Ok(())),
        ("bearer TOKEN", Ok(())),
        ("BEARER TOKEN", Ok(())),
        ("Bearer   TOKEN", Ok(())),     // 1*SP
        (" \tBearer TOKEN \t", Ok(())), // no part of the value (RFC 9110 §5.5)
        // Nothing that is a bearer token's: as if nothing had come.
        ("", none),
        (" \t ", none),
        ("Basic dXNlcjpwYXNz", none),
        ("DPoP TOKEN", none),
        ("Bearerx TOKEN", none),
        ("TOKEN", none),
        ("Digest username=\"a, b\", realm=\"c\"", none),
        ("Basic x, Bearerx TOKEN", none),
        // A bearer token spelled as none is.
        ("Bearer", invalid),
        ("Bearer ", invalid),
        ("Bearer\tTOKEN", invalid),
        ("Bearer \tTOKEN", invalid),
        ("Bearer: TOKEN", invalid),
        ("Bearer,TOKEN", invalid),
        ("Bearer \"TOKEN\"", invalid),
        ("Bearer token=TOKEN", invalid),
        ("Bearer =TOKEN", invalid),
        ("Bearer ==", invalid),
        ("Bearer TOKEN\r\nx: y", invalid),
        ("Bearer TOKEN\n", invalid),
        ("Bearer TOKEN\0", invalid),
        ("Bearer TOKEN\u{e9}", invalid),
        ("Bearer %20TOKEN", invalid),
        ("\"Bearer\" TOKEN", invalid),
        (", Bearer TOKEN", invalid),
        ("\0Bearer TOKEN", invalid),
        // Two of them, in one line or in two that were joined (RFC 9110 §5.3).
        ("Bearer Bearer TOKEN", invalid),
        ("Bearer TOKEN TOKEN", invalid),
        ("Bearer TOKEN,", invalid),
        ("Bearer TOKEN, Bearer TOKEN", invalid),
        ("Bearer TOKEN,Bearer TOKEN", invalid),
        ("Bearer TOKEN, Basic dXNlcjpwYXNz", invalid),
        ("Basic dXNlcjpwYXNz, Bearer TOKEN", invalid),
        ("Basic dXNlcjpwYXNz,bearer TOKEN", invalid),
        ("Bearer TOKEN; Bearer TOKEN", invalid),
        // Spelled as a token, and none of ours.
        ("Bearer x", malformed),
        ("Bearer sk_test_a2V5XzAxSA==", malformed),
        ("Bearer TOKEN=", malformed),
        ("Bearer ~+/-._", malformed),
    ] {
        assert_eq!(authorize(&verifier, header(value).as_bytes()), expected, "{value:?}");
    }
    assert_eq!(authorize(&verifier, b"Bearer \xff\xfe"), invalid);
    assert_eq!(
        authorize(&verifier, &[b"Bearer ".as_slice(), &[b'a'; 16 * 1024]].concat()),
        malformed
    );
    assert_eq!(
        authorize(&verifier, &[b"Bearer ".as_slice(), &[b'a'; 16 * 1024 + 1]].concat()),
        invalid
    );
    assert_eq!(authorize(&verifier, &[b"Negotiate ".as_slice(), &[b'a'; 1 << 20]].concat()), none);
    assert_eq!(decide(&verifier, &Request::new()), none);
}

#[test]
fn two_header_lines_are_one_too_many() {
    let verifier = verifier();
    let good = format!("Bearer {}", keys::rsa().token(&claims()));
    for other in [good.as_str(), "Basic x", ""] {
        let both = Request::new().authorization(&good).authorization(other);
        assert_eq!(decide(&verifier, &both), Err(Code::InvalidRequest), "{other}");
        let turned = Request::new().authorization(other).authorization(&good);
        assert_eq!(decide(&verifier, &turned), Err(Code::InvalidRequest), "{other}");
    }
}

#[test]
fn a_token_in_the_query_is_refused_with_and_without_a_header() {
    let verifier = verifier();
    let good = format!("Bearer {}", keys::rsa().token(&claims()));
    for (query, refused) in [
        ("access_token=x", true),
        ("?access_token=x", true),
        ("access_token", true),
        ("access_token=", true),
        ("a=b&access_token=x", true),
        ("a=b;access_token=x", true),
        ("access%5Ftoken=x", true),
        ("%61ccess%5ftoken=x", true),
        ("&&access_token=x", true),
        ("", false),
        ("?", false),
        ("a=access_token", false),
        ("Access_Token=x", false),
        ("access_token2=x", false),
        ("xaccess_token=x", false),
        ("access%5token=x", false),
        ("access_token%", false),
        ("access_token%5", false),
        ("%zz=%", false),
    ] {
        let with = decide(&verifier, &Request::new().authorization(&good).query(query));
        let without = decide(&verifier, &Request::new().query(query));
        if refused {
            assert_eq!(with, Err(Code::InvalidRequest), "{query}");
            assert_eq!(without, Err(Code::InvalidRequest), "{query}");
        } else {
            assert_eq!(with, Ok(()), "{query}");
            assert_eq!(without, Err(Code::NoCredentials), "{query}");
        }
    }
}

#[test]
fn a_request_that_may_go_on_has_its_claims_and_nothing_to_answer() {
    let verifier = verifier();
    let header = format!("Bearer {}", keys::rsa().token(&claims()));
    let request = Request::new().authorization(&header);
    let decision = verifier.try_authorize(&request, &Policy::new());
    let response = decision.response();
    assert_eq!((response.status(), response.headers(), response.body()), (200, &[][..], ""));
    assert_eq!(decision.error(), None);
    assert_eq!(decision.into_claims().unwrap().subject(), "user_01H");
    assert!(!format!("{request:?}").contains("ey"), "no token in a debug print");
}

#[test]
fn an_outage_is_503_with_retry_after_and_no_challenge() {
    let nobody = format!("http://127.0.0.1:{}/oauth2/jwks", closed_port());
    let config = json!({ "issuers": { ISSUER: nobody }, "resource": RESOURCE, "now": 1_760_000_000,
        "allow_insecure_loopback": true });
    let verifier = build(authkit::ConfigBuilder::from_json(&config.to_string()).unwrap());
    let header = format!("Bearer {}", keys::rsa().token(&claims()));
    let decision = verifier.authorize(&Request::new().authorization(&header), &Policy::new());
    let response = decision.response();
    check_form(response);
    assert_eq!(decision.error().unwrap().code(), Code::KeysUnavailable);
    assert_eq!(response.status(), 503);
    assert!(response.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    assert_eq!(response.header("www-authenticate"), None);
    let body: Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
    assert!(!response.body().contains("127.0.0.1"), "the client is not told of our network");
    // A dead token is a 401 all the same: no key is needed to see that.
    let dead = format!("Bearer {}", keys::rsa().token(&claims_with(&json!({ "exp": 1 }))));
    assert_eq!(authorize(&verifier, dead.as_bytes()), Err(Code::Expired));
}

#[test]
fn who_cannot_wait_is_told_to_come_back_and_who_can_is_answered() {
    let server = Server::http(Answer::Held(Box::new(Answer::document(jwks(&[keys::rsa()])))));
    let config = json!({ "issuers": { ISSUER: server.url() }, "resource": RESOURCE, "now": 1_760_000_000,
        "allow_insecure_loopback": true });
    let verifier = build(authkit::ConfigBuilder::from_json(&config.to_string()).unwrap());
    let header = format!("Bearer {}", keys::rsa().token(&claims()));
    let request = Request::new().authorization(&header);
    let decision = verifier.try_authorize(&request, &Policy::new());
    assert_eq!(decision.error().unwrap().code(), Code::WouldBlock);
    assert_eq!(decision.response().status(), 503);
    assert_eq!(decision.response().header("retry-after"), Some("1"));
    server.release();
    assert!(verifier.authorize(&request, &Policy::new()).claims().is_some());
    assert!(verifier.try_authorize(&request, &Policy::new()).claims().is_some());
}

#[test]
fn no_answer_repeats_what_the_request_held() {
    let verifier = build(builder(jwks(&[keys::rsa()])).required_scopes(["read"]));
    let marked = |changes: Value| keys::rsa().token(&claims_with(&changes));
    for token in [
        marked(json!({ "iss": "https://MARK.example" })),
        marked(json!({ "aud": "https://MARK.example" })),
        marked(json!({ "scope": "MARK" })),
        marked(json!({ "sub": 5, "MARK": 5 })),
        keys::rsa().token_with_header(&json!({ "kid": "MARK\r\nset-cookie: x" }), &claims()),
        keys::rsa().token_with_header(&json!({ "alg": "MARK" }), &claims()),
        keys::rsa().token_with_header(&json!({ "typ": "MARK\"" }), &claims()),
        "MARK".to_owned(),
    ] {
        for header in
            [format!("Bearer {token}"), format!("MARK {token}"), format!("Bearer {token},MARK")]
        {
            let request = Request::new().authorization(&header).query("MARK=MARK");
            let decision = verifier.authorize(&request, &Policy::new());
            let response = decision.response();
            check_form(response);
            assert!(matches!(response.status(), 400 | 401 | 403), "{}", response.status());
            assert!(!format!("{response:?}").split("error: Some").next().unwrap().contains("MARK"));
        }
    }
}
