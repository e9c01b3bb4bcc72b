//! Keys shared through a directory: what one verifier has fetched, another does not ask for.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use authkit::{Code, Source, Verifier};
use tempfile::TempDir;

use crate::support::server::{Answer, Server};
use crate::support::{accepted, build, claims, jwks, keys, refused};
use crate::{config, good, try_verdict};

fn sharing(server: &Server, directory: &TempDir) -> Verifier {
    sharing_in(&server.url(), directory.path())
}

fn sharing_in(url: &str, directory: &Path) -> Verifier {
    build(config(url).allow_insecure_loopback(true).jwks_cache_dir(directory))
}

fn source(verifier: &Verifier) -> Option<Source> {
    verifier.stats().issuers[0].document.source
}

#[test]
fn a_second_verifier_with_the_same_directory_makes_no_request() {
    let (server, directory) = (Server::http(good()), tempfile::tempdir().unwrap());
    let token = keys::rsa().token(&claims());
    let first = sharing(&server, &directory);
    accepted(&first, &token, "fetched");
    assert_eq!((server.requests(), source(&first)), (1, Some(Source::Network)));
    for _ in 0..5 {
        let next = sharing(&server, &directory);
        accepted(&next, &token, "shared");
        assert_eq!(source(&next), Some(Source::File));
        try_verdict(&next, &token).unwrap();
    }
    sharing(&server, &directory).wait_ready(Duration::from_secs(30)).unwrap();
    assert_eq!(server.requests(), 1);
    // Nor while the issuer is down.
    server.answer(Answer::Status(500, vec![]));
    accepted(&sharing(&server, &directory), &token, "shared, in an outage");
    assert_eq!(server.requests(), 1);
    // Without the directory it has to ask.
    let alone = build(config(&server.url()).allow_insecure_loopback(true));
    refused(&alone, &token, Code::KeysUnavailable, "nothing shared with it");
    assert_eq!(server.requests(), 2);
}

/// Runs this very test in processes of their own, which are told by their environment what to do.
#[test]
fn other_processes_with_the_same_directory_make_no_request() {
    const TOLD: [&str; 3] = ["SHARING_URL", "SHARING_DIRECTORY", "SHARING_TOKEN"];
    if let [Ok(url), Ok(directory), Ok(token)] = TOLD.map(std::env::var) {
        let verifier = sharing_in(&url, Path::new(&directory));
        accepted(&verifier, &token, "shared by another process");
        assert_eq!(source(&verifier), Some(Source::File));
        return;
    }
    let (server, directory) = (Server::http(good()), tempfile::tempdir().unwrap());
    let token = keys::rsa().token(&claims());
    accepted(&sharing(&server, &directory), &token, "fetched");
    let (url, path) = (server.url(), directory.path().to_str().unwrap());
    let name = "sharing::other_processes_with_the_same_directory_make_no_request";
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .envs(TOLD.into_iter().zip([url.as_str(), path, token.as_str()]))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    assert_eq!(server.requests(), 1);
}

#[test]
fn another_issuers_file_is_not_taken_for_ones_own() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) =
        (Server::http(good()), Server::http(Answer::document(jwks(&[keys::rsa_next()]))));
    let token = keys::rsa().token(&claims());
    accepted(&sharing(&one, &directory), &token, "fetched");
    // The same issuer by name, but its keys are elsewhere.
    refused(&sharing(&two, &directory), &token, Code::UnknownKey, "asks its own server");
    assert!(two.requests() >= 1);
    accepted(&sharing(&one, &directory), &token, "still shared");
    assert_eq!(one.requests(), 1);
}

#[test]
fn a_rotation_reaches_who_shares_the_old_keys() {
    let (server, directory) = (Server::http(good()), tempfile::tempdir().unwrap());
    let (first, second) = (sharing(&server, &directory), sharing(&server, &directory));
    let (old, new) = (keys::rsa().token(&claims()), keys::rsa_next().token(&claims()));
    accepted(&first, &old, "fetched");
    accepted(&second, &old, "shared");
    server.answer(Answer::document(jwks(&[keys::rsa_next()])));
    accepted(&first, &new, "found within the call");
    accepted(&second, &new, "the file that the first has written holds it");
    assert_eq!(server.requests(), 2, "one fetch for the two of them");
    refused(&second, &old, Code::UnknownKey, "what is gone is gone for both");
}
