//! Which paths demand what, and which are open: whatever a router makes of a path, its demands hold.

use authkit::{Access, Code, Request};

fn access(document: &str) -> Access {
    Access::from_json(document).unwrap()
}

fn scopes<'a>(access: &'a Access, path: &str) -> Vec<&'a str> {
    access.judge(&Request::new().path(path)).scopes().to_vec()
}

fn is_public(access: &Access, path: &str) -> bool {
    access.judge(&Request::new().path(path)).is_public()
}

const PLACES: &str = r#"{"public": ["/health", "/static/*", "/é", "/docs/"],
    "required_scopes": {"/admin": ["admin"], "/admin/keys": ["keys"], "/files/*": ["files"]}}"#;
const ALL: [&str; 3] = ["admin", "keys", "files"];

#[test]
fn a_place_is_met_wherever_it_stands_in_the_path() {
    let access = access(PLACES);
    for (path, demanded) in [
        ("/", &[][..]),
        ("/mcp", &[]),
        ("/administrator", &[]),
        ("/xadmin", &[]),
        ("/admin.json", &["admin"]),
        ("/Admin.tar.gz/", &["admin"]),
        ("/%61dmin.json", &["admin"]),
        ("/\u{ff41}dmin.json", &["admin"]),
        ("/files/keys.v1", &["files"]),
        ("/administrator.json", &[]),
        ("/keys", &[]),
        ("/keys/admin/", &["admin"]),
        ("/admin", &["admin"]),
        ("/admin/", &["admin"]),
        ("/AdMiN/x", &["admin"]),
        ("/api/admin/x", &["admin"]),
        ("/api/v1/admin", &["admin"]),
        ("/admin/keys/1", &["admin", "keys"]),
        ("/a/admin/keys", &["admin", "keys"]),
        ("/admin/x/keys", &["admin"]),
        ("/files", &["files"]),
        ("/files/", &["files"]),
        ("/files/admin", &["admin", "files"]),
        ("/%61dmin", &["admin"]),
        ("/x%2Fadmin%2fkeys", &["admin", "keys"]),
        ("/admin;v=1/keys;w", &["admin", "keys"]),
        ("/admin%3Bv", &["admin"]),
        ("/admin?x=/files", &["admin"]),
        ("/admin%3Fx", &["admin"]),
        ("/admin#x", &["admin"]),
        ("/admin%23", &["admin"]),
        ("/admin.", &["admin"]),
        ("/admin%20", &["admin"]),
        ("/%20admin..%20/x", &["admin"]),
        ("/stra%C3%9Fe", &[]),
        ("/ad%C3%A9min", &[]),
        ("/adm\u{131}n", &["admin"]),
        ("/\u{ff41}\u{ff44}min", &["admin"]),
        ("/fi\u{200b}les", &["files"]),
        ("/adm%in", &["admin"]),
        ("/files/50%25 off", &["files"]),
    ] {
        assert_eq!(scopes(&access, path), demanded, "{path:?}");
    }
}

#[test]
fn a_place_beyond_ascii_is_met_by_every_name_beyond_ascii() {
    let access = access(r#"{"required_scopes": {"/naïve": ["naive"], "/mcp": ["mcp"]}}"#);
    for path in ["/na%C3%AFve", "/na\u{cf}ve", "/nai%CC%88ve", "/NA%C3%8FVE", "/x/na%C3%AFve/y"] {
        assert_eq!(scopes(&access, path), ["naive"], "{path:?}");
    }
    assert_eq!(scopes(&access, "/naive"), [""; 0]);
}

#[test]
fn everything_is_demanded_of_a_path_that_routers_read_in_two_ways() {
    let access = access(PLACES);
    let (long, deep) = (format!("/{}", "a".repeat(8192)), "/a".repeat(129));
    for path in [
        "",
        "*",
        "admin",
        "http://h/x",
        "//x",
        "/x//y",
        "/x//",
        "/x/../y",
        "/x/..",
        "/./x",
        "/x/.",
        "/.../x",
        "/x/.. /y",
        "/x/..;/y",
        "/x/;/y",
        "/;",
        "/x\\y",
        "/x%5Cy",
        "/x%5c..%5cy",
        "/x/%2e%2e/y",
        "/%2e/x",
        "/x%2f%2fy",
        "/x%2f..%2fy",
        "/mcp%0a",
        "/mcp%0A",
        "/mcp\n",
        "/mcp%0d",
        "/mcp%00",
        "/mcp%09",
        "/\t",
        "/x\u{7f}",
        "/x\u{85}",
        "/%E2%80%A8",
        "/%252e%252e/x",
        "/%2561dmin",
        "/%25%36%31",
        "/%u0061dmin",
        "/x%c0%af",
        "/x%c0%ae%c0%ae/y",
        "/x%ff",
        "/x%ed%a0%80",
        "/x\u{ff0f}y",
        "/\u{ff0e}\u{ff0e}/x",
        "/x\u{2215}y",
        "/\u{2025}/x",
        "/x\u{ff3c}y",
        "/.\u{200b}./x",
        "/x\u{fffd}",
        "/\u{ff41}\u{ff44}\u{ff4d}\u{ff49}\u{ff4e}",
        "/x/#/../y",
        "/ /x",
        "/x/%20/y",
        &long,
        &deep,
    ] {
        assert_eq!(scopes(&access, path), ALL, "{path:?}");
        assert!(!is_public(&access, path), "{path:?}");
        let below = format!("/static{path}");
        assert!(!path.starts_with('/') || !is_public(&access, &below), "{below:?}");
    }
    for octets in [b"/x\xc3%a9", b"/x%c3\xa9"] {
        assert_eq!(access.judge(&Request::new().path(octets)).scopes(), ALL);
    }
    assert_eq!(access.judge(&Request::new()).scopes(), ALL);
    assert_eq!(access.judge(&Request::new().path("/x").root_path(b"/\xff")).scopes(), ALL);
    assert_eq!(access.judge(&Request::new().decoded_path("/x%41")).scopes(), ALL);
}

#[test]
fn a_path_is_public_only_as_it_is_named() {
    let access = access(PLACES);
    for (path, expected) in [
        ("/health", true),
        ("/static/", false),
        ("/static/a/b.css", true),
        ("/static/a%20b", true),
        ("/static/%C3%A9t%C3%A9", true),
        ("/%C3%A9", true),
        ("/docs/", true),
        ("/health?verbose", true),
        ("/docs", false),
        ("/static", false),
        ("/health/", false),
        ("/health/x", false),
        ("/healthy", false),
        ("/HEALTH", false),
        ("/api/health", false),
        // Not every router decodes it: another handler may be meant.
        ("/%68ealth", false),
        ("/static/%2e", false),
        ("/static%2fx", false),
        ("/static/x%2fy", false),
        ("/health;x", false),
        ("/static/a;b", false),
        ("/health#x", false),
        ("/static/50%25", false),
        ("/mcp", false),
    ] {
        assert_eq!(is_public(&access, path), expected, "{path:?}");
    }
    assert!(!access.judge(&Request::new()).is_public());
}

#[test]
fn a_demand_always_wins_over_public() {
    let access =
        access(r#"{"public": ["/*"], "required_scopes": {"/admin": ["admin"], "/mcp": []}}"#);
    for (path, expected) in
        [("/", true), ("/x", true), ("/x/admin", false), ("/mcp", false), ("/MCP/", false)]
    {
        assert_eq!(is_public(&access, path), expected, "{path:?}");
    }
    assert_eq!(scopes(&access, "/mcp"), [""; 0]);
}

#[test]
fn a_known_prefix_is_left_out_of_what_is_public() {
    let open = |document: &str, root: &str, path: &str| {
        let access = Access::from_json(document).unwrap();
        access.judge(&Request::new().path(path).root_path(root)).is_public()
    };
    let plain = r#"{"public": ["/health", "/", "/static/*"]}"#;
    let prefixed = r#"{"public": ["/health", "/", "/static/*"], "prefix": "/api/"}"#;
    for (document, root, path, expected) in [
        (plain, "/api", "/api/health", true),
        (plain, "/api/", "/api/health", true),
        (plain, "/api", "/health", true),
        (plain, "/api", "/api", true),
        (plain, "/api", "/apihealth", false),
        (plain, "/api", "/API/health", false),
        (plain, "/api", "/x/api/health", false),
        (plain, "/api", "/api/api/health", false),
        (plain, "/health", "/health/health", true),
        // A mount at a place that is public inside: what is meant inside is not.
        (plain, "/static", "/static/secret", false),
        (plain, "", "/api/health", false),
        // Cut at the prefix wherever it is, as Litestar does, they are other paths.
        (plain, "/api", "/static/api/x", false),
        (plain, "/st", "/static/x", false),
        (plain, "/st", "/st/static/x", true),
        (prefixed, "", "/static/API/x", false),
        (prefixed, "", "/api/static/api/x", true),
        (prefixed, "", "/api/health", true),
        (prefixed, "", "/health", true),
        (prefixed, "/api", "/api/api/health", false),
        (prefixed, "/api/v1", "/api/v1/health", true),
        (prefixed, "/mnt", "/mnt/api/health", false),
    ] {
        assert_eq!(open(document, root, path), expected, "{root:?} {path:?}");
    }
}

#[test]
fn with_a_prefix_places_are_exact() {
    let access = access(
        r#"{"prefix": "/api", "required_scopes": {"/admin": ["admin"], "/admin/keys": ["keys"]}}"#,
    );
    let both = &["admin", "keys"][..];
    for (path, demanded) in [
        ("/admin", &["admin"][..]),
        ("/api/admin", &["admin"]),
        ("/API/Admin/x", &["admin"]),
        ("/api/api/admin/keys", both),
        ("/docs/admin", &[]),
        ("/api/docs/admin", &[]),
        ("/api", &[]),
        // One framework looks for the prefix anywhere, another does not look for the end of its segment.
        ("/x/api/admin", &["admin"]),
        ("/apiadmin", &["admin"]),
        ("/api~/admin", &["admin"]),
        // Spelled so that the prefix may be another: as without it.
        ("/api;x/admin", &["admin"]),
        ("/api./admin", &["admin"]),
        ("/\u{ff41}pi/admin", &["admin"]),
        ("/docs;x/admin", &["admin"]),
        ("/docs/../admin", both),
    ] {
        assert_eq!(scopes(&access, path), demanded, "{path:?}");
    }
}

#[test]
fn a_prefix_that_the_host_knows_is_left_out_however_it_is_cut() {
    let access = access(r#"{"required_scopes": {"/admin": ["admin"], "/mnt/files": ["files"]}}"#);
    for (root, path, demanded) in [
        ("/api", "/apiadmin", &["admin"][..]),
        ("/api", "/x/apiadmin", &["admin"]),
        ("/api/", "/APIadmin", &["admin"]),
        ("api", "/x", &["admin", "files"]),
        ("", "/apiadmin", &[]),
        ("/mnt", "/files", &["files"]),
        ("/mnt", "/mnt/files", &["files"]),
        ("", "/files", &[]),
    ] {
        let judged = access.judge(&Request::new().path(path).root_path(root));
        assert_eq!(judged.scopes(), demanded, "{root:?} {path:?}");
    }
}

#[test]
fn two_spellings_of_a_path_are_judged_both() {
    let access = access(PLACES);
    let judge = |path: &'static str, decoded: &'static str| {
        let judged = access.judge(&Request::new().path(path).decoded_path(decoded));
        (judged.is_public(), judged.scopes().to_vec())
    };
    assert_eq!(judge("/health", "/health"), (true, vec![]));
    assert_eq!(judge("/health", "/mcp"), (false, vec![]));
    assert_eq!(judge("/mcp", "/health"), (false, vec![]));
    assert_eq!(judge("/files", "/admin"), (false, vec!["admin", "files"]));
    assert_eq!(judge("/mcp", "/mcp\n"), (false, ALL.to_vec()));
    assert_eq!(judge("/%C3%A9", "/é"), (true, vec![]));
}

#[test]
fn a_place_that_could_never_do_what_it_says_is_refused() {
    let twice = format!(
        r#"{{"required_scopes": {{"/a": ["{}"], "/b": ["{}"]}}}}"#,
        "a".repeat(4095),
        "b".repeat(4095)
    );
    assert!(Access::from_json(&twice).is_ok());
    let longer = twice.replace("\"]}}", "c\"]}}");
    for (document, word) in [
        ("[]", "document"),
        (r#"{"publik": []}"#, "publik"),
        (r#"{"public": [], "public": []}"#, "document"),
        (r#"{"public": "/x"}"#, "array"),
        (r#"{"public": [1]}"#, "array"),
        (r#"{"prefix": 1}"#, "prefix"),
        (r#"{"required_scopes": ["/x"]}"#, "object"),
        (r#"{"required_scopes": {"/x": "y"}}"#, "array"),
        (&longer, "8191"),
        // What a demand keeps closed.
        (r#"{"public": ["/mcp"], "required_scopes": {"/mcp": ["x"]}}"#, "always wins"),
        (r#"{"public": ["/mcp"], "required_scopes": {"/mcp": []}}"#, "always wins"),
        (r#"{"public": ["/MCP/x"], "required_scopes": {"/mcp": ["x"]}}"#, "always wins"),
        (r#"{"public": ["/mcp/*"], "required_scopes": {"/mcp/*": ["x"]}}"#, "always wins"),
        (r#"{"public": ["/docs/admin"], "required_scopes": {"/admin": ["x"]}}"#, "always wins"),
        (r#"{"public": ["/health"], "required_scopes": {"/": ["x"]}}"#, "always wins"),
        (r#"{"public": ["/*"], "required_scopes": {"/*": ["x"]}}"#, "always wins"),
    ] {
        let error = Access::from_json(document).unwrap_err();
        assert_eq!(error.code(), Code::Config, "{document}");
        assert!(error.reason().contains(word), "{document}: {error}");
    }
    for place in [
        "",
        "x",
        "mcp/",
        "/a//b",
        "/a//*",
        "/a/../b",
        "/a/.",
        "/a\\\\b",
        "/a\\nb",
        "/a%2fb",
        "/%61",
        "/a?b",
        "/a;b",
        "/a#b",
        "/*/a",
        "/a*",
        "/**",
        "/users/{id}",
        "/users/<int:id>",
        "/users/:id",
        "/a.",
        "/a ",
        "/ a",
        "/x/a./y",
    ] {
        for document in [
            format!(r#"{{"public": ["{place}"]}}"#),
            format!(r#"{{"required_scopes": {{"{place}": ["x"]}}}}"#),
            format!(r#"{{"prefix": "{place}"}}"#),
        ] {
            let nothing = document == r#"{"prefix": ""}"#;
            assert_eq!(
                Access::from_json(&document).map_err(|error| error.code()).err(),
                (!nothing).then_some(Code::Config),
                "{document}"
            );
        }
    }
    let scope = Access::from_json(r#"{"required_scopes": {"/x": ["two words"]}}"#);
    assert_eq!(scope.unwrap_err().code(), Code::Misuse);
}

#[test]
fn public_above_a_demand_and_beside_it_is_no_contradiction() {
    for document in [
        "{}",
        r#"{"public": ["/*"], "required_scopes": {"/admin": ["x"]}}"#,
        r#"{"public": ["/docs/admin"], "required_scopes": {"/admin": ["x"]}, "prefix": "/api"}"#,
        r#"{"public": ["/mcp/x"], "required_scopes": {"/mcp/y": ["x"]}}"#,
        r#"{"public": ["/"], "prefix": "/"}"#,
    ] {
        assert!(Access::from_json(document).is_ok(), "{document}");
    }
}
