//! Where the endpoint listens: on this machine alone, since whoever reaches it learns what tokens are good for.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use authkit::Code;
use authkit::conformance::file_problem;
use rustix::fs::Mode;
use rustix::process::umask;
use tokio::net::{TcpListener, UnixListener};

use crate::failure::Failure;

/// `127.0.0.1:PORT`, `[::1]:PORT` or `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Loopback(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.has_root() {
                Ok(Self::Unix(path))
            } else {
                Err("the path of a socket begins with a slash".to_owned())
            };
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            Ok(_) => {
                Err("only this machine may ask: take 127.0.0.1, [::1] or unix:PATH".to_owned())
            }
            // No name: what localhost means is for a file or a server to say.
            Err(_) => Err("not 127.0.0.1:PORT, [::1]:PORT or unix:PATH".to_owned()),
        }
    }
}

/// Who may connect to a socket in the file system.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) mode: SocketMode,
    /// The socket's group, by name or number; else this process's. Its members may connect.
    pub(crate) group: Option<String>,
}

/// Its owner, or its group too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SocketMode {
    #[value(name = "600")]
    Owner,
    #[value(name = "660")]
    Group,
}

impl SocketMode {
    /// What the mode leaves out.
    fn mask(self) -> Mode {
        match self {
            Self::Owner => Mode::RWXG | Mode::RWXO | Mode::XUSR,
            Self::Group => Mode::XGRP | Mode::RWXO | Mode::XUSR,
        }
    }
}

/// An open listener; where it is a file, the file goes with it.
pub(crate) enum Listener {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// Removed at the end.
pub(crate) struct SocketFile(PathBuf);

impl SocketFile {
    /// Lets a group connect. Until then only its owner may connect.
    fn give_to(&self, group: &str) -> Result<(), Failure> {
        let refused = |problem: String| {
            let reason = format!("the socket cannot be given to the group {group}: {problem}");
            Failure::new(Code::Config, &reason)
        };
        let number = group_number(group)
            .ok_or_else(|| refused("there is no such group in /etc/group".to_owned()))?;
        let problem = |error: io::Error| refused(file_problem(&error));
        std::os::unix::fs::chown(&self.0, None, Some(number)).map_err(problem)?;
        let mode = fs::Permissions::from_mode(0o660);
        fs::set_permissions(&self.0, mode).map_err(problem)
    }
}

/// The number of a group that is given by number or name.
fn group_number(group: &str) -> Option<u32> {
    group.parse().ok().or_else(|| {
        let groups = fs::read_to_string("/etc/group").ok()?;
        let fields = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let mut named = fields.filter(|fields| fields.first() == Some(&group));
        named.next()?.get(2)?.parse().ok()
    })
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Within a runtime.
    pub(crate) fn bind(address: &Address, access: Access) -> Result<Self, Failure> {
        let bound = match address {
            Address::Loopback(address) => tcp(*address),
            Address::Unix(path) => unix(path, access.mode),
        };
        let listener = bound.map_err(|error| address.unusable(&error))?;
        if let (Self::Unix(_, file), Some(group)) = (&listener, access.group) {
            file.give_to(&group)?;
        }
        Ok(listener)
    }

    /// As `--listen` has it, with the port that port 0 became.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Tcp(_, address) => address.to_string(),
            Self::Unix(_, file) => Address::Unix(file.0.clone()).told(),
        }
    }
}

impl Address {
    /// Why nothing can listen there, and what to do.
    fn unusable(&self, error: &io::Error) -> Failure {
        let reason = format!("cannot listen on {}: {}", self.told(), file_problem(error));
        let directory = match self {
            Self::Unix(path) => path.parent().filter(|_| error.kind() == io::ErrorKind::NotFound),
            Self::Loopback(_) => None,
        };
        match directory {
            Some(directory) => {
                let directory = directory.display();
                let reason = format!("cannot listen on {}: its directory is missing", self.told());
                Failure::new(Code::Config, &reason)
                    .with_hint(format!("make it: install -d -m 0750 {directory}"))
            }
            None => Failure::new(Code::Config, &reason),
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Loopback(address) => address.to_string(),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

fn tcp(address: SocketAddr) -> io::Result<Listener> {
    let listener = StdTcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok(Listener::Tcp(TcpListener::from_std(listener)?, address))
}

fn unix(path: &Path, mode: SocketMode) -> io::Result<Listener> {
    remove_stale(path)?;
    // Not chmod afterwards, which leaves a moment to connect in. No other thread makes files yet.
    let before = umask(mode.mask());
    let bound = StdUnixListener::bind(path);
    umask(before);
    let (listener, file) = (bound?, SocketFile(path.to_owned()));
    listener.set_nonblocking(true)?;
    Ok(Listener::Unix(UnixListener::from_std(listener)?, file))
}

/// Removes the socket of a process that was killed: nobody answers there. Nothing else is removed.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Ok(()), // binding says what is wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_on() {
        for text in ["127.0.0.1:0", "127.0.0.2:8080", "[::1]:8080"] {
            assert!(matches!(text.parse(), Ok(Address::Loopback(_))), "{text}");
        }
        assert_eq!("unix:/run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        for text in [
            "0.0.0.0:8080",
            "[::]:8080",
            "192.168.1.2:8080",
            "[::ffff:127.0.0.1]:8080",
            "[::ffff:192.168.1.2]:8080",
            "[fe80::1]:8080",
            "localhost:8080",
            "localhost.example.com:8080",
            "127.1:8080",
            "127.0.0.1",
            ":8080",
            "8080",
            "*:8080",
            "",
            "unix:",
            "unix:authkit.sock",
            "/run/authkit.sock",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
