//! Holds `authkit config` to what it shows, and env files to their place in the order of precedence.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use common::{authkit, authkit_in, file, good};

const GUIDE: &str = "FASTMCP_SERVER_AUTH=fastmcp.server.auth.providers.workos.AuthKitProvider
FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN=https://file.authkit.app
FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL=https://mcp.example
FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES=[\"openid\", \"mcp:use\"]
AUTHKIT_PROXY=http://user:hunter2@proxy.example:3128
";

#[test]
fn shows_what_is_in_force_beginning_with_the_line_for_the_dashboard() {
    let guide = file("config/guide.env", GUIDE);
    let run = authkit(&["config", "--env-file", &guide, "--session-client-id", "client_1"], "");
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.starts_with("resource indicator: https://mcp.example/mcp\n"), "{run:?}");
    assert!(
        run.stdout.contains("\nrequired_scopes: [\"openid\",\"mcp:use\"] [FASTMCP_"),
        "{run:?}"
    );
    assert!(run.stdout.contains("https://api.workos.com/sso/jwks/client_1"), "{run:?}");
    assert!(!run.all_output().contains("hunter2"), "{run:?}");

    let json = authkit(&["config", "--json", "--env-file", &guide], "").json();
    assert_eq!(json["resource_indicator"], "https://mcp.example/mcp");
    assert_eq!(json["issuers"]["https://file.authkit.app"]["audience"], "required");
    assert_eq!(json["proxy"], "http://(credentials)@proxy.example:3128");
}

#[test]
fn a_flag_goes_before_the_environment_and_the_environment_before_the_env_file() {
    let guide = file("config/order.env", GUIDE);
    let process = [("AUTHKIT_DOMAIN", "https://process.authkit.app")];
    let flag = ["--authkit-domain", "https://flag.authkit.app"];
    for (environment, flags, issuer) in [
        (&[][..], &[][..], "https://file.authkit.app"),
        (&process[..], &[], "https://process.authkit.app"),
        (&process, &flag[..], "https://flag.authkit.app"),
    ] {
        let arguments = [&["config", "--json", "--env-file", &guide], flags].concat();
        let issuers = authkit_in(environment, &arguments, "").json()["issuers"].clone();
        let issuers: Vec<_> = issuers.as_object().unwrap().keys().cloned().collect();
        assert_eq!(issuers, [issuer]);
    }
}

#[test]
fn a_configuration_that_is_none_is_told_by_what_is_wrong() {
    let half = file("config/half.env", "FASTMCP_SERVER_AUTH=AuthKitProvider\n");
    let misspelt = file("config/misspelt.env", format!("{GUIDE}AUTHKIT_REQUIRED_SCOPE=hunter2\n"));
    for (arguments, says) in [
        (&["config"][..], "AUTHKIT_DOMAIN and AUTHKIT_BASE_URL are missing"),
        (&["config", "--env-file", &half], "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL"),
        (&["config", "--env-file", &misspelt], "AUTHKIT_REQUIRED_SCOPE"),
        (
            &["config", "--env-file", "/nonexistent/settings"],
            "the env file '/nonexistent/settings' cannot be read",
        ),
        (&["config", "--json", "--env-file", &half], "asks for AuthKit"),
    ] {
        let run = authkit(arguments, "");
        assert_eq!((run.exit, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(says), "{run:?}");
        assert!(!run.all_output().contains("hunter2"), "{run:?}");
    }
}

#[test]
fn verify_takes_an_env_file_and_any_of_several_scopes() {
    let good = good();
    let text = format!(
        "AUTHKIT_DOMAIN={}\nAUTHKIT_RESOURCE={}\nAUTHKIT_JWKS='{}'\n",
        good.issuer, good.audience, good.jwks
    );
    let env = file("config/verify.env", text);
    let verify = |more: &[&str]| {
        authkit(&[&["verify", "--env-file", &env, "--now", &good.now], more].concat(), &good.token)
    };
    let run = verify(&["--require-any-scope", "admin,email"]);
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains("kind      user, of the connect family"), "{run:?}");
    let run = verify(&["--require-any-scope", "email", "--require-any-scope", "admin editor"]);
    assert!(run.exit == 1 && run.stdout.contains("every one of admin editor"), "{run:?}");
    assert_eq!(verify(&["--require-any-scope", ""]).exit, 2);
}

#[test]
fn each_setting_says_where_it_came_from() {
    let file =
        file("config/origins.env", "AUTHKIT_LEEWAY=5\nAUTHKIT_DOMAIN=https://p-1.authkit.app\n");
    let json = file_of_settings();
    let arguments =
        ["config", "--env-file", &file, "--config", &json, "--resource=https://mcp.example/mcp"];
    let environment = [("AUTHKIT_REQUIRED_SCOPES", "a b")];
    let text = authkit_in(&environment, &arguments, "").stdout;
    for line in [
        "resource: \"https://mcp.example/mcp\" [--resource]",
        "required_scopes: [\"a\",\"b\"] [AUTHKIT_REQUIRED_SCOPES in the environment]",
        "typ: \"any\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(text.contains("fetch_timeout: 9 [fetch_timeout in the file '"), "{text}");
    assert!(text.contains("origins.json' given with --config]\n"), "{text}");
    assert!(text.contains("leeway: 5 [AUTHKIT_LEEWAY in the env file "), "{text}");
    assert!(text.contains("authkit_domain: see above [AUTHKIT_DOMAIN in the env file "), "{text}");
    let described = authkit_in(&environment, &[&arguments[..], &["--json"]].concat(), "").json();
    assert_eq!(described["schema"], "authkit-config/1");
    assert_eq!(described["origins"]["resource"], "--resource");
    assert_eq!(described["origins"]["typ"], "default");
}

fn file_of_settings() -> String {
    file("config/origins.json", r#"{"fetch_timeout":9}"#)
}

#[test]
fn a_wrong_flag_is_named_as_a_flag() {
    let run = authkit(&["config", "--leeway=soon"], "");
    assert!(run.stderr.contains("--leeway is 'soon', not a whole number of seconds"), "{run:?}");
}
