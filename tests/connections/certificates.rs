//! Certificates that are not good, and the files that say which authorities are.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use authkit::ConfigBuilder;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::net::Service;
use crate::tls::{CaFile, Certificate};

/// A server that shakes hands by this configuration, and then says nothing.
fn shaking_hands(config: Arc<ServerConfig>) -> Service {
    Service::new(move |stream| {
        let connection =
            ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        stream.read_to_end(&mut Vec::new()).map(|_| ())
    })
}

/// A server that sends these octets, whatever it is told.
fn sending(octets: &'static [u8]) -> Service {
    Service::new(move |mut stream| {
        stream.write_all(octets)?;
        stream.read_to_end(&mut Vec::new()).map(|_| ())
    })
}

#[test]
fn every_way_in_which_tls_fails_is_told_in_a_sentence_of_ours() {
    let ca = CaFile::new();
    let authority = shaking_hands(tls::authority_as_server());
    let cases = [
        (shaking_hands(tls::config(Certificate::SelfSigned)), "self-signed"),
        (shaking_hands(tls::config(Certificate::UnknownAuthority)), "authority is not trusted"),
        (shaking_hands(tls::config(Certificate::Namesake)), "replace ca_file"),
        (shaking_hands(tls::config(Certificate::Expired)), "has expired"),
        (shaking_hands(tls::config(Certificate::NotYetValid)), "not valid yet"),
        (shaking_hands(tls::config(Certificate::WrongHost)), "another name"),
        (shaking_hands(tls::config(Certificate::IssuedByALeaf)), "may not sign others"),
        (authority, "an authority's own certificate"),
        (sending(tls::HANDSHAKE_FAILURE), "refused the handshake"),
        (sending(tls::EMPTY_RECORD), "TLS"),
        (sending(b"HTTP/1.1 400 hunter2\r\n\r\n"), "does not speak TLS"),
        (sending(b"SSH-2.0-OpenSSH_9.2 hunter2\r\n"), "does not speak TLS"),
        (sending(tls::server_hello_of_1_0().leak()), "TLS 1.2"),
        (sending(&[21, 3, 3, 0, 2, 2, 116]), "certificate of its client"),
        (sending(&[21, 3, 3, 0, 2, 2, 112]), "does not know the URL's host"),
        (sending(&[21, 3, 3, 0, 2, 2, 70]), "TLS 1.2"),
        (sending(&[21, 3, 3, 0, 2, 2, 20]), "alert 20"),
    ];
    for (server, says) in cases {
        let builder = config_for("https://localhost/jwks").ca_file(&ca.0);
        let reason = unavailable_within(&at(builder, &[server.address]), SLACK, says);
        names_phase_address_and_time(&reason, "TLS handshake", &server.address.to_string());
        assert!(reason.contains(says), "{says}: {reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
    }
}

/// A directory with the files that tests need; gone when dropped.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

fn key_pem() -> String {
    rcgen::KeyPair::generate().unwrap().serialize_pem()
}

fn new_error(path: &Path) -> Error {
    let config = config_for("https://localhost/jwks").ca_file(path).build().unwrap();
    let error = Verifier::new(config).expect_err("the ca_file is of no use");
    assert_eq!(error.code(), Code::Config, "{error}");
    is_ours(error.reason(), "ca_file");
    assert!(error.reason().starts_with("ca_file "), "{error}");
    error
}

/// The private key must not reach the message, octet by octet or otherwise.
#[test]
fn a_key_in_a_ca_file_whose_newlines_are_two_characters_stays_there() {
    let files = Files::new();
    let server = good();
    let key = key_pem();
    let pem = format!("{}{key}", fs::read_to_string(server.ca_file()).unwrap());
    let error = new_error(&files.file("ca.pem", pem.replace('\n', "\\n")));
    assert!(error.reason().contains("newlines"), "{error}");
    for line in key.lines().filter(|line| !line.starts_with('-')) {
        let octets = line.bytes().take(8).map(|octet| octet.to_string()).collect::<Vec<_>>();
        assert!(!error.to_string().contains(&line[..8]), "{error}");
        assert!(!error.to_string().contains(&octets.join(", ")), "{error}");
    }
}

#[test]
fn what_is_no_certificate_in_a_ca_file_is_passed_over() {
    let files = Files::new();
    let server = good();
    let own = fs::read_to_string(server.ca_file()).unwrap();
    let crlf = own.replace('\n', "\r\n");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB!\n-----END RSA PRIVATE KEY-----\n";
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let broken = "-----BEGIN WHATEVER-----\nno end, no base64\n";
    let contents = [
        own.clone(),
        format!("{}{own}", key_pem()),
        format!("{own}{}", key_pem()),
        format!("{encrypted}{legacy}{parameters}{broken}{own}"),
        format!("{own}{encrypted}{legacy}{parameters}{broken}"),
        format!("subject=CN = me\n# text before\n{own}\ntext after, é\n"),
        format!("\u{feff}{crlf}"),
        own.replace("CERTIFICATE", "X509 CERTIFICATE"),
    ];
    for content in contents {
        let builder = config_for(&server.url()).ca_file(files.file("ca.pem", &content));
        let described = builder.clone().build().unwrap().describe();
        assert!(described.contains("\nca_file_certificates: 1\n"), "{described}");
        accepted_within(&at(builder, &[server.address()]), SLACK, &content);
    }
}

#[test]
fn a_ca_file_that_is_of_no_use_is_refused_when_the_verifier_is_made() {
    let files = Files::new();
    let own = fs::read_to_string(good().ca_file()).unwrap_or_default();
    let server = good();
    let own = if own.is_empty() { fs::read_to_string(server.ca_file()).unwrap() } else { own };
    let cases = [
        (files.file("empty", ""), "is empty"),
        (files.file("text", "hunter2"), "no certificate"),
        (files.file("key", key_pem()), "private key"),
        (files.file("der", [0x30, 0x82, 1, 1]), "DER"),
        (files.file("binary", [0xff; 1000]), "no certificate"),
        (files.file("cut", own.split("-----END").next().unwrap()), "END line for certificate 1"),
        (files.file("none", own.replace("MII", "AII")), "number 1"),
        (files.file("bad", own.replace("MII", "!!!")), "number 1"),
        (files.file("second", format!("{own}{}", own.replace("MII", "AII"))), "number 2"),
        (files.0.path().to_owned(), "directory"),
        (files.0.path().join("nowhere"), "does not exist"),
        ("/dev/zero".into(), "no regular file"),
    ];
    for (path, says) in cases {
        let error = new_error(&path);
        assert!(error.reason().contains(says), "{says}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn an_extra_ca_file_is_trusted_or_told_of_and_passed_over() {
    let files = Files::new();
    let server = good();
    let extra = config_for(&server.url()).extra_ca_file(server.ca_file());
    accepted_within(&at(extra, &[server.address()]), SLACK, "an extra file");
    let missing = files.0.path().join("nowhere");
    let both = config(&server).extra_ca_file(&missing);
    let verifier = at(both, &[server.address()]);
    let event = verifier.next_event().unwrap().to_json();
    assert!(event.contains("warned") && event.contains("extra_ca_file"), "{event}");
    accepted_within(&verifier, SLACK, "an extra file that is missing");
    let alone = config_for(&server.url()).extra_ca_file(&missing);
    let reason = unavailable_within(&at(alone, &[server.address()]), SLACK, "nothing but that");
    assert!(reason.contains("extra_ca_file"), "{reason}");
}

// --- the variables that name the system's authorities -----------------------------------------------

/// Tells a test which was started as another process whom to ask: a port, and the `ca_file` or nothing.
const CHILD: &str = "AUTHKIT_CONNECTIONS_CHILD";

/// The other process: says what the verdict is, and which events there are.
#[test]
fn a_process_with_variables_of_its_own() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (port, ca_file) = told.split_once(' ').unwrap();
    let mut builder: ConfigBuilder = config_for(&format!("https://localhost:{port}/oauth2/jwks"));
    if !ca_file.is_empty() {
        builder = builder.ca_file(ca_file);
    }
    let address = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let verifier = at(builder, &[address]);
    let (verdict, _) = verdict(&verifier);
    let events: Vec<String> = std::iter::from_fn(|| verifier.next_event())
        .filter(|event| event.name() == "warned")
        .map(|event| event.to_json())
        .collect();
    // The keys that came are the parent's, and so do not fit this process's token.
    let verdict = match verdict {
        Err(error) if error.code() == Code::KeysUnavailable => error.reason().to_owned(),
        Err(error) if error.code() == Code::Signature => "KEYS".to_owned(),
        verdict => format!("{verdict:?}"),
    };
    println!("<<{verdict}>>{}<<", events.join(" "));
}

/// What such a process says: the verdict, and the events.
fn child(server: &Server, ca_file: Option<&Path>, variables: &[(&str, &Path)]) -> (String, String) {
    let ca_file = ca_file.map(|path| path.display().to_string()).unwrap_or_default();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "certificates::a_process_with_variables_of_its_own", "--nocapture"])
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR")
        .env(CHILD, format!("{} {ca_file}", server.address().port()))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let parts: Vec<&str> = said.split("<<").collect();
    let (verdict, events) = (parts[1].split_once(">>")).expect(&said);
    is_ours(if verdict == "KEYS" { "" } else { verdict }, "a child");
    (verdict.to_owned(), events.to_owned())
}

#[test]
fn variables_that_name_authorities_are_followed_and_empty_ones_are_unset() {
    let files = Files::new();
    let server = good();
    let (own, nothing) = (server.ca_file(), Path::new(""));
    let directory = files.0.path().join("certs");
    fs::create_dir(&directory).unwrap();
    fs::copy(&own, directory.join("a.pem")).unwrap();
    fs::write(directory.join("README"), "no certificate").unwrap();
    for variables in [
        &[("SSL_CERT_FILE", own.as_path())][..],
        &[("SSL_CERT_DIR", directory.as_path())],
        &[("SSL_CERT_FILE", own.as_path()), ("SSL_CERT_DIR", nothing)],
        &[("SSL_CERT_FILE", nothing), ("SSL_CERT_DIR", directory.as_path())],
    ] {
        let (verdict, events) = child(&server, None, variables);
        assert_eq!((verdict.as_str(), events.as_str()), ("KEYS", ""), "{variables:?}");
    }
    // Empty ones hide neither the system's authorities nor the file's.
    let empty = [("SSL_CERT_FILE", nothing), ("SSL_CERT_DIR", nothing)];
    assert_eq!(child(&server, Some(&own), &empty).0, "KEYS");
    let usual = child(&server, None, &[]).0;
    let without_times = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    assert_eq!(without_times(&child(&server, None, &empty).0), without_times(&usual));
}

#[test]
fn variables_that_are_of_no_use_are_named_with_their_path() {
    let files = Files::new();
    let server = good();
    let own = server.ca_file();
    let (missing, text) = (files.0.path().join("nowhere"), files.file("text", "no certificate"));
    let empty_directory = files.0.path().join("empty");
    fs::create_dir(&empty_directory).unwrap();
    let cases = [
        ("SSL_CERT_FILE", missing.as_path()),
        ("SSL_CERT_FILE", text.as_path()),
        ("SSL_CERT_FILE", empty_directory.as_path()),
        ("SSL_CERT_DIR", missing.as_path()),
        ("SSL_CERT_DIR", text.as_path()),
        ("SSL_CERT_DIR", empty_directory.as_path()),
    ];
    for (variable, path) in cases {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (verdict, events) = child(&server, None, &[(variable, path)]);
        assert!(verdict.contains(variable) && verdict.contains(name), "{verdict}");
        assert!(events.contains(variable) && events.contains(name), "{events}");
        // Beside a ca_file the system's authorities are missing, which is told at the start, and where it matters.
        let (verdict, events) = child(&server, Some(&own), &[(variable, path)]);
        assert_eq!(verdict, "KEYS");
        assert!(events.contains(variable) && events.contains(name), "{events}");
        let stranger = good();
        let (verdict, _) = child(&stranger, Some(&own), &[(variable, path)]);
        assert!(verdict.contains(variable) && verdict.contains(name), "{verdict}");
    }
}

/// A variable that names other authorities is the likely cause of one that is not known.
#[test]
fn a_variable_that_replaces_the_authorities_is_named_beside_an_unknown_one() {
    let (server, other) = (good(), good());
    let own = other.ca_file();
    let (verdict, _) = child(&server, None, &[("SSL_CERT_FILE", &own)]);
    assert!(verdict.contains("SSL_CERT_FILE replaces this system's authorities"), "{verdict}");
    assert!(verdict.contains("ca_file") && !verdict.contains("ca-certificates"), "{verdict}");
    let (verdict, _) = child(&server, None, &[]);
    assert!(!verdict.contains("SSL_CERT_FILE"), "{verdict}");
}
