//! What proxies answer to CONNECT (RFC 9110 §9.3.6).

use std::io::Write as _;
use std::sync::Arc;

use rustls::{ServerConnection, StreamOwned};

use super::*;
use crate::net::Service;

fn by(server: &Server, proxy: &Service) -> Verifier {
    let builder = config(server).proxy(format!("http://{}", proxy.address));
    // The target's name is the proxy's to look up.
    verifier_with_names(builder.build().unwrap(), &clock(), |host, _| {
        panic!("{host} is looked up here")
    })
    .unwrap()
}

fn head(status: &str, lines: &[String]) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{}\r\n",
        lines.iter().map(|line| format!("{line}\r\n")).collect::<String>()
    )
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("x-line-{number}: {number}")).collect()
}

#[test]
fn any_2xx_opens_the_tunnel_whatever_its_fields_say() {
    let server = good();
    let heads = [
        head("200 OK", &[]),
        head("200 Connection established", &lines(90)),
        head("201 Created", &["content-length: 10".to_owned()]),
        head("204 No Content", &["transfer-encoding: chunked".to_owned()]),
        head("299 Whatever", &[]),
        "HTTP/1.0 200 Connection established\r\n\r\n".to_owned(),
        "HTTP/1.1 200\nx: y\n\n".to_owned(),
        format!("{}{}", head("103 Early Hints", &lines(3)), head("200 OK", &[])),
        head("200 OK", &[format!("x-long: {}", "y".repeat(8000))]),
    ];
    for head in heads {
        let proxy = Service::proxy(head.clone(), Duration::ZERO);
        accepted_within(&by(&server, &proxy), SLACK, &head);
        assert_eq!(proxy.connections(), 1);
    }
}

#[test]
fn what_is_no_2xx_is_told_and_407_names_the_setting() {
    let server = good();
    let cases = [
        (head("407 Proxy Authentication Required", &[]), "user and password"),
        (head("403 hunter2 secret", &["x: hunter2".to_owned()]), "HTTP 403"),
        (head("301 Moved", &["location: http://evil.example".to_owned()]), "HTTP 301"),
        (head("200 OK", &lines(200)), "HTTP proxy"),
        (head("200 OK", &[format!("x-long: {}", "y".repeat(20_000))]), "HTTP proxy"),
        ("hunter2\r\n\r\n".to_owned(), "HTTP proxy"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), "HTTP proxy"),
        (head("199 X", &[]).repeat(10_000), "HTTP proxy"),
    ];
    for (head, says) in cases {
        let proxy = Service::proxy(head.clone(), Duration::ZERO);
        let reason = unavailable_within(&by(&server, &proxy), SLACK, says);
        names_phase_address_and_time(&reason, "proxy CONNECT", &proxy.address.to_string());
        assert!(reason.contains(says) && reason.contains("proxy setting"), "{reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
    }
}

#[test]
fn a_slow_proxy_has_the_whole_limit() {
    let server = good();
    let proxy = Service::proxy(head("200 OK", &[]), Duration::from_millis(2200));
    accepted_within(&by(&server, &proxy), Duration::from_secs(5), "2.2 s until the tunnel");
}

#[test]
fn a_proxy_that_hangs_up_or_refuses_is_an_outage() {
    let server = good();
    let proxy = Service::new(|mut stream| stream.write_all(b"HTTP/1.1 2"));
    let reason = unavailable_within(&by(&server, &proxy), SLACK, "hangs up");
    assert!(reason.contains("proxy CONNECT"), "{reason}");
    let builder = config(&server).now(NOW).proxy(format!("http://{}", net::refusing()));
    let verifier = authkit::Verifier::new(builder.build().unwrap()).unwrap();
    let reason = unavailable_within(&verifier, SLACK, "refuses");
    assert!(reason.contains("connection: ") && reason.contains("the proxy 127.0.0.1"), "{reason}");
}

/// TLS to the proxy, and TLS to the server inside it.
#[test]
fn a_proxy_may_be_spoken_to_in_tls() {
    let ca = tls::CaFile::new();
    let both = std::env::temp_dir().join(format!("authkit-connections-{}.pem", std::process::id()));
    let server = good();
    let certificates =
        [std::fs::read(&ca.0).unwrap(), std::fs::read(server.ca_file()).unwrap()].concat();
    std::fs::write(&both, certificates).unwrap();
    let config = tls::config(tls::Certificate::Good);
    let target = server.address();
    let proxy = Service::new(move |stream| {
        let connection =
            ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        tunnel(StreamOwned::new(connection, stream), target)
    });
    let at_proxy = proxy.address;
    let builder = config_for(&server.url())
        .ca_file(&both)
        .proxy(format!("https://user:pass@localhost:{}", proxy.address.port()));
    let verifier =
        verifier_with_names(builder.build().unwrap(), &clock(), move |_, _| Ok(vec![at_proxy]));
    accepted_within(&verifier.unwrap(), SLACK, "TLS in TLS");
    std::fs::remove_file(both).unwrap();
}

/// Takes a CONNECT and copies octets between the two, a turn each: one thread holds the TLS connection.
fn tunnel(
    mut client: StreamOwned<ServerConnection, std::net::TcpStream>,
    target: SocketAddr,
) -> std::io::Result<()> {
    use std::io::Read as _;
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut octet)?;
        head.push(octet[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(head.contains("proxy-authorization: basic dxnlcjpwyxnz\r\n"), "{head}");
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let mut server = std::net::TcpStream::connect(target)?;
    let turn = Some(Duration::from_millis(20));
    client.sock.set_read_timeout(turn)?;
    server.set_read_timeout(turn)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => server.write_all(&buffer[..count])?,
            Err(error) if is_turn_over(&error) => {}
            Err(error) => return Err(error),
        }
        match server.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => client.write_all(&buffer[..count])?,
            Err(error) if is_turn_over(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_turn_over(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Tells a test that was started as another process that it is that.
const CHILD: &str = "AUTHKIT_PROXY_CHILD";

/// The other process: says what it is told where a server, or its name, is not there.
#[test]
fn a_process_with_a_proxy_in_its_environment() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let nobody = net::refusing();
    let url = format!("https://keys.example:{}/jwks", nobody.port());
    let nameless = |_: &str, _: u16| Err(std::io::ErrorKind::NotFound.into());
    let configured = || config_for(&url).build().unwrap();
    let through = config_for(&url).proxy(format!("http://{nobody}")).build().unwrap();
    for verifier in [
        at(config_for(&url), &[nobody]),
        verifier_with_names(configured(), &clock(), nameless).unwrap(),
        verifier_with_names(through, &clock(), nameless).unwrap(),
        at(config_for(&url.replace("keys.example", "localhost")), &[nobody]),
    ] {
        println!("<<{}", unavailable_within(&verifier, SLACK, "a child"));
    }
}

/// What such a process is told.
fn told(variables: &[(&str, &str)]) -> Vec<String> {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"]
    {
        command.env_remove(name);
    }
    let test = "proxies::a_process_with_a_proxy_in_its_environment";
    let command = command.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().filter_map(|line| Some(line.split_once("<<")?.1.to_owned())).collect()
}

#[test]
fn a_proxy_of_the_environment_that_is_not_used_is_told_where_nothing_is_reached() {
    let url = "http://user:hunter2@proxy.example:3128";
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "http_proxy"] {
        let told = told(&[(variable, url)]);
        let [refused, nameless, proxied, local] = told.as_slice() else { panic!("{told:?}") };
        let note = format!("{variable} is set and not used: set proxy if it is needed");
        assert!(refused.contains("connection: ") && refused.ends_with(&note), "{refused}");
        assert!(
            nameless.contains("no address was found") && nameless.contains(&note),
            "{nameless}"
        );
        assert!(nameless.contains("look at jwks_url"), "{nameless}");
        assert!(!proxied.contains("is set and not used"), "{proxied}");
        assert!(!local.contains("is set and not used"), "{local}");
        assert!(told.iter().all(|reason| !reason.contains("hunter2")), "{told:?}");
    }
    for variables in [&[][..], &[("HTTPS_PROXY", "")]] {
        let told = told(variables);
        assert_eq!(told.len(), 4);
        assert!(told.iter().all(|reason| !reason.contains("is set and not used")), "{told:?}");
    }
}

#[test]
fn a_proxy_whose_name_is_unknown_is_told_with_its_setting() {
    let builder = config_for("https://keys.example/jwks").proxy("http://proxy.example:3128");
    let nameless = |_: &str, _: u16| Err(std::io::ErrorKind::NotFound.into());
    let verifier = verifier_with_names(builder.build().unwrap(), &clock(), nameless).unwrap();
    let reason = unavailable_within(&verifier, SLACK, "no proxy");
    assert!(reason.contains("found for the proxy proxy.example"), "{reason}");
    assert!(reason.contains("look at the proxy setting"), "{reason}");
}
