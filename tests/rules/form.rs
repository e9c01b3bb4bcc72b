//! Rows 1 to 10: the form of the token.

use authkit::{Code, MAX_TOKEN_LENGTH};
use serde_json::json;

use crate::support::{accepted, claims, encode, keys, refused, verifier};

fn header() -> String {
    keys::rsa().header().to_string()
}

#[test]
fn r01_empty_is_malformed() {
    refused(&verifier(), "", Code::Malformed, "empty");
}

#[test]
fn r02_longer_than_16_kib_is_too_large_before_any_decoding() {
    let verifier = verifier();
    let padded = |length: usize| {
        let mut claims = claims();
        claims["pad"] = json!("");
        let bare = keys::rsa().token(&claims).len();
        claims["pad"] = json!("x".repeat((length - bare) * 3 / 4));
        keys::rsa().token(&claims)
    };
    let largest = padded(MAX_TOKEN_LENGTH);
    assert!(
        (MAX_TOKEN_LENGTH - 4..=MAX_TOKEN_LENGTH).contains(&largest.len()),
        "{}",
        largest.len()
    );
    accepted(&verifier, largest, "as long as allowed");
    refused(&verifier, padded(MAX_TOKEN_LENGTH + 8), Code::TooLarge, "a good token, too long");
    refused(&verifier, vec![0xff; MAX_TOKEN_LENGTH + 1], Code::TooLarge, "not even text");
    refused(&verifier, vec![b'.'; 10_000_000], Code::TooLarge, "ten million dots");
}

#[test]
fn r03_sixteen_kib_of_dots_is_malformed() {
    refused(&verifier(), vec![b'.'; MAX_TOKEN_LENGTH], Code::Malformed, "dots");
}

#[test]
fn r04_other_than_three_parts_is_malformed() {
    let token = keys::rsa().token(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let flattened =
        json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string();
    let general = json!({ "payload": parts[1], "signatures": [{ "protected": parts[0], "signature": parts[2] }] }).to_string();
    let cases = [
        ("one part", parts[0].to_owned()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{token}.{}", parts[2])),
        ("five parts", format!("{token}.a.b")),
        ("JWE", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aaaa.bbbb.cccc".to_owned()),
        ("flattened JSON", flattened),
        ("general JSON", general),
    ];
    for (what, token) in cases {
        refused(&verifier(), token, Code::Malformed, what);
    }
}

#[test]
fn r05_anything_around_the_token_is_malformed() {
    let token = keys::rsa().token(&claims());
    for around in [".", " ", "\n", "\r\n", "\t", "\0", "\u{feff}", "\"", "'", "="] {
        refused(
            &verifier(),
            format!("{around}{token}"),
            Code::Malformed,
            &format!("before: {around:?}"),
        );
        refused(
            &verifier(),
            format!("{token}{around}"),
            Code::Malformed,
            &format!("after: {around:?}"),
        );
    }
    let error = refused(&verifier(), format!("Bearer {token}"), Code::Malformed, "scheme");
    assert!(error.hint().unwrap().contains("without Bearer"), "{error}");
}

#[test]
fn r06_only_canonical_base64url_is_read() {
    let signer = keys::rsa();
    // Spelt anew and signed as spelt, so that nothing but the spelling can be at fault.
    let respell = |spell: &dyn Fn(&str, &str) -> String| {
        signer.sign_input(spell(&encode(header()), &encode(claims().to_string())))
    };
    let mut bumped = 0;
    for pad in 0..3 {
        let mut claims = claims();
        claims["p"] = json!("x".repeat(pad));
        let payload = encode(claims.to_string());
        if payload.len().is_multiple_of(4) {
            continue;
        }
        bumped += 1;
        let padding = "=".repeat(4 - payload.len() % 4);
        let head = encode(header());
        refused(
            &verifier(),
            signer.sign_input(format!("{head}.{payload}{padding}")),
            Code::Malformed,
            "padding",
        );
        let last = payload.chars().last().unwrap();
        let next = char::from(last as u8 + 1);
        let bits = format!("{head}.{}{next}", &payload[..payload.len() - 1]);
        refused(&verifier(), signer.sign_input(bits), Code::Malformed, "trailing bits");
    }
    assert!(bumped >= 2, "two of three lengths leave bits over");
    for inside in [" ", "\n", "\t", "+", "/", "=", "~", "@", "\0", "é"] {
        let token = respell(&|header, payload| {
            format!("{header}.{}{inside}{}", &payload[..8], &payload[8..])
        });
        refused(&verifier(), token, Code::Malformed, &format!("{inside:?} inside the payload"));
        let token = respell(&|header, payload| {
            format!("{}{inside}{}.{payload}", &header[..8], &header[8..])
        });
        refused(&verifier(), token, Code::Malformed, &format!("{inside:?} inside the header"));
        let token = signer.token(&claims());
        let at = token.rfind('.').unwrap() + 9;
        refused(
            &verifier(),
            format!("{}{inside}{}", &token[..at], &token[at..]),
            Code::Malformed,
            &format!("{inside:?} inside the signature"),
        );
    }
}

#[test]
fn r07_an_embedded_nul_is_malformed_not_the_end() {
    let token = keys::rsa().token(&claims());
    refused(&verifier(), format!("{token}\0"), Code::Malformed, "after");
    refused(&verifier(), format!("{token}\0.x.y"), Code::Malformed, "after, with more");
    refused(&verifier(), format!("\0{token}"), Code::Malformed, "before");
}

#[test]
fn r08_parts_are_one_json_object_in_utf8() {
    let good = claims().to_string();
    let bad_payloads: &[(&str, Vec<u8>)] = &[
        (
            "not UTF-8",
            [good.as_bytes()[..good.len() - 1].to_vec(), b",\"x\":\"\xff\"}".to_vec()].concat(),
        ),
        ("BOM", [b"\xef\xbb\xbf".to_vec(), good.clone().into_bytes()].concat()),
        ("UTF-16", good.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("array", format!("[{good}]").into_bytes()),
        ("string", json!(good).to_string().into_bytes()),
        ("number", b"1".to_vec()),
        ("null", b"null".to_vec()),
        ("trailing bytes", format!("{good}x").into_bytes()),
        ("trailing NUL", format!("{good}\0").into_bytes()),
        ("two objects", format!("{good}{good}").into_bytes()),
        ("nested token", keys::rsa().token(&claims()).into_bytes()),
    ];
    for (what, payload) in bad_payloads {
        refused(&verifier(), keys::rsa().token_of(header(), payload), Code::Malformed, what);
    }
    let bad_headers: &[(&str, Vec<u8>)] = &[
        ("not UTF-8", b"{\"alg\":\"RS256\",\"x\":\"\xff\"}".to_vec()),
        ("BOM", [b"\xef\xbb\xbf".to_vec(), header().into_bytes()].concat()),
        ("array", b"[\"RS256\"]".to_vec()),
        ("trailing bytes", format!("{} {{}}", header()).into_bytes()),
    ];
    for (what, header) in bad_headers {
        refused(
            &verifier(),
            keys::rsa().token_of(header, claims().to_string()),
            Code::Malformed,
            what,
        );
    }
    accepted(
        &verifier(),
        keys::rsa().token_of(format!(" {}\r\n\t", header()), format!("\n{good} ")),
        "white space around",
    );
}

#[test]
fn r09_a_repeated_member_is_malformed_however_spelt() {
    let head = format!(r#""alg":"RS256","kid":"{}""#, keys::rsa().kid);
    for extra in
        [r#""alg":"none""#, r#""al\u0067":"RS256""#, r#""kid":"x""#, r#""x":{"a":1,"a":1}"#]
    {
        let token = keys::rsa().token_of(format!("{{{head},{extra}}}"), claims().to_string());
        refused(&verifier(), token, Code::Malformed, extra);
    }
    let body = claims().to_string();
    for extra in [
        r#""iss":"https://p-1.authkit.app""#,
        r#""is\u0073":"https://evil.example""#,
        r#""\u0065xp":1"#,
        r#""aud":"x""#,
        r#""act":{"sub":"a","sub":"b"}"#,
        r#""l":[{"a":1,"\u0061":2}]"#,
    ] {
        let token =
            keys::rsa().token_of(header(), format!("{},{extra}}}", &body[..body.len() - 1]));
        refused(&verifier(), token, Code::Malformed, extra);
    }
}

#[test]
fn r10_depth_surrogates_and_number_range_are_bounded() {
    let body = claims().to_string();
    let with = |extra: &str| {
        keys::rsa().token_of(header(), format!("{},\"x\":{extra}}}", &body[..body.len() - 1]))
    };
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    accepted(&verifier(), with(&nested(15)), "sixteen levels");
    for (what, extra) in [
        ("seventeen levels", nested(16)),
        ("5000 levels", nested(5000)),
        ("5000 open levels", "[".repeat(5000)),
        ("high surrogate", r#""\ud800""#.to_owned()),
        ("low surrogate", r#""\udc00""#.to_owned()),
        ("pair in the wrong order", r#""\udc00\ud800""#.to_owned()),
        ("beyond a double", "1e400".to_owned()),
        ("beyond a double in digits", "9".repeat(400)),
    ] {
        refused(&verifier(), with(&extra), Code::Malformed, what);
    }
    for extra in [r#""\ud83d\ude00""#, "1.7976931348623157e308", "4.9e-324", "-0"] {
        accepted(&verifier(), with(extra), extra);
    }
}
